"""Verdicts from passages whose figures are known."""

from __future__ import annotations

import pytest
from msgspec import structs

from harness import outcomes
from harness.course import Alike, Beats, Least, Most, Never, Subject, Timeline
from harness.model import Void
from harness.passage import figure
from harness.report.drops import cell
from tests.support.passages import COURSE, passage

BROKEN = Void(check="fault applied", seen="refused", limit="acknowledged", sentence="the toxic was refused")
DROPS = ("rst", "eof", "5xx")


def _asked(rule, figure=None):
    return Timeline(name="known", course=COURSE, rule=rule, figure=figure)


def test_one_drop_refutes_and_none_in_enough_trials_supports():
    """A server that lost one request in eight shutdowns would be called graceful."""
    clean = [passage("a", number, drops={("careful quick", "during"): {}}) for number in range(8)]
    rule = Never("a", DROPS)
    assert outcomes.decide(_asked(rule), clean, "ours").verdict.verdict == "supported"
    assert outcomes.decide(_asked(rule), clean[:3], "ours").verdict.verdict == "inconclusive"
    dirty = [*clean[:7], passage("a", 7, drops={("careful quick", "during"): {"rst": 1}})]
    found = outcomes.decide(_asked(rule), dirty, "ours")
    assert found.verdict.verdict == "refuted"
    assert "1 of 400 requests were dropped (1 rst), in 1 of 8 trials" in found.verdict.sentence
    assert found.share == (1, 8)


def test_nothing_is_avoided_where_the_twin_loses_nothing_either():
    """A practice would be praised for a fault that never struck."""
    clean = [passage(name, n, drops={("x", "over"): {}}) for n in range(6) for name in ("a", "b")]
    struck = [passage("b", n, drops={("x", "over"): {"5xx": 1}}) for n in range(6)]
    asked = _asked(Never("a", ("5xx",), twin="b"))
    found = outcomes.decide(asked, clean, "ours").verdict
    assert found.verdict == "inconclusive"
    assert "b dropped none either" in (found.reason or "")
    assert outcomes.decide(asked, [*clean[::2], *struck], "ours").verdict.verdict == "supported"


def test_a_rule_sees_only_the_drops_that_it_asks_for():
    """Refused connections after a shutdown would be taken for lost requests."""
    seen = [passage("a", n, drops={("naive quick", "during"): {"refused": 9}, ("careful slow", "before"): {"eof": 1}})
            for n in range(8)]  # fmt: skip
    after = Never("a", ("rst", "eof"), moments=("during", "over"))
    naive = Never("a", ("refused",), names="naive")
    assert outcomes.decide(_asked(after), seen, "ours").verdict.verdict == "supported"
    assert outcomes.decide(_asked(naive), seen, "ours").verdict.verdict == "refuted"
    nobody = Never("a", DROPS, names="none such")
    assert outcomes.decide(_asked(nobody), seen, "ours").verdict.verdict == "untested"


def test_amplification_of_three_retries_is_four():
    """The figure that everybody quotes of retries would be wrong."""
    seen = [passage("a", number, attempts=(400, 380)) for number in range(5)]
    assert figure(seen[0], "amplification_sent") == 4.0
    assert figure(seen[0], "amplification_arrived") == 3.8
    most = _asked(Most("a", 1.2), "amplification_sent")
    assert outcomes.decide(most, seen, "ours").verdict.verdict == "refuted"
    assert outcomes.decide(_asked(Most("a", 4.5), "amplification_sent"), seen, "ours").verdict.verdict == "supported"


def test_shares_that_all_came_out_alike_are_not_known_exactly():
    """Four trials without a failure would claim to know the goodput to the last digit."""
    seen = [passage("a", number, goodput={"before": 1.0}) for number in range(4)]
    found = outcomes.interval(seen, "goodput_before", 0.99)
    assert found is not None
    assert found.high == 1.0
    assert found.low == pytest.approx(0.0050 ** (1 / 400), abs=1e-6)


@pytest.mark.parametrize(
    ("ours", "theirs", "word"), [(0.9, 0.5, "supported"), (0.5, 0.5, "refuted"), (0.5, 0.9, "refuted")]
)
def test_better_means_better_than_each_by_the_margin(ours, theirs, word):
    """A policy that is no better than doing nothing would be recommended."""
    seen = []
    for number in range(6):
        jitter = 0.01 * (number % 3)
        seen += [passage("a", number, goodput={"before": 1, "during": ours + jitter}),
                 passage("b", number, goodput={"before": 1, "during": theirs + jitter / 2})]  # fmt: skip
    asked = _asked(Beats("a", ("b",), 0.05), "goodput_during")
    assert outcomes.decide(asked, seen, "ours").verdict.verdict == word


def test_a_bound_that_the_interval_crosses_decides_nothing():
    """Chance would be sold as a verdict."""
    seen = [passage("a", n, goodput={"before": share}) for n, share in enumerate((0.7, 0.95, 0.8, 1.0))]
    assert outcomes.decide(_asked(Least("a", 0.85), "goodput_before"), seen, "ours").verdict.verdict == "inconclusive"


def test_alike_is_shown_and_not_presumed():
    """Two signals would be called the same because nobody looked closely."""
    seen = [passage(subject, number, goodput={"before": 0.9 + 0.01 * (number % 2)})
            for number in range(6) for subject in ("a", "b")]  # fmt: skip
    asked = _asked(Alike("a", "b", 0.02), "goodput_before")
    assert outcomes.decide(asked, seen, "ours").verdict.verdict == "supported"
    assert outcomes.decide(asked, seen[:4], "ours").verdict.verdict == "inconclusive"


def test_the_cost_of_the_proxy_is_told_from_rounds_that_have_both():
    """The instrument's own delay would be charged to the service."""
    course = structs.replace(COURSE, subjects=(Subject("a", "uvicorn"), Subject("b", "uvicorn", direct=True)))
    seen = []
    for number in range(5):
        for subject, p50 in (("a", 1.5 + 0.01 * number), ("b", 1.0)):
            one = passage(subject, number)
            seen.append(structs.replace(one, phases=(structs.replace(one.phases[0], p50_ms=p50),)))
    assert "adds 0.52 ms (0.5 ms to 0.54 ms)" in outcomes.proxy_cost(course, seen)
    assert outcomes.proxy_cost(COURSE, seen) is None


def test_void_trials_decide_nothing_and_say_why():
    """A fault that was never applied would be survived by everybody."""
    seen = [passage("a", number, voids=(BROKEN,), drops={("x", "during"): {}}) for number in range(8)]
    found = outcomes.decide(_asked(Never("a", DROPS)), seen, "ours")
    assert found.verdict.verdict == "untested"
    assert "the toxic was refused" in (found.verdict.reason or "")


def test_a_cell_that_flips_between_none_and_some_is_marked():
    """A matrix of one run would contradict the next one."""
    seen = [passage("a", n, drops={("naive quick", "during"): {"eof": n % 2}}) for n in range(4)]
    seen = [one if n % 2 else passage("a", n, drops={("naive quick", "during"): {}}) for n, one in enumerate(seen)]
    assert cell(seen, lambda group: group.name == "naive quick") == "2 eof of 200; unstable: in 2 of 4 trials"
    assert cell(seen[::2], lambda group: group.moment == "during") == "0 of 100"
    refused = [passage("a", drops={("naive quick", "during"): {"refused": 3}})]
    assert cell(refused, lambda _: True) == "0 of 50; 3 refused"
    assert cell(seen, lambda _: False) == "—"
