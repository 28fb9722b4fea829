"""Cores: enough to keep the generator away from the arms, all of them usable."""

from __future__ import annotations

from harness import machine
from harness.doctor.finding import Finding
from harness.settings import Settings

NEEDED = 2
"""One physical core for the arms, one for the generator."""


def check(_: Settings) -> Finding:
    """Count the physical cores that this process may use, and the CPU time that its cgroup allows."""
    cores = machine.usable_cores()
    physical = len(machine.physical_cores(cores))
    limit = machine.cgroup_limits().cpu_cores
    sees = f"{len(cores)} logical CPUs on {physical} physical cores"
    if physical < NEEDED:
        return Finding(
            name="cores",
            status="warn",
            sees=f"{sees}: arms and generator share one, so figures are wide and latencies mean little",
            mend="Give this machine or container a second physical core.",
        )
    if limit is not None and limit < len(cores):
        return Finding(
            name="cores",
            status="warn",
            sees=f"{sees}, but a cgroup limits CPU time to {limit:g} of them: arms may be throttled",
            mend="Lift the CPU limit of the container or service.",
        )
    return Finding(name="cores", status="ok", sees=sees)
