"""How far this worker's clock is from the master's, and how exactly that is known.

A trial has one clock: CLOCK_MONOTONIC of the machine on which Locust's master runs.  Processes of one machine share
it.  A worker on another machine asks the master for the time: the master heard the question not before it was asked,
and the answer came back not before it was given, so that each exchange bounds the difference from both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BOOT = Path("/proc/sys/kernel/random/boot_id")
SPACE = Path("/proc/self/ns/time")
"""Containers share their machine's monotonic clock, unless they have a name space of time of their own."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question to the master and its answer; the first and the last time are the worker's, in ns."""

    asked_ns: int
    heard_ns: int
    answered_ns: int
    back_ns: int


@dataclass(frozen=True, slots=True)
class Reading:
    """The master's clock less this worker's, in ns: it lies between ``low_ns`` and ``high_ns``."""

    low_ns: int
    high_ns: int
    exchanges: int
    one: bool
    """Whether both are one clock; then the difference is nil, and what was measured only checks that."""

    @property
    def measured_ns(self) -> int:
        """The middle of what was measured."""
        return (self.low_ns + self.high_ns) // 2

    @property
    def measured_bound_ns(self) -> int:
        """How far the truth may lie from the middle."""
        return self.high_ns - self.measured_ns

    @property
    def offset_ns(self) -> int:
        """What to add to this worker's times."""
        return 0 if self.one else self.measured_ns

    @property
    def bound_ns(self) -> int:
        """How far a time may still be off after that."""
        return 0 if self.one else self.measured_bound_ns


def reading(exchanges: Sequence[Exchange], *, one: bool) -> Reading:
    """Draw the bounds of several exchanges together.

    Each of them allows an interval and the truth lies in all of them.  Where two do not meet, a clock has moved
    meanwhile: then it lies in what is between them.

    :raises ValueError: there is none.
    """
    low_ns = max(each.answered_ns - each.back_ns for each in exchanges)
    high_ns = min(each.heard_ns - each.asked_ns for each in exchanges)
    return Reading(min(low_ns, high_ns), max(low_ns, high_ns), len(exchanges), one)


def together(before: Reading, after: Reading) -> Reading:
    """Cover the time from one reading to the next: two clocks that drift apart do so steadily."""
    return Reading(
        min(before.low_ns, after.low_ns),
        max(before.high_ns, after.high_ns),
        before.exchanges + after.exchanges,
        before.one and after.one,
    )


def fields(before: Reading | None, after: Reading | None) -> dict[str, Any]:
    """Give what ``done-k.json`` says of the clock; without a master there is nothing to compare it with."""
    if before is None or after is None:
        return {"clock_offset_ns": 0, "clock_bound_ns": 0, "clock": None}
    whole = together(before, after)
    return {
        "clock_offset_ns": whole.offset_ns,
        "clock_bound_ns": whole.bound_ns,
        "clock": {
            "one": whole.one,
            "measured_ns": whole.measured_ns,
            "measured_bound_ns": whole.measured_bound_ns,
            "exchanges": whole.exchanges,
        },
    }


def identity() -> str | None:
    """Name this machine's monotonic clock since its last start; None where the system names none."""
    try:
        boot = BOOT.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
    try:
        return f"{boot} {SPACE.readlink()}"
    except OSError:
        return boot  # Before Linux 5.6 there were no name spaces of time.
