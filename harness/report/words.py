"""How figures are written: enough digits, the unit beside them, a dash where there is nothing."""

from __future__ import annotations

from typing import Any

MISSING = "—"
"""A missing value is shown as missing, never as zero."""

METRICS = {
    "cpu_us_per_request": "CPU per request",
    "latency_p50_ms": "median latency",
    "latency_p95_ms": "95th percentile of latency",
    "latency_p99_ms": "99th percentile of latency",
    "pss_bytes": "memory (PSS)",
}

_KIB = 1024
_LARGE = 1e6


def metric(name: str) -> str:
    """Return the spoken name of a metric."""
    return METRICS.get(name, name.replace("_", " "))


def number(value: Any, digits: int = 3) -> str:
    """Write a figure with ``digits`` significant digits, and integers in full."""
    if value is None or isinstance(value, str):
        return value or MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if abs(value) >= 10**digits:
        return f"{value:,.0f}" if abs(value) < _LARGE else f"{value:.{digits}g}"
    return f"{value:.{digits}g}"


def ratio(value: float | None) -> str:
    """Write a ratio with three decimals: a thousandth is what a good session resolves."""
    return MISSING if value is None else f"{value:.3f}"


def interval(low: float | None, high: float | None) -> str:
    """Write an interval of ratios."""
    return MISSING if low is None or high is None else f"{low:.3f} to {high:.3f}"


LABEL_MAX = 34
"""Characters of an arm's name in a legend: two of them leave a chart its room on a telephone."""


def told_apart(first: str, second: str) -> tuple[str, str]:
    """Write two targets by their servers and by the options in which they differ; a long rest is cut."""
    parts = [spec.split(",") for spec in (first, second)]
    common = set(parts[0][1:]) & set(parts[1][1:])
    if max(len(first), len(second)) <= LABEL_MAX:
        common = set()
    names = [",".join([spec[0], *(part for part in spec[1:] if part not in common)]) for spec in parts]
    cut = [name if len(name) <= LABEL_MAX else f"{name[: LABEL_MAX - 1]}…" for name in names]
    if cut[0] == cut[1] and names[0] != names[1]:
        cut = [f"…{name[-LABEL_MAX + 1 :]}" for name in names]
    return cut[0], cut[1]


def percent(share: float | None, digits: int = 1) -> str:
    """Write a share as per cent."""
    return MISSING if share is None else f"{100 * share:.{digits}f} %"


def milliseconds(value: float | None) -> str:
    """Write a time in milliseconds without its unit; the table's header has it."""
    return MISSING if value is None else (f"{value:,.0f}" if value >= 100 else f"{value:#.3g}")  # noqa: PLR2004  (three digits)


def size(count: float | None) -> str:
    """Write bytes in the binary unit that reads best."""
    if count is None:
        return MISSING
    value, units = float(count), ["B", "KiB", "MiB", "GiB", "TiB"]
    while abs(value) >= _KIB and len(units) > 1:
        value, units = value / _KIB, units[1:]
    return f"{value:.4g} {units[0]}"


def load(rate_rps: float | None, users: int | None) -> str:
    """Say what the load was, of each arm."""
    if rate_rps is not None:
        return f"{number(rate_rps, 4)}/s per arm"
    if users is not None:
        return f"{users} users per arm"
    return MISSING


def plural(count: int, noun: str) -> str:
    """Write a count with its noun."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
