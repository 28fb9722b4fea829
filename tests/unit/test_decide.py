"""The test that a verdict rests on, and the controls that a claim needs."""

from __future__ import annotations

import math

import pytest
from msgspec import structs

from harness import decide
from harness.claims import find, load_claims
from harness.claims.claim import Duet, Equivalent, Faster, Within
from harness.crashes import Crash
from harness.model import Estimate, Load, Verdict

ERROR = 0.005
WIDTH = 2.5758293


def estimate(ratio, error=ERROR):
    """Give a ratio with the 99 % interval that its standard error implies."""
    half = math.exp(WIDTH * error)
    return Estimate(
        metric="cpu_us_per_request",
        unit="ratio",
        value=ratio,
        low=ratio / half,
        high=ratio * half,
        n=12,
        verdict_low=ratio / half,
        verdict_high=ratio * half,
    )


def duet(rule):
    """Give a duet under a rule."""
    load = Load(model="open")
    return Duet(name="x", baseline="a", candidate="b", paths=("/",), regime="open", load=load, rule=rule)


@pytest.mark.parametrize(
    ("rule", "word", "border"),
    [
        (Equivalent(margin=0.05), "supported", 1.05),
        (Equivalent(margin=0.05), "refuted", 1.05),
        (Faster(threshold=0.02, margin=0.02), "supported", 1 / 1.02),
        (Faster(threshold=0.02, margin=0.02), "refuted", 1 / 1.02),
        (Faster(threshold=0.02, margin=0.02), "no difference", 1 / 1.02),
        (Within(low=2.0, high=5.0), "supported", 1 / 2.0),
        (Within(low=2.0, high=5.0), "refuted", 1 / 2.0),
    ],
)
def test_p_is_one_hundredth_where_the_interval_touches_the_border(rule, word, border):
    """A claim that two arms are alike would be taken back because they are alike."""
    verdict = Verdict(verdict=word, sentence="")
    towards = {step: border * math.exp(step * WIDTH * ERROR) for step in (-1, 1)}
    seen = [decide._p(duet(rule), verdict, estimate(ratio)) for ratio in towards.values()]
    # On one side the verdict just holds, on the other it is wholly wrong.
    assert sorted(seen) == pytest.approx([0.01, 1.0], abs=1e-4)


def test_no_interval_has_no_p():
    """A condition without blocks would count as the firmest of the family."""
    nothing = structs.replace(estimate(1.0), verdict_low=None)
    assert decide._p(duet(Equivalent(margin=0.05)), Verdict(verdict="supported", sentence=""), nothing) is None


def crash(*, back):
    """Give a crash after which the workers came back, or not."""
    at = 0.5 if back else None
    return Crash(number=0, workers=2, full_again_s=at, answers_again_s=at, due=1, failed={}, ended=None)


@pytest.mark.parametrize(
    ("observed", "said"),
    [((crash(back=False),), None), ((crash(back=True),), "came out wrong"), ("it does not start", "does not start")],
)
def test_a_control_that_failed_or_is_missing_is_named(observed, said):
    """A user would trust a session whose control was never run, or came out otherwise than known."""
    [claim] = find(["3"], load_claims())
    [control] = [one for one in claim.conditions if one.control]
    seen = decide.Seen(blocks=(), lines={}, crashes={decide.key(claim, control): observed})
    failed = decide._controls_failed(claim, seen)
    assert failed is None if said is None else said in failed
