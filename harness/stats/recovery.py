"""When a service works again after a fault, from what its clients saw."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

SHARE = 0.95
"""A service works while at least this share of its requests succeeds."""

REQUESTS = 100
"""How many requests in a row are looked at, at least …"""

SPAN_NS = 1_000_000_000
"""… and for how long, at least: a single success between failures is no recovery."""


def recovered_ns(due_ns: npt.NDArray[Any], succeeded: npt.NDArray[Any], after_ns: int) -> int | None:
    """First due instant from ``after_ns`` on from which ≥ 95 % of the next max(100 requests, 1 s) succeed.

    ``due_ns`` and ``succeeded`` are one row per request, in any order.  None where it does not come, or where
    the load ended before it could be told.
    """
    order = np.argsort(due_ns, kind="stable")
    due, good = np.asarray(due_ns)[order].astype(np.int64), np.asarray(succeeded)[order].astype(np.int64)
    sums = np.concatenate([[0], np.cumsum(good)])
    first = int(np.searchsorted(due, after_ns))
    starts = np.arange(first, len(due))
    ends = np.maximum(starts + REQUESTS, np.searchsorted(due, due[first:] + SPAN_NS))
    # A stretch that the load's end cuts off says nothing.
    whole = ends <= len(due) - 1
    starts, ends = starts[whole], ends[whole]
    if not len(starts):
        return None
    # It begins with a success: a stretch that fails first works from a later instant.
    works = ((sums[ends] - sums[starts]) >= SHARE * (ends - starts)) & (good[starts] == 1)
    return int(due[starts[np.argmax(works)]]) if works.any() else None
