"""Governor: the clock of the cores should not follow the load."""

from __future__ import annotations

from harness import machine
from harness.doctor.finding import Finding
from harness.settings import Settings


def check(_: Settings) -> Finding:
    """Read the frequency governor of the usable cores."""
    found = machine.governors(machine.usable_cores())
    if not found:
        return Finding(name="governor", status="ok", sees="the system shows no governor (a virtual machine?)")
    if found != ("performance",):
        return Finding(
            name="governor",
            status="warn",
            sees=f"the governor is {', '.join(found)}: CPU per request depends on how busy the core is",
            mend="sudo cpupower frequency-set --governor performance",
        )
    return Finding(name="governor", status="ok", sees="the governor is performance")
