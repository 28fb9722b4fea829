"""Figures of a trial with faults, each defined once, from what the clients saw.

All functions take one element per request, in any order, and times in nanoseconds on one clock.  Everything is
indexed by the *due* time: a request that was due in a window belongs to it, whenever it ended, so that a service
which answers later does not move its failures out of sight.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Times = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


def within_deadline(due_ns: Times, end_ns: Times, correct: Flags, deadline_ns: int) -> Flags:
    """Which requests got a correct answer in time, counted from their due times: goodput's numerator."""
    return correct & (end_ns - due_ns <= deadline_ns)


def goodput(due_ns: Times, good: Flags, start_ns: int, end_ns: int) -> float | None:
    """Share of the requests due in [start, end) that are good; None where none was due."""
    mine = (due_ns >= start_ns) & (due_ns < end_ns)
    return float(good[mine].mean()) if mine.any() else None


def detected_ns(end_ns: Times, failed: Flags, began_ns: int) -> int | None:
    """When a client first saw a failure, at or after the fault began; None where none did.

    A failure is seen when it ends, not when its request was due.
    """
    seen = end_ns[failed & (end_ns >= began_ns)]
    return int(seen.min()) if len(seen) else None


def hysteresis(due_ns: Times, good: Flags, before: tuple[int, int], at_end: tuple[int, int]) -> float | None:
    """Goodput at the end ÷ before the faults, at equal load: 1 where the service came back as it was.

    Below 1 long after the trigger has gone is the mark of a metastable failure (Bronson et al., "Metastable
    failures in distributed systems", 2021).  None where nothing was good before.
    """
    first, last = goodput(due_ns, good, *before), goodput(due_ns, good, *at_end)
    return None if not first or last is None else last / first


def amplification(attempts: int, logical: int) -> float | None:
    """Attempts ÷ logical requests; None without a request."""
    return attempts / logical if logical else None


def quantile_ms(took_ns: npt.NDArray[Any], q: float) -> float | None:
    """Quantile of the response times, in ms; None with fewer than ten samples beyond it."""
    if len(took_ns) * min(q, 1 - q) < 10:  # noqa: PLR2004  (the rule of this project's percentiles)
        return None
    return float(np.quantile(took_ns, q)) / 1e6
