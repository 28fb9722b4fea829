"""Exact figures of probes: bytes and packages are counted, and need no interval."""

from __future__ import annotations

import pytest

from harness import probes
from harness.claims.claim import Counted, Probe, Zero

LINES = [
    {"subject": "one", "mb": 60.0},
    {"subject": "other", "mb": 80.0},
]


def probe(low: float, high: float, reference: str | None = "other") -> Probe:
    """A condition on the size of the one."""
    rule = Counted(subject="one", reference=reference, low=low, high=high)
    return Probe(name="size", module="none", rule=rule, value="mb", where={}, spoken="size", unit="MB")


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ((0.0, 0.99), "supported"),
        ((0.8, 1.2), "refuted"),
        ((50.0, 70.0, None), "supported"),
        ((0.0, 50.0, None), "refuted"),
    ],
)
def test_a_figure_inside_its_bounds_supports_and_one_outside_refutes(asked, word):
    """The sizes of images would be decided the wrong way round."""
    verdict = probes.decide(probe(*asked), LINES, "ours").verdict
    assert verdict.verdict == word
    assert "60" in verdict.sentence


def test_builds_that_differ_across_the_bound_decide_nothing():
    """An image that is now smaller and now larger would get a firm verdict."""
    verdict = probes.decide(probe(0.0, 0.99), [*LINES, {"subject": "one", "mb": 90.0}], "ours").verdict
    assert verdict.verdict == "inconclusive"


def test_a_missing_subject_is_untested_and_a_stand_in_is_named():
    """A figure of a stand-in would pass for one of the original image."""
    assert probes.decide(probe(0.0, 0.99), LINES[:1], "ours").verdict.verdict == "untested"
    lines = [{**line, "base": "a stand-in of python"} for line in LINES]
    assert "Built on a stand-in of python." in probes.decide(probe(0.0, 0.99), lines, "ours").verdict.sentence


def test_a_twin_vouches_for_its_own_subject_alone():
    """One server whose twin loses nothing would leave the verdicts on all the others open."""
    lines = [
        *({"subject": name, "struck": 0, "cases": 1} for name in ("one", "other") for _ in range(4)),
        {"subject": "one, broken", "struck": 1, "cases": 1, "twin": True, "of": "one"},
        {"subject": "other, broken", "struck": 0, "cases": 1, "twin": True, "of": "other"},
    ]

    def verdict(subject):
        probe = Probe(name=subject, module="m", rule=Zero("rolls"), value="struck", where={"subject": subject})
        return probes.decide(probe, lines, "ours").verdict.verdict

    assert verdict("one") == "supported"
    assert verdict("other") == "inconclusive"
