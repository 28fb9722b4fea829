"""CPU and memory of the arms over the time of one block, from the meters."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from harness.report.charts import canvas

_GAP_MIN_NS = 10_000_000
"""Two readings closer than a clock tick of most kernels divide noise by nothing."""
_MIB = 1 << 20


def timeline(meters: pd.DataFrame, labels: Mapping[str, str]) -> str | None:
    """Draw the CPU share of each arm, of the generator's work and of what stands behind the arms, and PSS if read.

    None where the meters hold too little to draw.
    """
    readings = meters[meters["role"] == "arm"]
    if readings["t_ns"].nunique() < 3:  # noqa: PLR2004  (two differences make the shortest line)
        return None
    zero = int(meters["t_ns"].min())
    memory = {role: _memory(readings, role) for role in canvas.STYLES}
    rows = 2 if any(len(series) for series in memory.values()) else 1
    made, axes = canvas.figure(1.3 + 1.7 * rows, rows)
    for role in canvas.STYLES:
        _line(axes[0], _cpu_share(_of(readings, role)), zero, role, labels.get(role, role))
    work = _cpu_share(meters[meters["role"] == "generator"], minus_spin=True)
    if len(work):
        axes[0].step(_seconds(work, zero), work, where="pre", color=canvas.NEUTRAL, linestyle=":",
                     linewidth=1.2, label="generator's work")  # fmt: skip
    behind = _cpu_share(meters[meters["role"] == "backend"])
    if len(behind):
        axes[0].step(_seconds(behind, zero), behind, where="pre", color=canvas.NEUTRAL, linestyle="-.",
                     linewidth=1.2, label="behind the arms")  # fmt: skip
    _from_zero(axes[0])
    axes[0].set_ylabel("CPU, share of a core")
    canvas.legend(axes[0])
    if rows > 1:
        for role, series in memory.items():
            _line(axes[1], series, zero, role, labels.get(role, role))
        _from_zero(axes[1])
        axes[1].set_xlim(axes[0].get_xlim())
        axes[1].set_ylabel("PSS of a server, MiB")
    axes[-1].set_xlabel("time in the block, s")
    return canvas.svg(made)


def _of(readings: pd.DataFrame, role: str) -> pd.DataFrame:
    return readings[readings["name"].str.startswith(role)]


def _cpu_share(readings: pd.DataFrame, *, minus_spin: bool = False) -> pd.Series[float]:
    """Return the share of a core between readings, summed over the processes."""
    parts: list[pd.Series[float]] = []
    for _, mine in readings.groupby("name", sort=True):
        ordered = mine.sort_values("t_ns")
        used = ordered["cpu_ns"].astype("Float64")
        if minus_spin:
            used = used - ordered["spin_ns"].astype("Float64")
        series = pd.Series(used.to_numpy(dtype=float, na_value=np.nan), index=ordered["t_ns"].astype("int64")).dropna()
        wide = np.diff(series.index.to_numpy(), prepend=-_GAP_MIN_NS) >= _GAP_MIN_NS
        series = series[wide]
        parts.append(series.diff() / np.diff(series.index.to_numpy(), prepend=np.nan))
    if not parts:
        return pd.Series(dtype=float)
    joined = pd.concat(parts)
    return joined.dropna().clip(lower=0).groupby(level=0).sum()


def _memory(readings: pd.DataFrame, role: str) -> pd.Series[float]:
    """Return PSS in MiB of one server of the arm: the mean of those that were read at the same time."""
    mine = _of(readings, role).dropna(subset=["pss_bytes"])
    one = mine.groupby("t_ns")["pss_bytes"].mean().astype(float) / _MIB
    return pd.Series(one, dtype=float)


def _seconds(series: pd.Series[float], zero: int) -> list[float]:
    return [(int(at) - zero) / 1e9 for at in series.index]


def _from_zero(axes: Axes) -> None:
    """Begin at zero, so that twice as high is twice as much, and leave air above the markers."""
    axes.set_ylim(0, 1.08 * max(axes.get_ylim()[1], 1e-9))


def _line(axes: Axes, series: pd.Series[float], zero: int, role: str, label: str) -> None:
    if len(series):
        style = canvas.STYLES[role]
        axes.plot(_seconds(series, zero), series, label=label, markevery=max(1, len(series) // 8),
                  markersize=4, linewidth=1.2, drawstyle="steps-pre", **style)  # fmt: skip
