"""What is read of a container's control group, in both versions and wherever engines put it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.meters import cgroup

ID = "4f" * 32
OTHER = "7a" * 32


def write(path: Path, text: str) -> None:
    """Write a file of the kernel's, with the folders that it lies in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def version_1(mount: Path, place: str, *, cpu: str = "cpuacct") -> None:
    """A container of version 1: 1.234567891 s of CPU, 96 MB at its highest, two processes killed."""
    write(mount / cpu / place / "cpuacct.usage", "1234567891\n")
    write(mount / "memory" / place / "memory.max_usage_in_bytes", f"{96 << 20}\n")
    write(mount / "memory" / place / "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n")


def version_2(mount: Path, place: str) -> None:
    """The same of version 2, which counts CPU time in µs."""
    write(mount / "cgroup.controllers", "cpuset cpu io memory pids\n")
    write(mount / place / "cpu.stat", "usage_usec 1234567\nuser_usec 1000000\nsystem_usec 234567\n")
    write(mount / place / "memory.peak", f"{96 << 20}\n")
    write(mount / place / "memory.events", "low 0\nhigh 0\nmax 12\noom 1\noom_kill 2\n")


@pytest.mark.parametrize(
    ("make", "membership", "cpu_ns"),
    [
        (lambda mount: version_1(mount, f"docker/{ID}"), f"4:memory:/docker/{ID}\n2:cpuacct:/docker/{ID}\n0::/\n", 1),
        (
            lambda mount: version_1(mount, f"x/docker/{ID}", cpu="cpu,cpuacct"),
            f"4:memory:/x/docker/{ID}\n2:cpu,cpuacct:/x/docker/{ID}\n",
            1,
        ),
        (lambda mount: version_1(mount, f"docker/{ID}"), None, 1),
        (lambda mount: version_2(mount, f"system.slice/docker-{ID}.scope"), None, 1000),
        (lambda mount: version_2(mount, f"my.slice/docker-{ID}.scope"), f"0::/my.slice/docker-{ID}.scope\n", 1000),
    ],
    ids=["v1", "v1-joint-controllers-elsewhere", "v1-unseen", "v2-systemd-unseen", "v2-slice-of-its-own"],
)
def test_a_container_is_metered_in_both_versions(tmp_path, make, membership, cpu_ns):
    """A user with the other version of control groups, or with systemd, would get no figures of containers."""
    make(tmp_path / "sys")
    if membership is not None:
        write(tmp_path / "proc" / "17" / "cgroup", membership)
    group = cgroup.find(ID, 17, mount=tmp_path / "sys", proc=tmp_path / "proc")
    assert group is not None
    assert cgroup.cpu_ns(group) == 1234567891 // cpu_ns * cpu_ns
    assert cgroup.memory_peak_bytes(group) == 96 << 20
    assert cgroup.killed_for_memory(group) == 2


def test_a_process_number_of_another_machine_is_not_taken_for_the_container(tmp_path):
    """A user would meter whatever process has the same number here, and never know."""
    version_1(tmp_path / "sys", f"docker/{ID}")
    write(tmp_path / "proc" / "17" / "cgroup", f"2:cpuacct:/docker/{OTHER}\n0::/\n")
    assert not cgroup.sees(ID, 17, tmp_path / "proc")
    assert cgroup.sees(OTHER, 17, tmp_path / "proc")
    group = cgroup.find(ID, 17, mount=tmp_path / "sys", proc=tmp_path / "proc")
    assert group is not None
    assert ID in str(group.cpu)


def test_what_is_gone_or_not_kept_is_missing_and_not_zero(tmp_path):
    """A user would see a dead container as one that costs nothing."""
    mount = tmp_path / "sys"
    assert cgroup.mounted(mount) is None
    assert cgroup.find(ID, 17, mount=mount, proc=tmp_path) is None
    version_2(mount, f"docker/{ID}")
    group = cgroup.find(ID, 17, mount=mount, proc=tmp_path)
    assert group is not None
    (group.memory / "memory.peak").unlink()
    (group.cpu / "cpu.stat").unlink()
    assert cgroup.memory_peak_bytes(group) is None
    assert cgroup.cpu_ns(group) is None
    reading = cgroup.GroupMeter(group, 17).read()
    assert not reading.alive
    assert reading.used_ns is None


def test_a_group_is_a_meter_without_processes_of_this_machine(tmp_path):
    """A user would get memory and threads of strangers that have the container's process numbers here."""
    version_1(tmp_path, f"docker/{ID}")
    group = cgroup.find(ID, 17, mount=tmp_path, proc=tmp_path / "proc")
    assert group is not None
    reading = cgroup.GroupMeter(group, 17).read(scan=False)
    assert reading.used_ns == 1234567891
    assert reading.pids == ()
