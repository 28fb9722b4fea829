"""What voids a block: the instrument's own faults, and nothing else.

Errors, overload and stalls of an arm are results.  Each check is stored with what it saw, passed
or not, so that a reader can apply other limits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from harness.model import Check, Void, Window

SENT_SHARE_MIN = 0.99
"""A generator that sends fewer of the due requests measures another load than the stated one."""

GENERATOR_WORK_MAX = 0.80
"""Above this share of a core, queueing inside the generator shows in the latencies."""

CLOCKS_MAX_MS = 1.0
"""Workers' times are joined with the meters' and with each other's: a request must not seem to fall into another slice
than its own.  A slice ends with a tenth without new requests, 10 ms of a short one; a tenth of that is ours."""

FOREIGN_MAX = 0.02
"""Share of the arms' core that others may take: the smallest effect that a duel must find is 2 %."""

HICCUP_MAX_MS = 5.0
"""A longer pause of the platform is longer than any request of a healthy service."""

LITTLE_MIN, LITTLE_MAX = 0.95, 1.02
"""Closed model: rate × latency ÷ users.  Less: answers waited inside the generator (Little's law)."""

LATE = "answers more than a slice late"
LATE_MAX = 0.10
"""Interleaved arms that cannot keep up share their core by the scheduler's fairness, not by what they cost: on 25
November 2026 two drivers came out equal within 0.5 %, at 0.8 ms a request instead of 3, with answers 3 s late.  A
single stall of half a second touches a tenth of a block's requests and is a result."""

KILLED = "killed for memory"

DRIFT_MAX = 0.05
"""The two halves of a block measure the same thing."""

BOUNDARY_LATE_MAX_NS = 15_000_000
"""Nothing is due in the last 20 ms of a slice; a reading later than that sees the next slice."""


class Evidence(Struct, frozen=True):
    """What a block's checks look at; None where it could not be observed."""

    sent_share: float | None
    generator_work: float | None
    foreign_share: float | None
    foreign_exact: bool
    steal_share: float | None
    hiccup_max_ms: float | None
    little: float | None
    strangers: str | None
    drift: float | None
    boundary_late_ns: int
    count_mismatch: int | None
    late_share: float | None = None
    """Request grain only: there CPU time counts in a request's own slice."""
    crowded: str | None = None
    """How many workers share how many cores; None where each has one."""
    clocks: str | None = None
    """What is wrong with the clock of a worker; None where all are known well enough."""
    killed: str | None = None
    """What the kernel killed for want of memory: what is left of an arm is another arm."""


def checks(evidence: Evidence) -> tuple[Check, ...]:
    """All checks as they came out for one block."""
    foreign_limit = FOREIGN_MAX if evidence.foreign_exact else 2 * FOREIGN_MAX
    return (
        _least("sent of due", evidence.sent_share, SENT_SHARE_MIN),
        _most(_generator(evidence.crowded), evidence.generator_work, GENERATOR_WORK_MAX),
        _most("foreign CPU on the arms' core", evidence.foreign_share, foreign_limit),
        _most("steal on the arms' core", evidence.steal_share, FOREIGN_MAX),
        _most("platform pause, ms", evidence.hiccup_max_ms, HICCUP_MAX_MS),
        _between("rate × latency ÷ users", evidence.little, LITTLE_MIN, LITTLE_MAX),
        Check(
            check="who answers",
            seen=evidence.strangers or "the process that was started",
            limit="the process that was started",
            ok=evidence.strangers is None,
        ),
        _most("drift between the halves", evidence.drift, DRIFT_MAX),
        Check(
            check="workers' clocks",
            seen=evidence.clocks or "one clock, or known well enough",
            limit=f"known to {CLOCKS_MAX_MS:g} ms",
            ok=evidence.clocks is None,
        ),
        _most("latest meter reading, ns", float(evidence.boundary_late_ns), float(BOUNDARY_LATE_MAX_NS)),
        _most("client count − server count", evidence.count_mismatch, 0.0),
        _most(LATE, evidence.late_share, LATE_MAX),
        *_killed(evidence.killed),
    )


def _killed(what: str | None) -> tuple[Check, ...]:
    """Said only where it happened: most arms have no limit that could be overstepped."""
    return () if what is None else (Check(check=KILLED, seen=what, limit="nothing", ok=False),)


def voids(results: tuple[Check, ...]) -> tuple[Void, ...]:
    """The failed checks, each with a sentence for the report."""
    return tuple(
        Void(
            check=check.check,
            seen=check.seen if check.seen is not None else "nothing",
            limit=check.limit,
            sentence=f"{check.check}: {_show(check.seen)}, allowed {_show(check.limit)}",
        )
        for check in results
        if not check.ok
    )


def crowded(workers: int, cores: int) -> str | None:
    """In words, that load workers share cores; None where each has one of its own."""
    if workers <= cores:
        return None
    return f"{workers} workers on {cores} core{'s' if cores > 1 else ''}"


def _generator(shared: str | None) -> str:
    return f"generator's work, {shared}" if shared else "generator's work"


def clocks(done: Sequence[dict[str, Any]]) -> str | None:
    """Which worker's clock cannot be trusted, in words, from what the workers left; None where none is amiss.

    Latencies are differences on one worker's clock and do not suffer; which slice a request fell into does.
    """
    for document in done:
        name, clock = f"worker {document.get('worker', 1)}", document.get("clock") or {}
        bound_ms = document.get("clock_bound_ns", 0) / 1e6
        if bound_ms > CLOCKS_MAX_MS:
            return f"{name}'s is known to {bound_ms:.3g} ms only"
        if clock.get("one") and abs(clock["measured_ns"]) > clock["measured_bound_ns"]:
            off_ms, within_ms = clock["measured_ns"] / 1e6, clock["measured_bound_ns"] / 1e6
            return f"{name}'s should be the master's and differs by {off_ms:.3g} ± {within_ms:.3g} ms"
    return None


def drift(windows: tuple[Window, ...]) -> float | None:
    """Change of the candidate's cost relative to the baseline's from the first to the second half.

    Each process's own halves: where arms run one after the other, the halves of the block have different
    processes, and two processes of one arm may well differ by some per cent.  None with fewer than four windows.
    """
    if len(windows) < 4:  # noqa: PLR2004  (two a half, one for each role)
        return None
    early, late = _halves(windows)
    halves = _ratio(early), _ratio(late)
    if halves[0] is None or halves[1] is None:
        return None
    return abs(math.log(halves[0] / halves[1]))


def _halves(windows: tuple[Window, ...]) -> tuple[list[Window], list[Window]]:
    processes: dict[tuple[str, int], list[Window]] = {}
    for window in sorted(windows, key=lambda one: (one.slice, one.start_ns)):
        processes.setdefault((window.role, window.instance), []).append(window)
    early = [window for mine in processes.values() for window in mine[: len(mine) // 2]]
    late = [window for mine in processes.values() for window in mine[len(mine) // 2 :]]
    return early, late


def _ratio(windows: Sequence[Window]) -> float | None:
    cost: dict[str, float] = {}
    for role in ("baseline", "candidate"):
        mine = [window for window in windows if window.role == role and window.cpu_ns is not None]
        requests = sum(window.requests for window in mine)
        used = sum(window.cpu_ns or 0 for window in mine)
        if not requests or not used:
            return None
        cost[role] = used / requests
    return cost["candidate"] / cost["baseline"]


def _most(name: str, seen: float | None, limit: float) -> Check:
    return Check(check=name, seen=seen, limit=limit, ok=seen is None or seen <= limit)


def _least(name: str, seen: float | None, limit: float) -> Check:
    return Check(check=name, seen=seen, limit=limit, ok=seen is None or seen >= limit)


def _between(name: str, seen: float | None, low: float, high: float) -> Check:
    return Check(check=name, seen=seen, limit=f"{low}–{high}", ok=seen is None or low <= seen <= high)


def _show(value: float | str | None) -> str:
    return f"{value:.4g}" if isinstance(value, float | int) else str(value)
