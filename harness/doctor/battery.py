"""Battery: running on one, the machine may slow down to save it."""

from __future__ import annotations

import psutil

from harness.doctor.finding import Finding
from harness.settings import Settings


def check(_: Settings) -> Finding:
    """Ask the system whether it is on mains power."""
    try:
        battery = psutil.sensors_battery()
    except (AttributeError, OSError, RuntimeError):
        battery = None
    if battery is None:
        return Finding(name="battery", status="ok", sees="no battery")
    if battery.power_plugged is False:
        return Finding(
            name="battery",
            status="warn",
            sees=f"running on battery ({battery.percent:.0f} %): the clock may be lowered at any time",
            mend="Plug the machine in.",
        )
    return Finding(name="battery", status="ok", sees="on mains power")
