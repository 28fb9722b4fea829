"""The rules: what estimates mean, in words."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import rules
from harness.families import over_conditions, over_parts
from harness.model import Estimate, Verdict

CPU = "cpu_us_per_request"
RATIO = st.floats(0.3, 3.0)


def estimate(low, value, high, n=12, condition="", metric=CPU, unit="ratio"):
    """Estimate whose 99 % interval is given; the one at 95 % is a quarter narrower on the log scale."""
    return Estimate(
        metric=metric,
        unit=unit,
        value=value,
        low=value * (low / value) ** 0.75,
        high=value * (high / value) ** 0.75,
        n=n,
        verdict_low=low,
        verdict_high=high,
        condition=condition,
    )


def around(value, half):
    """Estimate whose 99 % interval has this half width on the log scale."""
    return estimate(value * math.exp(-half), value, value * math.exp(half))


@pytest.mark.parametrize(
    ("interval", "word", "said"),
    [
        ((1.06, 1.083, 1.11), "dearer", "granian needs 8.3 % more CPU per request than uvicorn"),
        ((0.93, 0.95, 0.97), "cheaper", "granian needs 5 % less CPU per request than uvicorn"),
        ((0.995, 1.002, 1.009), "no difference", "beyond ±1 % (a margin that is ours)"),
        ((1.001, 1.004, 1.008), "no difference", "1.004 (99 % interval 1.001 to 1.008, 12 blocks)"),
        ((1.002, 1.01, 1.02), "dearer", "12 blocks"),
        ((0.97, 1.01, 1.05), "inconclusive", "blocks"),
    ],
)
def test_duel_words_and_sentences(interval, word, said):
    """The one word of a duel decides whether somebody migrates a service."""
    verdict = rules.duel(estimate(*interval), 0.01, "uvicorn", "granian", CPU)
    assert verdict.verdict == word
    assert said in verdict.sentence
    assert (verdict.reason is None) == (word != "inconclusive")


def test_a_decided_duel_shows_its_interval_at_95_percent():
    """A sentence without its uncertainty would be quoted as exact."""
    sentence = rules.duel(estimate(1.06, 1.083, 1.11), 0.01, "A", "B", CPU).sentence
    assert "95 % interval +6.6 % to +10 %" in sentence
    latency = rules.duel(estimate(0.8, 0.9, 0.95), 0.01, "A", "B", "latency_p50_ms").sentence
    assert "B has a 10 % lower median latency than A" in latency


def test_an_open_duel_says_what_would_decide_it():
    """A bare "inconclusive" leaves the reader with no next step."""
    verdict = rules.duel(estimate(0.98, 1.01, 1.041, n=10), 0.01, "A", "B", CPU, note="Grains differ.")
    assert "About 93 blocks (9.3 times as many) would decide it if the figure stays." in verdict.sentence
    assert verdict.sentence.endswith("Grains differ.")
    border = rules.duel(estimate(0.4, 1.005, 2.5), 0.01, "A", "B", CPU)
    assert "no reasonable budget" in border.sentence


@given(RATIO, st.floats(1e-4, 1.0), st.floats(0.002, 0.1))
def test_swapping_the_arms_swaps_the_words(value, half, margin):
    """`duel A B` and `duel B A` would contradict each other."""
    swapped = {"cheaper": "dearer", "dearer": "cheaper"}
    forth = rules.duel(around(value, half), margin, "A", "B", CPU).verdict
    back = rules.duel(around(1 / value, half), margin, "B", "A", CPU).verdict
    assert back == swapped.get(forth, forth) or abs(abs(math.log(value)) - half) < 1e-9


@given(RATIO, st.floats(1e-4, 0.5), st.floats(1e-4, 0.5))
def test_a_wider_interval_never_decides_more(value, half, more):
    """Worse data would yield firmer verdicts."""
    wide = rules.duel(around(value, half + more), 0.01, "A", "B", CPU).verdict
    narrow = rules.duel(around(value, half), 0.01, "A", "B", CPU).verdict
    assert wide in {"inconclusive", narrow} or narrow == "no difference"


def test_without_an_interval_nothing_is_decided():
    """A single block would pass for a result."""
    bare = Estimate(metric=CPU, unit="ratio", value=0.5, low=None, high=None, n=1)
    for verdict in (
        rules.duel(bare, 0.01, "A", "B", CPU),
        rules.faster(bare, "A", "B", CPU, threshold=0, margin=0.01),
        rules.equivalent([bare], 0.01, "A", "B", CPU),
        rules.within(bare, 1, 2, "x"),
    ):
        assert verdict.verdict == "inconclusive"
        assert verdict.sentence.startswith("1 block gives no interval")


@pytest.mark.parametrize(
    ("interval", "threshold", "word", "said"),
    [
        ((0.995, 1.0, 1.005), 0.2, "no difference", "beyond ±1 %"),
        ((0.6, 0.65, 0.7), 0.2, "supported", "better by more than 20 % (a threshold that is the standard's)"),
        ((0.9, 0.92, 0.94), 0.2, "refuted", "better by 6.4 % to 11 %, less than 20 %"),
        ((1.1, 1.2, 1.3), 0.2, "refuted", "worse, not better"),
        ((0.97, 1.0, 1.03), 0.2, "refuted", "better by 3.1 % at most, less than 20 %"),
        ((0.8, 0.83, 0.86), 0.2, "inconclusive", "does not decide whether it is better by more than 20 %"),
        ((0.9, 0.93, 0.96), 0.0, "supported", "so it is better"),
        ((1.02, 1.05, 1.08), 0.0, "refuted", "worse"),
        ((0.97, 1.0, 1.03), 0.0, "inconclusive", "does not decide whether it is better"),
    ],
)
def test_directional_claims(interval, threshold, word, said):
    """A claim of 20 %, measured as 6 %, would be hidden or sold as support."""
    verdict = rules.faster(
        estimate(*interval),
        "A",
        "B",
        CPU,
        threshold=threshold,
        margin=0.01,
        threshold_origin="the standard's",
    )
    assert verdict.verdict == word
    assert said in verdict.sentence


@given(RATIO, st.floats(1e-3, 0.5), st.floats(0, 0.5))
def test_direction_of_the_metric_mirrors_the_claim(value, half, threshold):
    """Throughput and cost of the same run would give opposite verdicts."""
    cost = rules.faster(around(value, half), "A", "B", "cost", threshold=threshold, margin=0.01)
    rate = rules.faster(
        around(1 / value, half), "A", "B", "rate", threshold=threshold, margin=0.01, lower_is_better=False
    )
    assert cost.verdict == rate.verdict or half < 1e-9


def test_equivalence_needs_every_condition_and_one_outside_refutes():
    """A claim of equality would be supported by the average of two opposite differences."""
    alike, apart = estimate(0.99, 1.0, 1.01, condition="1 KB"), estimate(1.08, 1.1, 1.12, condition="64 KB")
    unclear = estimate(0.9, 1.0, 1.1, condition="8 KB")
    judge = lambda *e: rules.equivalent(e, 0.03, "A", "B", CPU)  # noqa: E731  (shorter than three calls)
    assert judge(alike, alike).verdict == "supported"
    refuted = judge(alike, apart)
    assert refuted.verdict == "refuted"
    assert "at 64 KB" in refuted.sentence
    assert "±3 % (a margin that is ours)" in refuted.sentence
    assert judge(alike, unclear).verdict == "inconclusive"
    assert judge().verdict == "untested"


def test_one_stray_estimate_of_many_does_not_refute():
    """With twenty conditions one strays past a 99 % interval every fifth session."""
    alike, stray = estimate(0.995, 1.0, 1.005), estimate(1.031, 1.1, 1.17)
    assert rules.equivalent([stray], 0.03, "A", "B", CPU).verdict == "refuted"
    assert rules.equivalent([stray, *[alike] * 19], 0.03, "A", "B", CPU).verdict == "inconclusive"


@pytest.mark.parametrize(
    ("interval", "word", "said"),
    [
        ((2.5, 3, 3.5), "supported", "inside 2 to 5"),
        ((1.2, 1.5, 1.9), "refuted", "below 2 to 5"),
        ((5.5, 6, 7), "refuted", "above 2 to 5"),
        ((1.8, 2.2, 2.6), "inconclusive", "blocks"),
        ((-1, 2.2, 2.6), "inconclusive", "More blocks would narrow it"),
    ],
)
def test_within_bounds(interval, word, said):
    """A claim of 2–5 times must fall to 1.5 times as well as to 6 times."""
    low, value, high = interval
    figure = Estimate(
        metric="x", unit="ratio", value=value, low=low, high=high, n=9, verdict_low=low, verdict_high=high
    )
    verdict = rules.within(figure, 2, 5, "msgspec ÷ Pydantic", origin="the standard's")
    assert verdict.verdict == word
    assert said in verdict.sentence
    assert "the standard's" in verdict.sentence


def test_zero_prints_its_bound_and_needs_its_twin():
    """None lost in ten restarts would be read as never."""
    supported = rules.zero(0, 60, "signals", twin_caught=True, event="lost requests")
    assert supported.verdict == "supported"
    assert "at most 5 % of them do (3 ÷ 60, at 95 %)" in supported.sentence
    assert rules.zero(0, 60, "signals", twin_caught=False).verdict == "inconclusive"
    assert rules.zero(0, 3, "walks", twin_caught=True).verdict == "inconclusive"
    assert rules.zero(2, 60, "crashes", twin_caught=True).verdict == "refuted"
    assert "no twin" in rules.zero(0, 60, "signals", twin_caught=None).sentence


def said(word, sentence="It is so."):
    """Verdict of one condition."""
    return Verdict(word, sentence, "why" if word in {"untested", "inconclusive"} else None)


@pytest.mark.parametrize(
    ("words", "p", "joint"),
    [
        (["supported", "supported"], None, "supported"),
        (["supported", "refuted"], 0.001, "conditional"),
        (["supported", "no difference"], 0.001, "conditional"),
        (["supported", "refuted"], 0.02, "inconclusive"),
        (["cheaper", "dearer"], None, "inconclusive"),
        (["cheaper", "dearer"], 0.0001, "conditional"),
        (["supported", "inconclusive"], 0.001, "inconclusive"),
        (["refuted", "no difference"], None, "refuted"),
        (["untested", "supported"], None, "supported"),
        (["conditional", "supported"], None, "conditional"),
        (["untested", "untested"], None, "untested"),
        (["inconclusive", "inconclusive"], 0.001, "inconclusive"),
    ],
)
def test_one_verdict_over_conditions(words, p, joint):
    """A claim that fails somewhere would be called supported, and a true dependence be averaged away."""
    verdict = over_conditions({f"c{i}": said(word) for i, word in enumerate(words)}, p)
    assert verdict.verdict == joint
    if joint == "untested":
        assert verdict.reason == "why"
    elif "untested" in words:
        assert "Untested in 1 (c0)." in verdict.sentence


def test_holm_takes_back_what_the_family_does_not_carry():
    """The luckiest of ten conditions would make a claim conditional."""
    verdicts = {f"c{i}": said("inconclusive") for i in range(9)} | {"lucky": said("supported")}
    p_values = dict.fromkeys(verdicts, 0.5) | {"lucky": 0.004}
    verdict = over_conditions(verdicts, 0.001, p_values)
    assert verdict.verdict == "inconclusive"
    assert "Not carried once all conditions count" in verdict.sentence
    firm = over_conditions({"a": said("supported"), "b": said("refuted")}, 0.001, {"a": 1e-4, "b": 1e-5})
    assert firm.verdict == "conditional"


@pytest.mark.parametrize(
    ("words", "joint"),
    [
        (["supported", "supported"], "supported"),
        (["supported", "refuted"], "refuted"),
        (["supported", "no difference"], "refuted"),
        (["supported", "inconclusive"], "inconclusive"),
        (["inconclusive", "refuted"], "refuted"),
        (["supported", "untested"], "supported"),
        (["refuted", "refuted"], "refuted"),
    ],
)
def test_a_claim_of_parts_holds_where_all_of_them_do(words, joint):
    """A statement of which half is false would be called undecided, or true."""
    verdict = over_parts({f"c{i}": said(word) for i, word in enumerate(words)})
    assert verdict.verdict == joint


@pytest.mark.parametrize(
    ("spans", "word"),
    [
        ([(0.9, 0.8, 1.0)], "supported"),
        ([(0.5, 0.4, 0.6)], "supported"),
        ([(1.2, 1.15, 1.3)], "refuted"),
        ([(1.0, 0.9, 1.05), (1.2, 1.15, 1.3)], "refuted"),
        ([(1.08, 1.0, 1.2)], "inconclusive"),
    ],
)
def test_at_most_so_much_more_is_asked_of_one_side_only(spans, word):
    """An arm that saves a third would be refuted for not being alike."""
    estimates = [
        Estimate("cpu_us_per_request", "ratio", value, low, high, 8, verdict_low=low, verdict_high=high)
        for value, low, high in spans
    ]
    assert rules.at_most(estimates, 0.10, "A", "B", "cpu_us_per_request").verdict == word


def test_untested_gives_its_reason():
    """A row without a verdict and without a reason looks like a defect."""
    verdict = rules.untested("it needs 4 cores and this machine has 2")
    assert verdict.verdict == "untested"
    assert "4 cores" in verdict.sentence
    assert verdict.reason == "it needs 4 cores and this machine has 2"
