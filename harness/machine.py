"""The machine: which cores may be used and how, and the record that makes a figure repeatable."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

PACKAGES = (
    "granian", "uvicorn", "gunicorn", "uvicorn-worker", "uvloop", "httptools", "h11",
    "fastapi", "starlette", "pydantic", "pydantic-core", "orjson", "msgspec",
    "locust", "gevent", "numpy", "scipy", "pandas", "pyarrow",
)  # fmt: skip
"""Packages whose version can move a figure: servers, parsers, serializers, the engine, the statistics."""

_Number = TypeVar("_Number", int, float)

_CPUS = Path("/sys/devices/system/cpu")
_CGROUPS = Path("/sys/fs/cgroup")

_UNLIMITED_BYTES = 1 << 60
"""cgroup v1 writes "no limit" as a number near 2^63."""

_GIT_TIMEOUT_S = 10.0
"""A record must not hang on a repository on a dead network drive."""


class CgroupLimits(Struct, frozen=True):
    """Limits that a container or service manager sets; None where there is none."""

    version: int | None
    """1 or 2; None without cgroups."""
    cpu_cores: float | None
    memory_bytes: int | None


class CoreLayout(Struct, frozen=True):
    """Which logical CPUs the arms and the generator get."""

    arms: tuple[int, ...]
    generator: tuple[int, ...]
    pinned: bool
    reason: str | None = None
    """Why nothing can be pinned; None where it can."""


class Machine(Struct, frozen=True):
    """The record of a machine and of what runs on it, kept with every run."""

    key: str
    cpu_model: str
    architecture: str
    system: str
    kernel: str
    cores: tuple[int, ...]
    """Logical CPUs that this process may use."""
    physical_cores: tuple[tuple[int, ...], ...]
    """The same CPUs by physical core: SMT siblings stand together."""
    memory_bytes: int | None
    cgroup: CgroupLimits
    governors: tuple[str, ...]
    """Frequency governors of those CPUs; empty where the system shows none."""
    load_average: tuple[float, float, float] | None
    python: str
    packages: dict[str, str | None]
    """Version by distribution; None where it is not installed."""
    lock_sha256: str | None
    commit: str | None
    dirty: bool | None
    """Whether the root had changes that no commit holds; None without git."""


def record(root: Path, cores: Sequence[int]) -> Machine:
    """Record this machine; ``root`` holds the lock file and the commit.  A missing part is None.

    ``cores`` are the usable ones: this process may by now be pinned to some of them.
    """
    return Machine(
        key=machine_key(),
        cpu_model=cpu_model(),
        architecture=platform.machine(),
        system=platform.system(),
        kernel=platform.release(),
        cores=tuple(cores),
        physical_cores=physical_cores(cores),
        memory_bytes=memory_bytes(),
        cgroup=cgroup_limits(),
        governors=governors(cores),
        load_average=_load_average(),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        packages={name: version(name) for name in PACKAGES},
        lock_sha256=lock_sha256(root),
        commit=_git(root, "rev-parse", "HEAD"),
        dirty=_dirty(root),
    )


def machine_key() -> str:
    """Key for figures that may be pooled: same CPU model, number of cores and kernel generation."""
    model, cores, kernel = cpu_model(), os.cpu_count() or 1, platform.release().split(".")[0]
    words = f"{platform.system()} {kernel} {platform.machine()} {model} {cores}"
    return f"{platform.machine()}-{cores}c-{hashlib.sha256(words.encode()).hexdigest()[:10]}"


def usable_cores() -> tuple[int, ...]:
    """Logical CPUs that this process may run on, ascending."""
    if sys.platform == "linux":
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(os.cpu_count() or 1))


def physical_cores(cores: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """``cores`` grouped by physical core; each alone where the system tells nothing."""
    groups: dict[tuple[str, str], list[int]] = {}
    for core in sorted(cores):
        topology = _CPUS / f"cpu{core}" / "topology"
        package, number = _read(topology / "physical_package_id"), _read(topology / "core_id")
        known = package is not None and number is not None
        groups.setdefault((package or "", number or "") if known else ("cpu", str(core)), []).append(core)
    return tuple(sorted(tuple(group) for group in groups.values()))


def layout(
    cores: Sequence[int],
    *,
    generators: int = 1,
    groups: Sequence[Sequence[int]] | None = None,
) -> CoreLayout:
    """Share out ``cores``: the arms get the last physical core, the generator others before it.

    Each part takes one logical CPU of a physical core and its SMT siblings stay idle: siblings share
    execution units, so one would be measured through the other.  ``generators`` is how many
    processes load; they get as many cores as there are, and the lowest core is left to the system
    while another is free.  ``groups`` (cores by physical core) is read from the system unless given.
    """
    everything = tuple(sorted(cores))
    physical = [tuple(group) for group in (physical_cores(everything) if groups is None else groups)]
    reason = None
    if not hasattr(os, "sched_setaffinity"):
        reason = f"{platform.system()} cannot pin processes to cores"
    elif len(physical) < 2:  # noqa: PLR2004  (the arms' core and the generator's)
        what = "one core" if len(everything) < 2 else "SMT siblings of one physical core"  # noqa: PLR2004
        reason = f"only {what} may be used, so arms and generator share it"
    if reason is not None:
        return CoreLayout(arms=everything, generator=everything, pinned=False, reason=reason)
    free = [group[0] for group in sorted(physical)]
    arms = free.pop()
    loaders = free[1:] or free
    return CoreLayout(arms=(arms,), generator=tuple(sorted(loaders[-generators:])), pinned=True)


def cpu_model() -> str:
    """Name of the processor as the kernel knows it, else what Python knows."""
    fields = _colon_lines("/proc/cpuinfo")
    named = fields.get("model name") or fields.get("Hardware")
    if named is None and "CPU part" in fields:
        named = f"implementer {fields.get('CPU implementer')} part {fields['CPU part']}"
    return named or platform.processor() or platform.machine()


def memory_bytes() -> int | None:
    """Memory of the machine, None where it cannot be read."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return None


def cgroup_limits(root: Path = _CGROUPS, membership: Path = Path("/proc/self/cgroup")) -> CgroupLimits:
    """Tightest CPU and memory limits on the way from this process's cgroups to their root."""
    paths = {
        name: path
        for line in (_read(membership) or "").splitlines()
        for _, names, path in [line.split(":", 2)]
        for name in (names.split(",") if names else [""])
    }
    if not paths:
        return CgroupLimits(version=None, cpu_cores=None, memory_bytes=None)
    if (root / "cgroup.controllers").exists():
        folders = _upwards(root, paths.get("", "/"))
        return CgroupLimits(
            version=2,
            cpu_cores=_tightest(_quota((_read(folder / "cpu.max") or "").split()) for folder in folders),
            memory_bytes=_tightest(_bytes(_read(folder / "memory.max")) for folder in folders),
        )
    cpu = _upwards(root / "cpu", paths.get("cpu", "/"))
    memory = _upwards(root / "memory", paths.get("memory", "/"))
    files = ("cpu.cfs_quota_us", "cpu.cfs_period_us")
    return CgroupLimits(
        version=1,
        cpu_cores=_tightest(_quota([_read(folder / file) or "" for file in files]) for folder in cpu),
        memory_bytes=_tightest(_bytes(_read(folder / "memory.limit_in_bytes")) for folder in memory),
    )


def governors(cores: Sequence[int]) -> tuple[str, ...]:
    """Distinct frequency governors of ``cores``; empty where none is shown, as on most virtual machines."""
    found = {_read(_CPUS / f"cpu{core}" / "cpufreq" / "scaling_governor") for core in cores}
    return tuple(sorted(name for name in found if name))


def version(distribution: str) -> str | None:
    """Installed version of a distribution, None where it is not installed."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def lock_sha256(root: Path) -> str | None:
    """Hash of the lock file, None where there is none."""
    try:
        return hashlib.sha256((root / "requirements.lock").read_bytes()).hexdigest()
    except OSError:
        return None


def _dirty(root: Path) -> bool | None:
    changes = _git(root, "status", "--porcelain")
    return None if changes is None else bool(changes)


def _git(root: Path, *arguments: str) -> str | None:
    # A copy among installed packages may lie inside somebody's repository: that commit is not ours.
    if not (root / "pyproject.toml").is_file():
        return None
    argv = ["git", "-C", str(root), "--no-optional-locks", *arguments]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=_GIT_TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _load_average() -> tuple[float, float, float] | None:
    try:
        return os.getloadavg()
    except OSError:
        return None


def _upwards(mount: Path, path: str) -> list[Path]:
    inside = mount / path.lstrip("/")
    return [folder for folder in (inside, *inside.parents) if folder == mount or mount in folder.parents]


def _quota(words: Sequence[str]) -> float | None:
    try:
        quota, period = int(words[0]), int(words[1])
    except (IndexError, ValueError):
        return None
    return quota / period if quota > 0 and period > 0 else None


def _bytes(text: str | None) -> int | None:
    if text is None or not text.isdigit() or int(text) >= _UNLIMITED_BYTES:
        return None
    return int(text)


def _tightest(values: Iterable[_Number | None]) -> _Number | None:
    return min((value for value in values if value is not None), default=None)


def _colon_lines(path: str) -> Mapping[str, str]:
    pairs = (line.partition(":") for line in (_read(Path(path)) or "").splitlines())
    found: dict[str, str] = {}
    for key, _, value in pairs:
        found.setdefault(key.strip(), value.strip())
    return found


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None
