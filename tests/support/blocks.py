"""Blocks that hold nothing but costs and windows."""

from __future__ import annotations

from harness.model import Block


def bare(costs, windows=(), grain="slice", number=0):
    """Give a block with these costs and windows; nothing else was observed."""
    return Block(
        number=number,
        condition="c",
        grain=grain,
        seed=1,
        started_utc="2026-11-24T00:00:00Z",
        start_order=(),
        costs=tuple(costs),
        windows=tuple(windows),
        checks=(),
        voids=(),
        sent=0,
        due=0,
        completed=0,
        errors={},
        utilisation=None,
        generator_work=None,
        send_lag_p99_ms=None,
        wall_s=1.0,
    )
