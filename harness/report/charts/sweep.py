"""Curves over a grid: a figure against its axis, with intervals over the blocks and marked crossings."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from msgspec import Struct

from harness.report.charts import canvas

_LINES = ("-", "--", ":", "-.")
"""One for each variant of the subjects, such as the size of the table."""


def short(number: float) -> str:
    """A round number as an axis has room for it: 20, 1k, 100k, 1M."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            return f"{number / size:.3g}{letter}"
    return f"{number:.3g}"


class Place(Struct, frozen=True):
    """A figure at one place of the axis, with its 95 % interval over the blocks."""

    at: float
    value: float
    low: float
    high: float


class Series(Struct, frozen=True):
    """One curve."""

    subject: str
    variant: str
    """What tells curves of one subject apart; empty where there is one."""
    places: tuple[Place, ...]


class Mark(Struct, frozen=True):
    """A stretch of the axis that an estimate names: two places that were measured."""

    name: str
    low: float
    high: float


class Panel(Struct, frozen=True):
    """One plot of the picture."""

    what: str
    """The figure and its unit."""
    series: tuple[Series, ...]
    logarithmic: bool
    """Times span decades; counts and capacities start at zero."""


def sweep(panels: Sequence[Panel], *, axis: str, marks: Sequence[Mark] = ()) -> str:
    """Draw the panels above each other over one axis; the first has the legend and the marks."""
    made, plots = canvas.figure(1.4 + 2.6 * len(panels), len(panels))
    for number, (panel, axes) in enumerate(zip(panels, plots, strict=True)):
        _draw(axes, panel, spread=not axis.startswith("%"))
        if number == 0:
            for mark in marks:
                axes.axvspan(mark.low, mark.high, color=canvas.INK, alpha=0.15, linewidth=0, label=mark.name)
            canvas.legend(axes)
        axes.set_ylabel(panel.what)
    plots[-1].set_xlabel(axis)
    return canvas.svg(made)


def _draw(axes: Axes, panel: Panel, *, spread: bool) -> None:
    """Draw one panel; places that ``spread`` over decades get a log axis, shares a linear one."""
    subjects = list(dict.fromkeys(one.subject for one in panel.series))
    variants = list(dict.fromkeys(one.variant for one in panel.series))
    for one in panel.series:
        look = canvas.LOOKS[subjects.index(one.subject) % len(canvas.LOOKS)]
        line = _LINES[variants.index(one.variant) % len(_LINES)]
        values = [place.value for place in one.places]
        errors = [
            [place.value - place.low for place in one.places],
            [place.high - place.value for place in one.places],
        ]
        label = f"{one.subject}, {one.variant}" if one.variant else one.subject
        axes.errorbar(
            [place.at for place in one.places], values, yerr=errors, label=label, linestyle=line, linewidth=1.3,
            markersize=4, capsize=2, elinewidth=1, **look,
        )  # fmt: skip
    places = {place.at for one in panel.series for place in one.places}
    if spread and len(places) > 1 and max(places) / min(places) > 10:  # noqa: PLR2004  (within a decade a linear axis reads better)
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: short(x)))
        axes.xaxis.set_minor_formatter(NullFormatter())
    if panel.logarithmic:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
    else:
        axes.set_ylim(bottom=0)


def bars(rows: Sequence[tuple[str, Place]], *, what: str, bound: tuple[str, float] | None) -> str:
    """Draw one figure of several subjects as points with intervals from zero, and the bound that they are held to."""
    made, (axes,) = canvas.figure(1.1 + 0.42 * len(rows))
    for number, (name, place) in enumerate(rows):
        look = canvas.LOOKS[number % len(canvas.LOOKS)]
        axes.hlines(number, 0, place.value, color=look["color"], linewidth=1)
        axes.errorbar(
            [place.value], [number], xerr=[[place.value - place.low], [place.high - place.value]], markersize=6,
            capsize=3, linestyle="none", label=None, **look,
        )  # fmt: skip
        axes.annotate(
            f"{place.value:.3g}", (place.value, number), textcoords="offset points", xytext=(0, 7),
            ha="center", color=canvas.INK, fontsize=9,
        )  # fmt: skip
        del name
    if bound is not None:
        axes.axvline(bound[1], color=canvas.INK, linewidth=1, linestyle="--", label=bound[0])
        canvas.legend(axes)
    axes.set_yticks(range(len(rows)), [name for name, _ in rows])
    axes.set_ylim(len(rows) - 0.4, -0.7)
    axes.set_xlim(left=0)
    axes.set_xlabel(what)
    return canvas.svg(made)
