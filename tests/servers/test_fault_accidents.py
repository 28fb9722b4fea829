"""Accidents with faults: what happened is said, the trial is void, and nothing is left running."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from harness import catalog, duel, passages, processes, supervisor
from harness.course import Course, Subject
from harness.errors import CannotMeasure
from harness.faults import _processes
from harness.model import Fault, Load
from harness.runtimes import private_disk
from tests.support import command
from tests.support.serving import ROOT

APP = "targets.truth.slow:app"


def _course(name: str, fault: Fault, **more) -> Course:
    """Give a course of 2 s with one subject."""
    return Course(
        id=name,
        subjects=more.pop("subjects", (Subject("uvicorn", "uvicorn"),)),
        faults=(fault,),
        load=Load(model="open", rate_rps=60.0, warmup_s=0.2, measure_s=more.pop("measure_s", 2.0)),
        paths=("/quick",),
        what="something happens",
        app=APP,
        **more,
    )


DOWN = Fault(fault="down", on="client", start_s=1.0, end_s=1.4)


@pytest.mark.parametrize(
    ("number", "words"),
    [(signal.SIGKILL, ("Toxiproxy ended with status -9", "has died")), (signal.SIGSTOP, ("stalls",))],
)
def test_a_toxiproxy_that_dies_or_stalls_in_mid_trial_makes_it_void(toxiproxy_binary, tmp_path, number, words):
    """An outage of the instrument would be published as one of the service."""
    del toxiproxy_binary
    place = tmp_path / "trial"
    place.mkdir()
    course = _course("struck", DOWN, proxied=("client",))
    with processes.supervised() as session, duel.rig(ROOT, (), session, 1) as rig:

        def strike() -> None:
            deadline = time.monotonic() + 60
            while not (place / "load" / "start.json").exists() and time.monotonic() < deadline:
                time.sleep(0.01)
            time.sleep(0.4)
            for pid in supervisor.labelled(session.label):
                if b"toxiproxy-server" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, number)

        striker = threading.Thread(target=strike)
        striker.start()
        one = passages.run(course, course.subjects[0], lambda text: catalog.target(text, ROOT), rig, place, 0, 7)
        striker.join()
        assert {"fault applied"} <= {void.check for void in one.voids}
        said = " ".join(void.sentence for void in one.voids)
        assert all(word in said for word in words), said
        assert supervisor.labelled(session.label) == []


CHILD = """
import sys, time
from pathlib import Path
from harness import listeners, processes
from harness.faults import cpu_hog, freeze
from harness.faults.fault import Place
from harness.runtimes import local
with processes.supervised() as session:
    log = Path(sys.argv[1])
    argv = [sys.executable, "-c", "import time; time.sleep(60)"]
    sleeper = processes.start(argv, session=session, environment={}, log=log)
    place = Place(session=session, server=local.Server("target", sleeper, listeners.free_port(), "", log))
    cpu_hog.begin(place, {"processes": 2.0, "limit_s": 60.0})
    freeze.begin(place, {})
    print(session.label, flush=True)
    time.sleep(60)
"""


def test_hogs_and_the_frozen_are_gone_within_3_s_of_a_kill_of_the_harness(tmp_path):
    """A burner would slow the machine for a minute, and a frozen service would keep its port."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path / "log")], stdout=subprocess.PIPE, cwd=ROOT, text=True
    )
    label = child.stdout.readline().strip()
    pids = supervisor.labelled(label)
    assert len(pids) == 3
    assert "T" in {_processes.state(pid) for pid in pids}
    child.kill()
    child.wait()
    child.stdout.close()
    deadline = time.monotonic() + 3.0
    while supervisor.labelled(label) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert supervisor.labelled(label) == []


@pytest.mark.parametrize("words", [("run", "60", "--profile", "quick"), ("selftest", "--only", "moments")])
def test_without_toxiproxy_and_without_a_way_to_build_it_the_exit_status_is_3(tmp_path, words):
    """A user would get a traceback, or a claim that is untested for a reason that one command mends."""
    for name in ("harness", "targets", "scenarios"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    environment = {**os.environ, "PATH": "/usr/bin:/bin", "PYTHONPATH": str(tmp_path)}
    environment.pop("TOXIPROXY_URL", None)
    done = subprocess.run(
        command.argv(*words, "--results", str(tmp_path / "results")),
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert "no Toxiproxy here" in done.stderr
    assert "make toxiproxy" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_named_toxiproxy_that_is_not_there_ends_a_run_with_3(tmp_path, monkeypatch):
    """A user would wait for a database to be filled, and then read of an address that nobody answers."""
    monkeypatch.setenv("TOXIPROXY_URL", "http://127.0.0.1:1")
    done = command.run("run", "60", "--profile", "quick", "--results", str(tmp_path))
    assert done.returncode == 3, done.stderr
    assert "TOXIPROXY_URL" in done.stderr


def _once(course: Course, subject: Subject, place: Path) -> passages.Passage:
    """Give one passage of a subject, void or not."""
    place.mkdir()
    with processes.supervised() as session, duel.rig(ROOT, (), session, 1) as rig:
        return passages.run(course, subject, lambda text: catalog.target(text, ROOT), rig, place, 0, 7)


def _checks(one: passages.Passage) -> set[str]:
    """Give what made it void, but for what a busy machine does to the generator."""
    return {void.check for void in one.voids} - {"send lag"}


def test_a_roll_that_the_load_does_not_outlast_is_void(tmp_path):
    """A server that had not begun to replace its workers would be praised for losing nothing (Granian waits 3.5 s)."""
    course = _course("roll", Fault(fault="rolling_restart", on="target", start_s=0.4, end_s=None))
    late = _once(course, Subject("late", "granian"), tmp_path / "late")
    assert _checks(late) == {"workers replaced"}
    assert any("1 of 1 workers had not been replaced" in void.sentence for void in late.voids)
    in_time = Subject("in time", "granian,respawn_interval=1", measure_s=3.5)
    assert _checks(_once(course, in_time, tmp_path / "in time")) == set()


KEEP = {"requests": [{"method": "POST", "path": "/keep", "body": "x" * 20_000}]}


def test_a_full_disk_strikes_the_target_alone_and_only_while_it_lasts(tmp_path):
    """A service that loses what it cannot write would pass for one that copes, or the user's own disk would be full."""
    fault = Fault(fault="full_disk", on="target", start_s=0.6, end_s=1.3)
    course = _course("full", fault, parameters=KEEP, disk_mib=1)
    one = _once(course, course.subjects[0], tmp_path / "full")
    assert _checks(one) == set()
    [happened] = one.happened
    assert happened.ended_ns > happened.acknowledged_ns
    sent, lost = Counter(), Counter()
    for group in one.groups:
        sent[group.moment] += group.sent
        lost[group.moment] += group.drops.get("5xx", 0)
    assert sent["during"] > 10
    # Those that were sent a moment before the disk was full, or before it was free again, may meet the other.
    assert lost["during"] >= 0.8 * sent["during"]
    assert lost["before"] <= 0.2 * sent["before"]
    assert lost["over"] <= 0.2 * sent["over"]
    assert list((tmp_path / "full" / "disk").iterdir()) == []


def test_a_disk_of_its_own_that_cannot_be_had_is_refused_with_the_mend(tmp_path, monkeypatch):
    """A user would read of a mount in a log instead of what to do."""
    private_disk.require()
    refusing = tmp_path / "bin"
    refusing.mkdir()
    (refusing / "unshare").write_text("#!/bin/sh\necho 'unshare failed: Operation not permitted' >&2\nexit 1\n")
    (refusing / "unshare").chmod(0o755)
    monkeypatch.setenv("PATH", f"{refusing}:{os.environ['PATH']}")
    with pytest.raises(CannotMeasure, match="not permitted") as error:
        private_disk.require()
    assert "root" in error.value.mend
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotMeasure, match="no unshare"):
        private_disk.require()
