"""What the harness says about the machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness import doctor, settings
from harness.doctor import cores, disk, docker, pinning, process_clock, servers
from harness.doctor.finding import Finding

HERE = settings.load(Path(__file__).parent)


def test_every_file_is_a_check_and_every_check_reports():
    """A check that is forgotten or breaks would let an unfit machine publish figures."""
    findings = doctor.examine(HERE)
    assert len(findings) == len(list(Path(doctor.__path__[0]).glob("[!_]*.py"))) - 1
    assert len({finding.name for finding in findings}) == len(findings)
    for finding in findings:
        assert finding.status in ("ok", "warn", "fail")
        assert finding.sees
        assert "broke" not in finding.sees


def test_a_broken_check_is_a_finding_and_hides_no_other():
    """One odd machine would see a traceback instead of everything else the doctor knows."""

    def broken(_: settings.Settings) -> Finding:
        raise OSError("no such sensor")

    finding = doctor.run("sensor", broken, HERE)
    assert finding.status == "fail"
    assert "no such sensor" in finding.sees


def test_too_few_open_files_are_named_with_the_command_that_mends_them():
    """A load with thousands of connections would fail in the middle, for a limit nobody mentioned."""
    script = (
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256)); "
        "from pathlib import Path; from harness import settings; from harness.doctor import files; "
        "found = files.check(settings.load(Path.cwd())); print(found.status, found.sees, found.mend)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("warn 256 open files")
    assert "hard limit" in done.stdout


def test_one_core_is_a_warning_and_nothing_is_pinned():
    """Figures from a shared core would look as good as any other."""
    script = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); "
        "from pathlib import Path; from harness import settings; from harness.doctor import cores, pinning; "
        "here = settings.load(Path.cwd()); print(cores.check(here).status, pinning.check(here).status)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["warn", "warn"]


def test_the_cpu_clock_of_another_process_is_read():
    """The primary figure, CPU per request, would be missing on this machine."""
    assert process_clock.check(HERE).status == "ok"


def test_servers_of_the_lock_file_are_installed():
    """A server would be found missing in the middle of a session."""
    finding = servers.check(HERE)
    assert finding.status == "ok"
    assert "granian" in finding.sees


def test_free_space_is_looked_up_where_runs_will_be_kept(tmp_path):
    """The root's disk would be checked while runs go to another that is full."""
    elsewhere = settings.Settings(root=tmp_path, results=tmp_path / "not" / "yet")
    assert str(tmp_path) in disk.check(elsewhere).sees


def test_without_docker_the_local_runtime_stays_usable(monkeypatch, tmp_path):
    """A machine without containers would be called unfit although nothing needs them."""
    monkeypatch.setenv("PATH", str(tmp_path))
    finding = docker.check(HERE)
    assert finding.status == "warn"
    assert finding.mend


@pytest.mark.parametrize("check", [cores.check, pinning.check])
def test_checks_leave_the_process_where_it_was(check):
    """Looking at the machine would change how it measures."""
    before = sorted(_affinity())
    check(HERE)
    assert sorted(_affinity()) == before


def _affinity() -> list[str]:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return [line for line in status.splitlines() if line.startswith("Cpus_allowed")]
