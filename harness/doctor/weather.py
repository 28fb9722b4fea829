"""Weather: whether the machine is quiet right now."""

from __future__ import annotations

from harness import weather
from harness.doctor.finding import Finding
from harness.settings import Settings


def check(_: Settings) -> Finding:
    """Sleep for a second and see what others did meanwhile."""
    seen = weather.measure()
    if seen.word == "calm":
        return Finding(
            name="weather",
            status="ok",
            sees=f"calm: the latest of {seen.wakeups} wake-ups came {seen.hiccup_max_ms:.1f} ms late",
        )
    return Finding(
        name="weather",
        status="warn",
        sees=f"rough: {'; '.join(seen.reasons)}",
        mend="End other work on this machine, or expect wide intervals and void blocks.",
    )
