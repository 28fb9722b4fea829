"""How the rules put figures into words: percentages, ratios with their interval, what would decide."""

from __future__ import annotations

import math

from msgspec import Struct

from harness.model import Estimate

HOPELESS = 100
"""More than a hundred times the blocks is no advice but a way of saying no."""


class Span(Struct, frozen=True):
    """A figure and its interval, all three known; most are ratios."""

    value: float
    low: float
    high: float

    def inverted(self) -> Span:
        """Return the same interval of the inverse ratio."""
        return Span(1 / self.value, 1 / self.high, math.inf if self.low <= 0 else 1 / self.low)

    def within_margin(self, margin: float) -> bool:
        """Whether the interval lies between 1 ÷ (1 + margin) and 1 + margin."""
        return 1 / (1 + margin) < self.low and self.high < 1 + margin

    def beyond_margin(self, margin: float) -> bool:
        """Whether the interval lies wholly outside the margin."""
        return self.high < 1 / (1 + margin) or self.low > 1 + margin


def verdict_span(estimate: Estimate) -> Span | None:
    """Return the interval at 99 %, which verdicts use, or None where a figure is missing."""
    if estimate.value is None or estimate.verdict_low is None or estimate.verdict_high is None:
        return None
    return Span(estimate.value, estimate.verdict_low, estimate.verdict_high)


def shown_span(estimate: Estimate, decided: Span) -> Span:
    """Return the interval at 95 %, or the one that decided where only that is known."""
    if estimate.low is None or estimate.high is None:
        return decided
    return Span(decided.value, estimate.low, estimate.high)


def spoken(metric: str) -> str:
    """Name of a metric as it is said aloud."""
    known = {
        "cpu_us_per_request": "CPU per request",
        "pss_bytes": "memory (PSS)",
        "latency_p50_ms": "median latency",
        "latency_p95_ms": "95th percentile of latency",
        "latency_p99_ms": "99th percentile of latency",
        "latency_max_ms": "longest latency",
    }
    return known.get(metric, metric.replace("_", " "))


def what_decides(n: int, span: Span, need: float) -> str:
    """How many blocks would decide, if the figure stays: half widths shrink with the root of n.

    `need` is the half width, as a log, at which the figure would be decided.
    """
    if span.low <= 0 or span.value <= 0:
        return "More blocks would narrow it."
    half = max(math.log(span.high / span.value), math.log(span.value / span.low))
    if need <= 0 or half > need * math.sqrt(HOPELESS):
        return "It lies so near a border that no reasonable budget decides it."
    blocks = max(n + 1, math.ceil(n * (half / need) ** 2))
    return f"About {blocks} blocks ({blocks / n:.2g} times as many) would decide it if the figure stays."


def counted(n: int) -> str:
    """Blocks with their number: "1 block", "24 blocks"."""
    return "1 block" if n == 1 else f"{n} blocks"


def at_condition(estimate: Estimate) -> str:
    """Where the estimate was taken, as the end of a clause; empty where it is not said."""
    return f" at {estimate.condition}" if estimate.condition else ""


def figure(estimate: Estimate, digits: int = 4) -> str:
    """Figure with its unit and interval: "1.002 (99 % interval 0.996 to 1.008, 24 blocks)"."""
    unit = f" {estimate.unit}" if estimate.unit and estimate.unit != "ratio" else ""
    return (
        f"{estimate.value:.{digits}g}{unit} (99 % interval {estimate.verdict_low:.{digits}g} to "
        f"{estimate.verdict_high:.{digits}g}, {counted(estimate.n)})"
    )


def rounded(value: float) -> str:
    """Render a large figure to three digits, as people write it: 28,700."""
    return f"{float(f'{value:.3g}'):,.10g}"


def percent(fraction: float) -> str:
    """Render a fraction as a percentage with two figures where they matter: 0.04 %, 8.3 %, 3 %, 42 %."""
    value = fraction * 100
    if abs(value) >= 10:  # noqa: PLR2004  (above ten, decimals suggest a precision that is not there)
        return f"{value:.0f} %"
    return f"{value:.2g} %"


def signed(fraction: float) -> str:
    """Render a change with its sign: +8.3 %, −0.4 %."""
    return ("+" if fraction > 0 else "−") + percent(abs(fraction))
