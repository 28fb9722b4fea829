"""Counts and shares of one stretch of load, from the generator's raw rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from harness.load import Slice

_ERRORS = {1: "refused", 2: "rst", 3: "eof", 4: "timeout", 5: "protocol"}
_MEASURED = 1

OPEN_GUARD_SHARE = 0.1
"""At most this share of a slice is left free of new requests at its end (scenarios' guard)."""


class Summary(Struct, frozen=True):
    """What the measured phase of a stretch amounts to."""

    due: int
    sent: int
    sent_in_time: int
    """Sent before the load's end: what leaves later is not the stated load."""
    completed: int
    errors: dict[str, int]
    send_lag_p99_ms: float | None
    send_lag_p50_ms: float | None
    little: float | None
    late_share: float = 0.0
    """Share of the measured requests that had no answer one slice's length after the end of theirs."""


def summarise(
    rows: np.ndarray[Any, Any], slices: Sequence[Slice], *, t0_ns: int, users: int | None, expect: Sequence[int]
) -> Summary:
    """Summarise rows (structured as ``store.samples.ROW``) of the measured phase; ``t0_ns`` is the trial's zero."""
    end_ns = t0_ns + slices[-1].end_ns
    measured = rows[rows["phase"] == _MEASURED]
    sent = measured[measured["start_ns"] >= 0]
    answered = measured[(measured["end_ns"] >= 0) & (measured["error"] == 0)]
    lag_ns = (sent["start_ns"] - sent["due_ns"])[sent["due_ns"] >= 0]
    lags = np.percentile(lag_ns, [50, 99]) / 1e6 if users is None and len(lag_ns) else None
    return Summary(
        due=len(measured),
        sent=len(sent),
        sent_in_time=int((sent["start_ns"] <= end_ns).sum()),
        completed=len(answered),
        errors=_errors(measured, answered, expect),
        send_lag_p99_ms=None if lags is None else float(lags[1]),
        send_lag_p50_ms=None if lags is None else float(lags[0]),
        little=None if users is None else _little(answered, slices, users),
        late_share=_late_share(sent, slices, t0_ns),
    )


def _late_share(sent: np.ndarray[Any, Any], slices: Sequence[Slice], t0_ns: int) -> float:
    """Where a backlog grows, answers come ever later than their slice."""
    if not len(sent):
        return 0.0
    limits = np.zeros(max(piece.index for piece in slices) + 1, dtype=np.int64)
    for piece in slices:
        limits[piece.index] = t0_ns + 2 * piece.end_ns - piece.start_ns
    late = (sent["end_ns"] < 0) | (sent["end_ns"] > limits[sent["slice"]])
    return float(late.mean())


def _errors(measured: np.ndarray[Any, Any], answered: np.ndarray[Any, Any], expect: Sequence[int]) -> dict[str, int]:
    found: dict[str, int] = {}
    codes, counts = np.unique(measured["error"][measured["error"] > 0], return_counts=True)
    for code, count in zip(codes, counts, strict=True):
        found[_ERRORS.get(int(code), f"error-{code}")] = int(count)
    unsent = int(((measured["start_ns"] < 0) & (measured["error"] == 0)).sum())
    if unsent:
        found["unsent"] = unsent
    statuses, counts = np.unique(answered["status"], return_counts=True)
    for status, count in zip(statuses, counts, strict=True):
        if int(status) not in expect:
            found[f"status-{status}"] = int(count)
    return found


def answers(answered: np.ndarray[Any, Any]) -> dict[tuple[int, int], int]:
    """(entry, slice) → how many of these rows."""
    keys = answered["entry"].astype(np.int64) << 32 | answered["slice"].astype(np.int64)
    found, counts = np.unique(keys, return_counts=True)
    return {(int(key) >> 32, int(key) & 0xFFFFFFFF): int(count) for key, count in zip(found, counts, strict=True)}


def _little(answered: np.ndarray[Any, Any], slices: Sequence[Slice], users: int) -> float | None:
    """Mean number in flight ÷ users over the time from a slice's first send to its last answer."""
    in_flight_ns = float((answered["end_ns"] - answered["start_ns"]).sum())
    capacity_ns = 0.0
    for piece in slices:
        if piece.phase != "measure":
            continue
        for entry in piece.entries:
            mine = answered[(answered["slice"] == piece.index) & (answered["entry"] == entry)]
            if len(mine):
                capacity_ns += float(mine["start_ns"].max() - mine["start_ns"].min()) * users
                # After the last send users only drain: the one that sent it is in flight for all that time, the others
                # on average for half of it.  With one user the difference is the whole of it.
                tail_ns = float(mine["end_ns"].max() - mine["start_ns"].max())
                capacity_ns += tail_ns * (users + 1) / 2
    return in_flight_ns / capacity_ns if capacity_ns else None
