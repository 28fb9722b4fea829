"""What happened to several subjects on their way through the same faults, on one time axis."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter
from msgspec import Struct

from harness.report.charts import canvas

_LINES = ("-", "--", "-.", ":")


class Line(Struct, frozen=True):
    """One subject's figure over time: the mean over its trials, and their range."""

    subject: str
    at_s: tuple[float, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


class Panel(Struct, frozen=True):
    """One plot of the picture."""

    what: str
    """The figure and its unit."""
    lines: tuple[Line, ...]
    logarithmic: bool = False
    most: float | None = None
    """Upper end of the axis, where the figure has one (a share)."""


class Shade(Struct, frozen=True):
    """When a fault lasted; an instant has no width."""

    start_s: float
    end_s: float


class Mark(Struct, frozen=True):
    """When a subject's failure was seen, or when it worked again: the median over its trials."""

    subject: str
    at_s: float
    recovered: bool


def course(panels: Sequence[Panel], *, shades: Sequence[Shade], marks: Sequence[Mark], subjects: Sequence[str]) -> str:
    """Draw the panels above each other; the first has the legend and the marks."""
    made, plots = canvas.figure(1.2 + 0.13 * len(subjects) + 1.6 * len(panels), len(panels))
    for number, (panel, axes) in enumerate(zip(panels, plots, strict=True)):
        _shade(axes, shades, named=number == 0)
        for line in panel.lines:
            _draw(axes, line, list(subjects))
        if panel.logarithmic:
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))
        else:
            axes.set_ylim(0, panel.most)
        axes.set_ylabel(panel.what)
        if number:
            axes.set_xlim(plots[0].get_xlim())
    for mark in marks:
        look = canvas.LOOKS[list(subjects).index(mark.subject) % len(canvas.LOOKS)]
        plots[0].plot(
            [mark.at_s], [1.02], transform=plots[0].get_xaxis_transform(), clip_on=False, linestyle="none",
            marker="^" if mark.recovered else "v", markersize=5, color=look["color"],
        )  # fmt: skip
    canvas.legend(plots[0])
    plots[-1].set_xlabel("time in the trial, s")
    return canvas.svg(made)


def _shade(axes: Axes, shades: Sequence[Shade], *, named: bool) -> None:
    for number, one in enumerate(shades):
        label = "fault" if named and not number else None
        if one.end_s > one.start_s:
            axes.axvspan(one.start_s, one.end_s, color=canvas.INK, alpha=0.12, linewidth=0, label=label)
        else:
            axes.axvline(one.start_s, color=canvas.INK, linewidth=1, linestyle=":", label=label)


def _draw(axes: Axes, line: Line, subjects: list[str]) -> None:
    number = subjects.index(line.subject)
    look = canvas.LOOKS[number % len(canvas.LOOKS)]
    axes.fill_between(line.at_s, line.low, line.high, color=look["color"], alpha=0.15, linewidth=0)
    axes.plot(
        line.at_s, line.mean, label=line.subject, linewidth=1.3, markersize=4, linestyle=_LINES[number % len(_LINES)],
        markevery=max(1, len(line.at_s) // 6), **look,
    )  # fmt: skip
