"""Effects with their intervals, one above the other, against the line of no difference."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.transforms import blended_transform_factory
from msgspec import Struct

from harness.report.charts import canvas

_ROW_IN = 0.52
_FRAME_IN = 0.75


class Effect(Struct, frozen=True):
    """One row: a ratio with its interval and the number of blocks behind it."""

    label: str
    ratio: float
    low: float
    high: float
    n: int
    main: bool = True
    """False for a part of the row above it (one grain of a regime): drawn lighter."""


def forest(
    effects: Sequence[Effect],
    *,
    margin: float,
    what: str,
    confidence: float = 0.95,
    ratio: str = "candidate ÷ baseline",
) -> str:
    """Draw the effects; the band is the margin inside which a difference does not count."""
    made, (axes,) = canvas.figure(_FRAME_IN + _ROW_IN * max(len(effects), 1))
    ends = [end for effect in effects for end in (effect.low, effect.high, effect.ratio)]
    low, high = canvas.ratio_limits(ends, margin)
    beside = blended_transform_factory(axes.transAxes, axes.transData)
    for row, effect in enumerate(effects):
        # Line and band stop below each row's words, so that nothing is drawn through them.
        ends_y = (row - 0.15, row + 0.45)
        axes.fill_betweenx(ends_y, -math.log1p(margin), math.log1p(margin), color=canvas.INK, alpha=0.1, linewidth=0)
        axes.plot([0, 0], ends_y, color=canvas.INK, linewidth=1)
        _draw(axes, row, effect)
        axes.text(0, row - 0.32, _words(effect), color=canvas.INK, va="center", fontsize=9, transform=beside)
    axes.set_xlim(math.log(low), math.log(high))
    axes.set_ylim(len(effects) - 0.5, -0.6)
    axes.grid(visible=False)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    canvas.ratio_scale(axes.xaxis, low, high)
    bars = f"bars: {100 * confidence:.0f} % interval, band: ±{100 * margin:g} %"
    axes.set_xlabel(f"{what}: {ratio} (log scale)\n{bars}")
    return canvas.svg(made)


def _words(effect: Effect) -> str:
    return f"{effect.label} · {effect.ratio:.3f} [{effect.low:.3f}, {effect.high:.3f}] · n = {effect.n}"


def _draw(axes: Axes, row: int, effect: Effect) -> None:
    value, low, high = math.log(effect.ratio), math.log(effect.low), math.log(effect.high)
    axes.errorbar(
        [value], [row], xerr=[[max(value - low, 0)], [max(high - value, 0)]],
        fmt="s" if effect.main else "o", color=canvas.CANDIDATE if effect.main else canvas.BASELINE,
        markersize=7 if effect.main else 5, markerfacecolor=canvas.CANDIDATE if effect.main else "none",
        capsize=3, elinewidth=2 if effect.main else 1.2,
    )  # fmt: skip
