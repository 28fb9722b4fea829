"""Pinning: processes can be kept on the cores that were chosen for them."""

from __future__ import annotations

import subprocess
import sys

from harness import machine
from harness.doctor.finding import Finding
from harness.settings import Settings

_SHOW = "import os,sys;os.sched_setaffinity(0,{int(sys.argv[1])});print(*os.sched_getaffinity(0))"

_TIMEOUT_S = 10.0


def check(_: Settings) -> Finding:
    """Pin a process of its own to the arms' core and read back where it may run."""
    plan = machine.layout(machine.usable_cores())
    if not plan.pinned:
        return Finding(
            name="pinning",
            status="warn",
            sees=f"no pinning: {plan.reason}",
            mend="Measure on Linux with two physical cores, or use --runtime compose.",
        )
    core = plan.arms[-1]
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _SHOW, str(core)],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding(name="pinning", status="fail", sees=f"no process could be pinned: {error}")
    if done.returncode != 0 or done.stdout.split() != [str(core)]:
        return Finding(
            name="pinning",
            status="fail",
            sees=f"a process that was pinned to core {core} may run elsewhere",
            mend="Allow sched_setaffinity (seccomp profile, cpuset) for this user.",
        )
    loaders = ", ".join(map(str, plan.generator))
    return Finding(name="pinning", status="ok", sees=f"arms on core {core}, generator on core {loaders}")
