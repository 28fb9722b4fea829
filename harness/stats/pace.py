"""What arms would have cost had their core always run at one pace.

On a shared machine a core is now fast, now half as fast, for seconds or less: CPU time per request follows it, for
whichever arm happens to be loaded.  A watcher times a fixed piece of work all the while; the windows of a cell's
blocks then show how much dearer a request is while the core is slow, and each window's cost is taken to its block's
mean pace.

This is an analysis of covariance (R. A. Fisher, *Statistical Methods for Research Workers*, 1932).  It favours no
arm: which arm is loaded when is drawn at random, and one slowdown, fitted within processes, serves both.  It
would do so only if an arm made the core look slow to the watcher, which `imbalance` looks for.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

from msgspec import structs

from harness.model import Block, Cost, Role, Window
from harness.stats.aa import aa_control

WINDOWS_MIN = 8
"""Two for each process of a quartet: one has no inner change of pace."""

SLOWDOWN_MIN, SLOWDOWN_MAX = 0.0, 1.0
"""Log of the cost while the core is slow ÷ while it is fast.  Slow makes nothing cheaper, and nothing was seen to
become more than twice as dear; the bounds only keep noise from turning a correction round."""


def levelled(blocks: Sequence[Block]) -> tuple[Block, ...] | None:
    """The blocks of one cell with the CPU time of their windows and processes taken to each block's mean pace.

    One slowdown is fitted to all of them: a block in which the pace changed between two processes and not
    within them has none of its own.  None where a block was not watched or has a window without a figure:
    half a correction would favour the half (so it is at request grain, where both arms meet one pace at once), and
    where the pace may not be used (`refused`).
    """
    if not blocks or not all(_watched(block.windows) for block in blocks) or refused(blocks):
        return None
    factor = slowdown([block.windows for block in blocks])
    return tuple(_levelled(block, factor) for block in blocks)


def _levelled(block: Block, factor: float) -> Block:
    windows = _even(block.windows, factor)
    return structs.replace(block, windows=windows, costs=tuple(_summed(cost, windows) for cost in block.costs))


def _summed(cost: Cost, windows: Iterable[Window]) -> Cost:
    mine = [window.cpu_ns or 0 for window in windows if (window.role, window.instance) == (cost.role, cost.instance)]
    return structs.replace(cost, cpu_ns=sum(mine) if mine else cost.cpu_ns)


def at_equal_pace(windows: Sequence[Window]) -> tuple[Window, ...] | None:
    """The windows of one block alone, taken to their mean pace; None where `levelled` would give none."""
    return _even(windows, slowdown([windows])) if _watched(windows) else None


def _even(windows: Sequence[Window], factor: float) -> tuple[Window, ...]:
    mean = math.fsum(map(_slow, windows)) / len(windows)
    return tuple(
        structs.replace(window, cpu_ns=round((window.cpu_ns or 0) * math.exp(factor * (mean - _slow(window)))))
        for window in windows
    )


def _watched(windows: Sequence[Window]) -> bool:
    whole = all(window.slow is not None and window.cpu_ns and window.requests for window in windows)
    return whole and len(windows) >= WINDOWS_MIN


def _slow(window: Window) -> float:
    return window.slow or 0.0


def slowdown(blocks: Sequence[Sequence[Window]]) -> float:
    """Log of a request's cost while the core is slow ÷ while it is fast.

    Least squares of log cost on the share of slow time over the windows of all blocks, both less their process's
    mean: what differs between processes is not the pace's doing.
    """
    processes: defaultdict[tuple[int, Role, int], list[tuple[float, float]]] = defaultdict(list)
    for number, windows in enumerate(blocks):
        for window in windows:
            cost = math.log((window.cpu_ns or 1) / window.requests)
            processes[number, window.role, window.instance].append((_slow(window), cost))
    xx = xy = 0.0
    for points in processes.values():
        x_mean = math.fsum(x for x, _ in points) / len(points)
        y_mean = math.fsum(y for _, y in points) / len(points)
        xx += math.fsum((x - x_mean) ** 2 for x, _ in points)
        xy += math.fsum((x - x_mean) * (y - y_mean) for x, y in points)
    return min(SLOWDOWN_MAX, max(SLOWDOWN_MIN, xy / xx)) if xx > 0 else SLOWDOWN_MIN


def refused(blocks: Sequence[Block]) -> bool:
    """Whether the pace beside the two arms differs by more than chance: then one may make the core look slow."""
    return aa_control([value for block in blocks if (value := imbalance(block)) is not None]).tripped


def imbalance(block: Block) -> float | None:
    """Share of slow time beside the candidate less that beside the baseline; None where not watched.

    Over many blocks its mean is zero, unless an arm makes the core look slow; then the pace must not be used.
    """
    if not _watched(block.windows):
        return None
    means = []
    for role in ("candidate", "baseline"):
        shares = [_slow(window) for window in block.windows if window.role == role]
        if not shares:
            return None
        means.append(math.fsum(shares) / len(shares))
    return means[0] - means[1]
