"""Latency by percentile on an axis of nines, as far into the tail as the samples allow."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from harness.report.charts import canvas
from harness.stats.quantiles import BEYOND_TO_PRINT, quantiles

_STEPS_PER_NINE = 16
_FIRST = 0.1
"""The fastest tenth says more about the client than about the server."""
_MARKED = (0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999)


def latency(samples: Mapping[str, npt.NDArray[np.int64]], labels: Mapping[str, str]) -> str | None:
    """Draw the percentiles of both arms in milliseconds; None where no arm has enough samples.

    ``samples`` are nanoseconds by role; a curve ends where fewer than ten samples lie beyond.
    """
    curves = {role: curve for role, values in samples.items() if (curve := _curve(values)) is not None}
    if not curves:
        return None
    made, (axes,) = canvas.figure(3.3)
    for role, (shares, values_ms) in curves.items():
        label = f"{labels.get(role, role)}, n = {len(samples[role]):,}"
        axes.plot([_nines(q) for q in shares], values_ms, label=label, markevery=_STEPS_PER_NINE // 2,
                  markersize=4, **canvas.STYLES[role])  # fmt: skip
    deepest = max(shares[-1] for shares, _ in curves.values())
    marked = [q for q in _MARKED if q <= deepest]
    axes.xaxis.set_major_locator(FixedLocator([_nines(q) for q in marked]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"p{100 * (1 - 10**-x):.6g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlim(_nines(_FIRST), _nines(deepest) * 1.02)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))
    low, high = axes.get_ylim()
    if high / low < 100:  # noqa: PLR2004  (within two decades the major ticks alone are too few)
        axes.yaxis.set_minor_formatter(FuncFormatter(_some_minor))
        axes.tick_params(axis="y", which="minor", labelsize=9)
    else:
        axes.yaxis.set_minor_formatter(FuncFormatter(lambda *_: ""))
    axes.set_xlabel("share of requests answered within (log scale of nines)")
    axes.set_ylabel("latency, ms (log scale)")
    canvas.legend(axes, columns=1)
    return canvas.svg(made)


def _some_minor(value: float, _: object) -> str:
    """Label 2, 3 and 5 of each decade: all nine would run into each other."""
    lead = value / 10 ** math.floor(math.log10(value))
    return f"{value:g}" if round(lead) in {2, 3, 5} else ""


def _nines(q: float) -> float:
    return -math.log10(1 - q)


def _curve(values: npt.NDArray[np.int64]) -> tuple[list[float], list[float]] | None:
    if len(values) < 2 * BEYOND_TO_PRINT:
        return None
    deepest = _nines(1 - BEYOND_TO_PRINT / len(values))
    # A hair short of the limit: rounding must not leave nine samples beyond.
    steps = max(2, round(deepest * _STEPS_PER_NINE))
    first = _nines(_FIRST)
    far = [first + (deepest * 0.9999 - first) * step / steps for step in range(steps + 1)]
    shares = [1 - 10**-x for x in far]
    found = quantiles(values, shares)
    # A log axis has no zero; below a microsecond the clock says nothing anyway.
    return shares, [max(value or 0, 1_000) / 1e6 for value in found]
