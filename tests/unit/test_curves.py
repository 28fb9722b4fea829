"""What the blocks of a sweep decide: growth, one subject beside another, and too few blocks."""

from __future__ import annotations

import pytest

from harness import curves, swept
from harness.claims.claim import Beside, Cell, Grid, Grows, Sweep


def _block(number: int, growth: float) -> swept.SweepBlock:
    seen = tuple(
        swept.Seen(subject, at, 100, value, None, None, None, None, 0, None)
        for subject, at, value in (
            ("slow", 1, 1.0 + number / 1e3),
            ("slow", 100, growth + number / 1e3),
            ("even", 1, 1.0 + number / 1e3),
            ("even", 100, 1.0),
        )
    )
    return swept.SweepBlock(number, 1, "", seen, (), (), 1.0, pinned=True)


SHAPE = Grid("shape", "rows", tuple(Cell(s, at, "uvicorn", "/") for s in ("slow", "even") for at in (1, 100)))


@pytest.mark.parametrize(("growth", "word"), [(5.0, "supported"), (1.2, "refuted")])
def test_growth_decides_and_says_how_much(growth: float, word: str) -> None:
    """A verdict would not follow from its figures."""
    sweep = Sweep("s", SHAPE, "p50_ms", Grows("slow", 2.0))
    found = curves.decide(sweep, [_block(number, growth) for number in range(6)], "ours")
    assert found.verdict.verdict == word
    assert "6 blocks" in found.verdict.sentence


def test_one_subject_beside_another_is_judged_at_every_place() -> None:
    """A strategy that is dear at one end of the grid would pass for alike."""
    sweep = Sweep("s", SHAPE, "p50_ms", Beside("slow", ("even",), 0.1, at_most=True))
    found = curves.decide(sweep, [_block(number, 5.0) for number in range(6)], "ours")
    assert found.verdict.verdict == "refuted"
    assert "100 rows" in found.verdict.sentence
    near = Sweep("s", SHAPE, "p50_ms", Beside("slow", ("even",), 0.1, at_most=True, places=(1,)))
    assert curves.decide(near, [_block(number, 5.0) for number in range(6)], "ours").verdict.verdict == "supported"


def test_few_blocks_decide_nothing() -> None:
    """Two blocks would be published as a verdict."""
    sweep = Sweep("s", SHAPE, "p50_ms", Grows("slow", 2.0))
    assert curves.decide(sweep, [_block(1, 5.0)], "ours").verdict.verdict == "inconclusive"
    assert curves.decide(sweep, [], "ours").verdict.verdict == "untested"
