"""What one condition of a claim came to: its verdict, and the figures that it rests on."""

from __future__ import annotations

from msgspec import Struct

from harness.model import Estimate, Interval, Verdict


class Decided(Struct, frozen=True):
    """The verdict of one condition, the ratio that it rests on where there is one, and its logs."""

    verdict: Verdict
    estimate: Estimate | None = None
    logs: tuple[float, ...] = ()
    """One log-ratio per block or repeat, for the test of an interaction."""
    share: tuple[int, int] | None = None
    """Crashes recovered from, and all of them, for the same test."""


def estimated(
    metric: str, unit: str, shown: Interval | None, decided: Interval | None, n: int, condition: str
) -> Estimate:
    """An estimate from its interval at 95 %, which is shown, and at 99 %, which decides."""
    return Estimate(
        metric=metric,
        unit=unit,
        value=shown.value if shown else None,
        low=shown.low if shown else None,
        high=shown.high if shown else None,
        n=n,
        verdict_low=decided.low if decided else None,
        verdict_high=decided.high if decided else None,
        condition=condition,
    )
