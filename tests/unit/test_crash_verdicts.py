"""From crashes to a verdict."""

from __future__ import annotations

import pytest

from harness import crashes
from harness.claims.claim import Recovers, Restart
from harness.model import Load


def timeline(*, supports=True, control=None, fault="kill-worker"):
    """Give a timeline that must recover within six seconds."""
    return Restart(
        name="as shipped",
        target="granian,workers=2",
        fault=fault,
        at_s=0.6,
        load=Load(model="open", rate_rps=100),
        paths=("/",),
        rule=Recovers(within_s=6.0, supports=supports),
        control=control,
    )


def crash(number=0, full_s=0.5, answers_s=0.4, ended=None):
    """Give a crash that lost two requests."""
    return crashes.Crash(
        number=number,
        workers=2,
        full_again_s=full_s,
        answers_again_s=answers_s,
        due=700,
        failed={"rst": 2},
        ended=ended,
    )


BACK, DEAD = crash(), crash(full_s=None, answers_s=None, ended=1)


@pytest.mark.parametrize(
    ("seen", "supports", "word"),
    [
        ([BACK] * 8, True, "supported"),
        ([BACK] * 8, False, "refuted"),
        ([DEAD] * 8, True, "refuted"),
        ([DEAD] * 8, False, "supported"),
        ([BACK] * 7 + [DEAD], True, "refuted"),
        ([BACK] * 7 + [DEAD], False, "inconclusive"),
        ([BACK] * 3, True, "inconclusive"),
        ([BACK], False, "refuted"),
    ],
)
def test_the_verdict_follows_from_how_often_it_recovered(seen, supports, word):
    """A user would be told that a server looks after its workers when it does so most of the time."""
    verdict = crashes.decide(timeline(supports=supports), seen)
    assert verdict.verdict == word
    if word == "inconclusive":
        assert verdict.reason


def test_the_sentence_says_how_often_how_fast_and_what_was_lost():
    """A user could not repeat the verdict aloud with its uncertainty."""
    said = crashes.decide(timeline(), [BACK, crash(full_s=0.9)] * 4).sentence
    assert "8 of 8 crashes" in said
    assert "median 0.70 s, longest 0.90 s" in said
    assert "16 of 5600 requests failed" in said
    assert "63% to 100%" in said
    assert "ended 4 times" in crashes.decide(timeline(), [DEAD] * 4).sentence


def test_a_restart_is_not_called_a_crash():
    """A user would read that a server crashed which only did what it was told."""
    rolled = timeline(fault="hang-up")
    assert "in 8 of 8 restarts" in crashes.decide(rolled, [BACK] * 8).sentence
    assert crashes.decide(rolled, [BACK]).reason == "only 1 restart"
    assert crashes.estimate(rolled, [BACK]).metric == "share of restarts recovered from"


@pytest.mark.parametrize(
    ("full_s", "answers_s", "recovered"),
    [(0.5, 0.4, 0.5), (0.5, 2.0, 2.0), (None, 0.0, None), (0.5, None, None), (6.1, 0.1, None), (6.0, 0.1, 6.0)],
)
def test_recovered_means_all_workers_and_answers_in_time(full_s, answers_s, recovered):
    """A user would take a server for recovered whose second worker never came back, or came too late."""
    assert crash(full_s=full_s, answers_s=answers_s).recovered_s(6.0) == recovered


@pytest.mark.parametrize(
    ("control", "seen", "held"),
    [
        ("must recover", [BACK, BACK], True),
        ("must recover", [BACK, DEAD], False),
        ("must not recover", [DEAD], True),
        ("must not recover", [BACK], False),
    ],
)
def test_a_control_must_come_out_as_known(control, seen, held):
    """A user would trust a session in which killing everything counted as a recovery."""
    assert crashes.control_held(timeline(control=control), seen) is held


def test_the_estimate_is_the_share_with_its_exact_interval():
    """A user could not compare two conditions, nor see how little eight crashes say."""
    found = crashes.estimate(timeline(), [BACK] * 8)
    assert (found.value, found.high, found.n, found.unit) == (1.0, 1.0, 8, "share")
    assert found.low == pytest.approx(0.025 ** (1 / 8))
