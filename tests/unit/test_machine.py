"""The record of the machine, its cores and its weather."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from harness import duel, machine, processes, settings, weather


def test_the_record_survives_json_and_names_what_was_measured():
    """A figure could not be traced to the versions and the lock file behind it."""
    root = settings.home()
    record = machine.record(root, (0, 1))
    again = msgspec.json.decode(msgspec.json.encode(record), type=machine.Machine)
    assert again == record
    assert record.packages["granian"]
    assert record.lock_sha256 == hashlib.sha256((root / "requirements.lock").read_bytes()).hexdigest()
    assert sorted(core for group in record.physical_cores for core in group) == list(record.cores)


def test_a_rig_gives_the_cores_back():
    """Whatever the same process starts after a session would share the generator's core, and be void for it."""
    before = os.sched_getaffinity(0)
    with processes.supervised() as session, duel.rig(settings.home(), (), session, 1) as rig:
        inside = os.sched_getaffinity(0)
    assert inside == (set(rig.layout.generator) if rig.layout.pinned else before)
    assert os.sched_getaffinity(0) == before


def test_a_folder_without_git_or_lock_is_recorded_as_unknown(tmp_path):
    """A run in an exported folder would fail, or claim a commit that is not its own."""
    (tmp_path / "pyproject.toml").write_text("")
    record = machine.record(tmp_path, (0, 1))
    assert (record.commit, record.dirty, record.lock_sha256) == (None, None, None)


def test_the_commit_is_recorded_with_what_it_does_not_hold(tmp_path):
    """A figure from changed files would be published under a clean commit."""
    git = ["git", "-C", str(tmp_path), "-c", "user.name=t", "-c", "user.email=t@example.test"]
    (tmp_path / "pyproject.toml").write_text("")
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "one"]):
        subprocess.run([*git, *arguments], check=True)
    clean = machine.record(tmp_path, (0, 1))
    (tmp_path / "new.txt").write_text("x")
    assert clean.commit is not None
    assert len(clean.commit) == 40
    assert clean.dirty is False
    assert machine.record(tmp_path, (0, 1)).dirty is True


def test_the_key_is_stable():
    """Figures of one machine would never find each other in the bank."""
    assert machine.machine_key() == machine.machine_key()


GROUPS = st.integers(2, 16).flatmap(
    lambda cores: st.integers(1, 2).map(lambda threads: [[c + t * cores for t in range(threads)] for c in range(cores)])
)


@hypothesis_settings(deadline=None)  # The cores are shared.
@given(groups=GROUPS, generators=st.integers(1, 6))
def test_arms_and_generators_never_share_a_physical_core(groups, generators):
    """The generator would slow the arms that it measures."""
    cores = [core for group in groups for core in group]
    plan = machine.layout(cores, groups=groups, generators=generators)
    home = {core: number for number, group in enumerate(groups) for core in group}
    assert plan.pinned
    assert {home[core] for core in plan.arms} == {len(groups) - 1}
    used = [home[core] for core in plan.generator]
    assert 1 <= len(used) <= generators
    assert len(groups) - 1 not in used
    assert len(set(used)) == len(used)


@pytest.mark.parametrize(("cores", "groups", "words"), [([3], [[3]], "one core"), ([0, 4], [[0, 4]], "SMT")])
def test_without_a_second_physical_core_nothing_is_pinned_and_the_reason_is_told(cores, groups, words):
    """Siblings of one core would be taken for two cores, and their contention for a server's cost."""
    plan = machine.layout(cores, groups=groups)
    assert not plan.pinned
    assert plan.reason is not None
    assert words in plan.reason
    assert plan.arms == plan.generator == tuple(cores)


def test_limits_of_cgroup_v2_are_the_tightest_on_the_way_up(tmp_path):
    """A throttled container would be measured as if it had the whole machine."""
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "cgroup.controllers").write_text("cpu memory")
    (tmp_path / "a" / "cpu.max").write_text("150000 100000\n")
    (inner / "cpu.max").write_text("max 100000\n")
    (inner / "memory.max").write_text("1073741824\n")
    (tmp_path / "a" / "memory.max").write_text("max\n")
    (tmp_path / "self").write_text("0::/a/b\n")
    limits = machine.cgroup_limits(tmp_path, tmp_path / "self")
    assert limits == machine.CgroupLimits(version=2, cpu_cores=1.5, memory_bytes=1 << 30)


def test_limits_of_cgroup_v1_are_read_and_its_endless_number_is_none(tmp_path):
    """An unlimited container would be shown with eight exabytes of memory."""
    cpu, memory = tmp_path / "cpu" / "x", tmp_path / "memory"
    cpu.mkdir(parents=True)
    memory.mkdir()
    (cpu / "cpu.cfs_quota_us").write_text("50000")
    (cpu / "cpu.cfs_period_us").write_text("100000")
    (memory / "memory.limit_in_bytes").write_text("9223372036854771712")
    (tmp_path / "self").write_text("4:memory:/\n3:cpu,cpuacct:/x\n")
    limits = machine.cgroup_limits(tmp_path, tmp_path / "self")
    assert limits == machine.CgroupLimits(version=1, cpu_cores=0.5, memory_bytes=None)


def test_without_cgroups_no_limit_is_made_up(tmp_path):
    """A system without cgroups would break the record."""
    limits = machine.cgroup_limits(tmp_path, tmp_path / "none")
    assert limits == machine.CgroupLimits(version=None, cpu_cores=None, memory_bytes=None)


def test_the_weather_is_measured_and_the_thread_put_back():
    """Every later process would be stuck on the core where the weather was watched."""
    before = os.sched_getaffinity(0)
    seen = weather.measure(seconds=0.2)
    assert os.sched_getaffinity(0) == before
    assert seen.wakeups > 10
    assert seen.hiccup_max_ms >= 0
    assert bool(seen.reasons) == (seen.word == "rough")


def test_a_busy_core_is_seen_as_foreign_work():
    """Somebody else's build would widen every interval without an explanation."""
    core = machine.usable_cores()[-1]
    burn = f"import os\nos.sched_setaffinity(0, {{{core}}})\nprint(flush=True)\nwhile True: pass"
    with subprocess.Popen([sys.executable, "-c", burn], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            seen = weather.measure(seconds=0.5)
        finally:
            process.kill()
    assert seen.word == "rough"
    assert seen.foreign_share is not None
    assert seen.foreign_share[core] > weather.SHARE


def test_each_kind_of_rough_weather_is_named():
    """A user would be told that it is rough and not what to do about it."""
    seen = weather.describe(late_ms=[0.1] * 300 + [7.0], seconds=1.0, steal_share=0.05, foreign_share={0: 0.5, 1: 0.0})
    assert len(seen.reasons) == 3
    assert seen.hiccup_p95_ms == pytest.approx(0.1)


def test_percentiles_with_too_few_wakeups_are_missing_not_zero():
    """A percentile of ten wake-ups would be published as a figure."""
    seen = weather.describe(late_ms=[0.1] * 10, seconds=0.01, steal_share=None, foreign_share=None)
    assert seen.hiccup_p95_ms is None
    assert seen.word == "calm"
