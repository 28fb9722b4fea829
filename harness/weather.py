"""The weather of a machine: what it does to a process that only sleeps, for about a second.

Hiccups are late wake-ups.  Stolen time is what the hypervisor gave to others.  Foreign time is what
other processes used.  All three make a measurement wider, and none is the fault of an arm.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence

from msgspec import Struct

from harness.machine import layout, usable_cores
from harness.meters.core import CoreReading, read_cores

SECONDS = 1.0
"""Long enough for a thousand wake-ups, short enough to look before every session."""

SLEEP_S = 0.001

HICCUP_MS = 5.0
"""A pause this long voids a block, so one in a second of sleeping is rough weather."""

SHARE = 0.02
"""Foreign or stolen time beyond this share of a core voids a block."""


BEYOND = 10
"""A percentile with fewer samples beyond it is only the name of a single event."""


class Weather(Struct, frozen=True):
    """One look at the weather; None is what this system does not tell."""

    word: str
    """``calm`` or ``rough``."""
    reasons: tuple[str, ...]
    """What makes it rough; empty where it is calm."""
    seconds: float
    wakeups: int
    hiccup_max_ms: float
    hiccup_p95_ms: float | None
    """None with fewer than ten wake-ups beyond it: about 900 a second leave that many for no higher one."""
    steal_share: float | None
    """Stolen time of all usable cores, 0–1 of one core."""
    foreign_share: dict[int, float] | None
    """Time that other processes used, by core, 0–1."""


def measure(cores: Sequence[int] | None = None, seconds: float = SECONDS) -> Weather:
    """Sleep for ``seconds`` on the arms' core and see what happened to ``cores`` (default: all usable).

    Moves the calling thread to the core where the arms would run, and back.
    """
    watched = tuple(cores) if cores is not None else usable_cores()
    arms = layout(watched)
    on = arms.arms[-1]
    before = os.sched_getaffinity(0) if sys.platform == "linux" else None
    if before is not None:
        os.sched_setaffinity(0, {on})
    try:
        start_ns, own_ns = time.monotonic_ns(), time.thread_time_ns()
        first = {core: read_cores((core,), start_ns) for core in watched}
        late_ms = _sleep(start_ns + int(seconds * 1e9))
        end_ns, own_ns = time.monotonic_ns(), time.thread_time_ns() - own_ns
        last = {core: read_cores((core,), end_ns) for core in watched}
    finally:
        if before is not None:
            os.sched_setaffinity(0, before)
    elapsed_ns = end_ns - start_ns
    used = {core: _used(first[core], last[core]) for core in watched}
    return describe(
        late_ms=late_ms,
        seconds=elapsed_ns / 1e9,
        steal_share=_steal(list(used.values()), elapsed_ns),
        foreign_share=_foreign(used, on, own_ns, elapsed_ns),
    )


def describe(
    *,
    late_ms: Sequence[float],
    seconds: float,
    steal_share: float | None,
    foreign_share: dict[int, float] | None,
) -> Weather:
    """Put what was seen into one word and its reasons."""
    worst = max(late_ms, default=0.0)
    reasons = []
    if worst > HICCUP_MS:
        reasons.append(f"a wake-up came {worst:.1f} ms late (more than {HICCUP_MS:.0f} ms)")
    if steal_share is not None and steal_share > SHARE:
        reasons.append(f"the hypervisor took {steal_share:.1%} of a core (more than {SHARE:.0%})")
    for core, share in sorted((foreign_share or {}).items()):
        if share > SHARE:
            reasons.append(f"others used {share:.1%} of core {core} (more than {SHARE:.0%})")
    return Weather(
        word="rough" if reasons else "calm",
        reasons=tuple(reasons),
        seconds=seconds,
        wakeups=len(late_ms),
        hiccup_max_ms=worst,
        hiccup_p95_ms=_percentile(late_ms, 0.95),
        steal_share=steal_share,
        foreign_share=foreign_share,
    )


def _sleep(until_ns: int) -> list[float]:
    late_ms: list[float] = []
    before = time.monotonic_ns()
    while before < until_ns:
        time.sleep(SLEEP_S)
        now = time.monotonic_ns()
        late_ms.append(max(0.0, (now - before) / 1e6 - SLEEP_S * 1e3))
        before = now
    return late_ms


def _percentile(values: Sequence[float], share: float) -> float | None:
    if len(values) * (1 - share) < BEYOND:
        return None
    return sorted(values)[int(len(values) * share)]


def _used(first: CoreReading | None, last: CoreReading | None) -> tuple[int, int] | None:
    if first is None or last is None:
        return None
    return last.busy_ns - first.busy_ns, last.steal_ns - first.steal_ns


def _steal(used: Sequence[tuple[int, int] | None], elapsed_ns: int) -> float | None:
    known = [pair[1] for pair in used if pair is not None]
    return sum(known) / elapsed_ns if known else None


def _foreign(used: dict[int, tuple[int, int] | None], on: int, own_ns: int, elapsed_ns: int) -> dict[int, float] | None:
    shares = {
        core: max(0.0, (pair[0] - (own_ns if core == on else 0)) / elapsed_ns)
        for core, pair in used.items()
        if pair is not None
    }
    return shares or None
