"""What a container used, from its control group: CPU time, highest memory, processes killed for memory.

Version 1 has a tree of folders for each controller, version 2 one for all.  The kernel adds up a group's CPU time
when a task leaves its core and at every tick, so that a reading may be a tick (1 to 4 ms) behind; the CPU clock of
the processes (``process_clock``) is not, and goes first wherever they can be seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from harness.meters.process_clock import Reading

MOUNT = Path("/sys/fs/cgroup")
PROC = Path("/proc")

_PLACES = ("docker/{}", "system.slice/docker-{}.scope")
"""Where engines put a container: the driver cgroupfs, and systemd; asked only where /proc does not tell."""


class Group(Struct, frozen=True):
    """The folders of one container's control group."""

    version: int
    """1 or 2."""
    cpu: Path
    memory: Path


def mounted(mount: Path = MOUNT) -> int | None:
    """Version of the control groups that meter CPU time here: 1 or 2; None without any."""
    if (mount / "cgroup.controllers").exists():
        return 2
    return 1 if _controller(mount, "cpuacct") is not None else None


def find(container: str, pid: int, *, mount: Path = MOUNT, proc: Path = PROC) -> Group | None:
    """Control group of a container (its whole id), by its first process; None where it cannot be read here."""
    version = mounted(mount)
    told = {name: path for name, path in _memberships(pid, proc).items() if container in path}
    if version == 2:  # noqa: PLR2004  (the version's name)
        found = _first(mount, told.get(""), container)
        return None if found is None else Group(version=2, cpu=found, memory=found)
    cpu = _first(_controller(mount, "cpuacct"), told.get("cpuacct"), container)
    memory = _first(_controller(mount, "memory"), told.get("memory"), container)
    return None if cpu is None or memory is None else Group(version=1, cpu=cpu, memory=memory)


def cpu_ns(group: Group) -> int | None:
    """CPU time of all that ever ran in the group; None once it is gone."""
    if group.version == 1:
        return _number(_read(group.cpu / "cpuacct.usage"))
    usage_us = _number(_fields(group.cpu / "cpu.stat").get("usage_usec"))
    return None if usage_us is None else usage_us * 1000


def memory_peak_bytes(group: Group) -> int | None:
    """Most memory that the group held at once, its share of the page cache included; None where nobody kept it."""
    name = "memory.max_usage_in_bytes" if group.version == 1 else "memory.peak"
    return _number(_read(group.memory / name))


def killed_for_memory(group: Group) -> int | None:
    """How many processes of the group the kernel has killed for want of memory; None once the group is gone."""
    name = "memory.oom_control" if group.version == 1 else "memory.events"
    return _number(_fields(group.memory / name).get("oom_kill"))


class GroupMeter(Struct, frozen=True):
    """CPU time of a container by its control group, where its processes cannot be seen."""

    group: Group
    root: int

    def read(self, *, scan: bool = True) -> Reading:  # noqa: ARG002  (nothing in it takes long)
        """CPU time since the container's start."""
        used_ns = cpu_ns(self.group)
        return Reading(cpu_ns=used_ns or 0, pids=(), alive=used_ns is not None)


def _memberships(pid: int, proc: Path) -> dict[str, str]:
    """Path of a process by controller; the one of version 2 has no name.  Empty where it cannot be read."""
    lines = (_read(proc / str(pid) / "cgroup") or "").splitlines()
    rows = [line.split(":", 2) for line in lines if line.count(":") > 1]
    return {name: path for _, names, path in rows for name in names.split(",")}


def sees(container: str, pid: int, proc: Path = PROC) -> bool:
    """Whether process ``pid`` of this machine is one of the container's: elsewhere its number is somebody else's."""
    return any(container in path for path in _memberships(pid, proc).values())


def _controller(mount: Path, name: str) -> Path | None:
    """Folder of a controller of version 1, which may be mounted together with others (``cpu,cpuacct``)."""
    folders = [mount / name, *sorted(mount.glob(f"*{name}*"))]
    return next((folder for folder in folders if name in folder.name.split(",") and folder.is_dir()), None)


def _first(mount: Path | None, told: str | None, container: str) -> Path | None:
    return None if mount is None else next(_existing(mount, told, container), None)


def _existing(mount: Path, told: str | None, container: str) -> Iterator[Path]:
    for place in ([told.lstrip("/")] if told else []) + [place.format(container) for place in _PLACES]:
        if (mount / place).is_dir():
            yield mount / place


def _fields(path: Path) -> Mapping[str, str]:
    pairs = (line.split() for line in (_read(path) or "").splitlines())
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}  # noqa: PLR2004  (name and value)


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.strip().isdigit() else None


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except OSError:
        return None
