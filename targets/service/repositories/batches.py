"""Ids in portions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

BATCH_MAX = 50
"""Ids in one statement of the batch way."""


def batches(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """Give the ids in portions of at most BATCH_MAX."""
    for start in range(0, len(ids), BATCH_MAX):
        yield ids[start : start + BATCH_MAX]
