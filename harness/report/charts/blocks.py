"""The ratio of every block in the order of measurement: drift and outliers are seen, void blocks too."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from msgspec import Struct

from harness.report.charts import canvas

_GRAIN_MARKERS = {"slice": "o", "request": "D", "block": "s"}
_VOID_MARKERS = ("o", "s", "^", "D", "v", "P")
"""One per reason; a seventh reason shares the first's."""


class Point(Struct, frozen=True):
    """One block: its ratio, the grain, and why it is void, if it is."""

    number: int
    ratio: float
    grain: str
    void: str | None = None


def blocks(points: Sequence[Point], *, interval: tuple[float, float, float] | None, what: str) -> str:
    """Draw the blocks; ``interval`` is the estimate's value, low and high."""
    made, (axes,) = canvas.figure(3.1)
    valid = [point for point in points if point.void is None]
    shown = [point.ratio for point in points] + list(interval or ())
    low, high = canvas.ratio_limits(shown, 0.005)
    if interval is not None:
        value, bottom, top = (math.log(end) for end in interval)
        axes.axhspan(bottom, top, color=canvas.CANDIDATE, alpha=0.15, linewidth=0)
        axes.axhline(value, color=canvas.CANDIDATE, linewidth=1, linestyle="--", label="estimate, 95 %")
    axes.axhline(0, color=canvas.INK, linewidth=1)
    for grain in dict.fromkeys(point.grain for point in valid):
        mine = [point for point in valid if point.grain == grain]
        _scatter(axes, mine, _GRAIN_MARKERS.get(grain, "o"), f"{grain} grain, n = {len(mine)}", hollow=False)
    for index, reason in enumerate(dict.fromkeys(point.void for point in points if point.void)):
        mine = [point for point in points if point.void == reason]
        marker = _VOID_MARKERS[index % len(_VOID_MARKERS)]
        _scatter(axes, mine, marker, f"void: {_short(reason)}, n = {len(mine)}", hollow=True)
    axes.set_ylim(math.log(low), math.log(high))
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))
    canvas.ratio_scale(axes.yaxis, low, high)
    axes.set_xlabel("block (in order of measurement)")
    axes.set_ylabel(f"{what},\ncandidate ÷ baseline")
    canvas.legend(axes, columns=1 if any(point.void for point in points) else 2)
    return canvas.svg(made)


def _short(reason: str, limit: int = 42) -> str:
    return reason if len(reason) <= limit else reason[: limit - 1] + "…"


def _scatter(axes: Axes, points: Sequence[Point], marker: str, label: str, *, hollow: bool) -> None:
    axes.plot(
        [point.number for point in points], [math.log(point.ratio) for point in points],
        linestyle="none", marker=marker, markersize=6, label=label,
        color=canvas.INK if hollow else canvas.BASELINE,
        markerfacecolor="none" if hollow else canvas.BASELINE,
    )  # fmt: skip
