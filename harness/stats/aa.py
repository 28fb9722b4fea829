"""The A/A control of a session: two processes of the same arm must cost the same."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from harness.stats.intervals import mean_and_error, t_p_value

TRIP_P = 0.001
"""A session has several controls and a project thousands of sessions: at 5 % one would cry wolf daily."""


class AaControl(Struct, frozen=True):
    """Outcome of the control for one arm and grain."""

    n: int
    ratio: float | None
    """Second ÷ first process; None for fewer than two blocks."""
    p: float | None
    tripped: bool
    offset: float
    """Log by which this grain's interval is widened on both sides: 0 unless tripped."""
    sentence: str
    """Empty unless tripped."""


def aa_control(log_ratios: Sequence[float], inflation: float = 1.0) -> AaControl:
    """Test the A/A log-ratios of a session against zero; trips only at p < `TRIP_P`.

    Too few blocks never trip: they show nothing, which the caller may say.
    """
    n = len(log_ratios)
    summary, p = mean_and_error(log_ratios), t_p_value(log_ratios, inflation=inflation)
    if summary is None or p is None:
        return AaControl(n, None, None, tripped=False, offset=0.0, sentence="")
    mean = summary[0]
    if p >= TRIP_P:
        return AaControl(n, math.exp(mean), p, tripped=False, offset=0.0, sentence="")
    sentence = (
        f"Two processes of one and the same arm differed by {abs(math.expm1(mean)):.2%} (p = {p:.1g}, {n} "
        f"blocks), so the interval is that much wider on both sides."
    )
    return AaControl(n, math.exp(mean), p, tripped=True, offset=abs(mean), sentence=sentence)
