"""What all charts share: an empty figure, the palette, scales of ratios, and the way to SVG.

Figures are made without pyplot, whose list of open figures is a global that leaks memory in a long session.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

INK = "#1b1b1b"
"""Text and axes.  A colour of its own, so that a page can replace it by its text colour."""
BASELINE = "#0072b2"
CANDIDATE = "#d55e00"
NEUTRAL = "#009e73"
"""Blue, vermillion and bluish green of Okabe & Ito, "Color Universal Design" (2008): told apart with any
colour vision, and by lightness in grey print."""
STYLES: dict[str, dict[str, Any]] = {
    "baseline": {"color": BASELINE, "marker": "o", "linestyle": "-"},
    "candidate": {"color": CANDIDATE, "marker": "s", "linestyle": "--"},
}
"""Marker and line differ too: colour never carries a meaning alone."""
LOOKS: tuple[dict[str, Any], ...] = (
    {"color": BASELINE, "marker": "o"},
    {"color": CANDIDATE, "marker": "s"},
    {"color": NEUTRAL, "marker": "^"},
    {"color": "#cc79a7", "marker": "D"},
    {"color": INK, "marker": "v"},
    {"color": "#56b4e9", "marker": "P"},
    {"color": "#e69f00", "marker": "X"},
)
"""One for each subject of a picture: Okabe and Ito's colours, those that are dark enough on white first."""

WIDTH_IN = 4.6
"""Narrow on purpose: the same picture stays legible on a telephone and in a column of print."""
_FONT_PT = 10
_LINEAR_SPAN = 3
"""Up to here evenly spaced ratios still look evenly spaced on a log axis."""
_CROWDED_SPAN = 50
"""Beyond it three ticks a decade run into each other."""
_RC: dict[Any, Any] = {
    "svg.fonttype": "none",  # Text stays text: searchable, selectable, and in the page's own font.
    "svg.hashsalt": "harness",  # Equal data give equal bytes.
    "font.size": _FONT_PT,
    "font.family": "sans-serif",
}


def figure(height_in: float, rows: int = 1) -> tuple[Figure, list[Axes]]:
    """Return an empty figure with ``rows`` plots above each other."""
    with mpl.rc_context(_RC):
        made = Figure(figsize=(WIDTH_IN, height_in), layout="constrained")
        FigureCanvasSVG(made)
        grid = made.subplots(rows, 1, squeeze=False)
    axes = [row[0] for row in grid]
    for each in axes:
        _dress(each)
    return made, axes


def svg(made: Figure) -> str:
    """Return the figure as an SVG document with a transparent ground and no date in it."""
    out = io.StringIO()
    with mpl.rc_context(_RC):
        made.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return out.getvalue()


def legend(axes: Axes, columns: int = 2) -> None:
    """Put the legend above the plot, where it hides no data."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        shown = axes.legend(
            handles, labels, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=columns, frameon=False,
            borderaxespad=0.2, handlelength=2.2, columnspacing=1.2, labelcolor=INK, fontsize=_FONT_PT - 1,
        )  # fmt: skip
        # Without this, the layout would keep room for a legend inside the axes only.
        shown.set_in_layout(True)


def ratio_scale(axis: Any, low: float, high: float) -> None:
    """Label an axis of log-ratios with ratios: twice as dear and half as dear are equally far from 1."""
    low, high = min(low, 1.0), max(high, 1.0)
    axis.set_major_locator(FixedLocator([math.log(tick) for tick in _ratio_ticks(low, high)]))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda x, _: f"{math.exp(x):.4g}"))


def _ratio_ticks(low: float, high: float) -> list[float]:
    """Return round ratios; 1 is always among them, whatever the span."""
    if high / low < _LINEAR_SPAN:
        return [tick for tick in MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high) if tick > 0]
    leads = (1, 2, 5) if high / low < _CROWDED_SPAN else (1,)
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [lead * 10.0**decade for decade in decades for lead in leads]


def ratio_limits(values: Sequence[float], margin: float) -> tuple[float, float]:
    """Return limits (as ratios) that hold the values, 1 and the margin, with some air."""
    finite = [value for value in values if value > 0 and math.isfinite(value)]
    logs = [math.log(value) for value in [*finite, 1.0, 1 + 1.5 * margin, 1 / (1 + 1.5 * margin)]]
    air = 0.06 * (max(logs) - min(logs))
    return math.exp(min(logs) - air), math.exp(max(logs) + air)


def _dress(axes: Axes) -> None:
    for name, spine in axes.spines.items():
        spine.set_color(INK)
        spine.set_linewidth(0.7)
        spine.set_visible(name in {"left", "bottom"})
    axes.tick_params(colors=INK, which="both", width=0.7)
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)
    axes.grid(visible=True, color=INK, alpha=0.12, linewidth=0.6)
    axes.set_axisbelow(True)
