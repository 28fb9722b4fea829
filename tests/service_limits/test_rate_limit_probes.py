"""The probes of rate limits: known truths come out, the twin is caught, and the claim can be decided from them."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.claims import find
from harness.probes import decide
from targets.probes.limit_arithmetic import Rule
from targets.probes.spread import Answer
from targets.service.limiting import bucket, fixed, sliding
from targets.service.limiting.quota import SECOND_US, Quota
from targets.service.limiting.styles import STYLES
from tests.support import serving

FIXED, SLIDING, BUCKET = (Rule(kind, 4, 2) for kind in ("fixed", "sliding", "bucket"))


NEEDS_PACE = ("who waits for Retry-After", "who waits for nothing", "burst across an edge")
"""Conditions without a line where the machine is so busy that a client cannot be faster than its limit."""


def lines_of(valkey, module, *arguments):
    """Run a probe in its quick form."""
    done = subprocess.run(
        [sys.executable, "-m", f"targets.probes.{module}", "--quick", *arguments],
        cwd=serving.ROOT,
        env=serving.environment({"REDIS_URL": valkey.url}),
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def limits(valkey):
    """Give the lines of fixed windows."""
    return lines_of(valkey, "rate_limits", "--algorithms", "fixed")


@pytest.fixture(scope="module")
def costs(valkey):
    """Give the lines of what refusals cost."""
    return lines_of(valkey, "refusal_cost")


def chosen(lines, measure, **where):
    """Give the lines of one measure."""
    wanted = {"measure": measure, **where}
    return [line for line in lines if all(line[name] == value for name, value in wanted.items())]


def test_valkey_and_one_process_count_exactly_and_memory_behind_two_is_caught(limits):
    """Without this the probe would be blind to the one thing that a limit in each process does wrong."""
    for measure, value in (("burst", "miscounted"), ("walk", "misled")):
        honest = [*chosen(limits, measure, store="valkey"), *chosen(limits, measure, store="memory", processes=1)]
        assert [line[value] for line in honest] == [0, 0, 0]
        (twin,) = chosen(limits, measure, store="memory", processes=2)
        assert (twin["twin"], twin[value]) == (True, twin["cases"])
    (twin,) = chosen(limits, "burst", store="memory", processes=2)
    assert twin["admitted"] == 2 * twin["cases"] * 20
    assert twin["over_percent"] > 0


def test_obedience_pays_and_an_edge_admits_up_to_twice_the_limit(limits):
    """Without this nobody could tell a limit that binds from one that is not there."""
    shares = {habit: [] for habit in ("heeds Remaining", "heeds Retry-After", "heeds nothing")}
    for line in chosen(limits, "obedience"):
        shares[line["habit"]].append(line["share"])
    assert len(shares["heeds Remaining"]) == 4
    assert {*shares["heeds Remaining"], *shares["heeds Retry-After"]} == {1.0}
    assert all(share < 1.0 for share in shares["heeds nothing"])
    assert all(1.0 <= line["times_limit"] <= 2.0 for line in chosen(limits, "edge"))


def test_costs_are_of_requests_and_of_both_stores(costs):
    """Without this a refusal could be called cheap because nothing was measured."""
    seen = {(line["store"], line["subject"]): line["cpu_us"] for line in costs}
    assert len(seen) == 4
    assert len(costs) == 4 * 3
    assert min(seen.values()) > 0


def test_each_condition_of_the_claim_finds_its_lines(limits, costs):
    """Without this the claim would stay untested because a word was changed in its probes."""
    (claim,) = find(["27"])
    algorithms = ("fixed", "sliding", "bucket")
    # What one algorithm printed stands for all three here: conditions differ by its name alone.
    lines = [{**line, "algorithm": name} for line in limits for name in algorithms]
    modules = {"targets.probes.rate_limits": lines, "targets.probes.refusal_cost": costs}
    verdicts = {one.name: decide(one, modules[one.module], claim.origin).verdict for one in claim.conditions}
    assert len(verdicts) == 3 * (4 + 3 + 1) + 2
    untested = {name for name, verdict in verdicts.items() if verdict.verdict == "untested"}
    assert all(name.endswith(NEEDS_PACE) for name in untested)
    for name in ("fixed window", "sliding window", "token bucket"):
        assert verdicts[f"{name}, who waits for Reset when nothing remains"].verdict == "supported"
        assert verdicts[f"{name}, count in Valkey, 1 to 4 processes"].verdict == "supported"
        assert "a broken twin was caught" in verdicts[f"{name}, count in Valkey, 1 to 4 processes"].sentence
    # Its lines are those of a fixed window, which admits more across an edge.
    if any(line["times_limit"] == 2.0 for line in chosen(limits, "edge")):
        assert verdicts["sliding window, burst across an edge"].verdict != "supported"


@pytest.mark.parametrize(
    ("rule", "span", "most"),
    [
        (FIXED, (100.0, 101.9), 4),
        (FIXED, (101.9, 102.1), 8),
        (SLIDING, (101.9, 102.1), 4),
        (SLIDING, (100.1, 102.2), 8),
        (BUCKET, (100.0, 100.4), 4),
        (BUCKET, (100.0, 101.1), 6),
    ],
)
def test_the_arithmetic_knows_what_a_span_can_hold(rule, span, most):
    """Without this a slow machine would be taken for a limiter that counts wrongly."""
    assert rule.most(*span) == most


def answer(number, status=200, **changes):
    """Give the answer to the first, second … request of a client from 100.0 s on, as a fixed window of 2 s gives it."""
    sent_s = 100.0 + number / 100
    refused = status != 200
    said = {
        "limit": 4,
        "remaining": 0 if refused else 3 - number,
        "reset_s": 102,
        "retry_after_s": 2 if refused else None,
    }
    return Answer(status=status, sent_s=sent_s, end_s=sent_s + 0.005, **{**said, **changes})


@pytest.mark.parametrize(
    ("changes", "right"),
    [
        ({}, True),
        ({2: {"remaining": 2}}, False),
        ({2: {"limit": 5}}, False),
        ({2: {"reset_s": 100}}, False),
        ({2: {"reset_s": 104}}, False),
        ({1: {"retry_after_s": 1}}, False),
        ({2: {"status": 429}}, False),
        ({4: {"retry_after_s": None}}, False),
        ({4: {"retry_after_s": 3}}, False),
        ({4: {"status": 200, "remaining": 0, "retry_after_s": None}}, False),
    ],
)
def test_a_walk_is_judged_by_every_header(changes, right):
    """Without this a header could be wrong once in a while, and the claim call all of them true."""
    plain = [answer(number) for number in range(4)] + [answer(4, 429), answer(5, 429)]
    told = [one._replace(**changes.get(number, {})) for number, one in enumerate(plain)]
    assert FIXED.judged(told) is right


def test_what_comes_after_the_window_is_not_judged():
    """Without this the next window's honest answers would be called wrong."""
    later = answer(0)._replace(sent_s=102.01, end_s=102.02)
    assert FIXED.judged([answer(0), answer(1), later])


STEPS = {"fixed": fixed.step, "sliding": sliding.step, "bucket": bucket.step}


def heard(kind, waits):
    """Let one client ask an algorithm with these waits (µs); gives what it hears, a millisecond each way."""
    quota, held, now_us, answers = Quota(4, 2 * SECOND_US), None, 1_790_000_000 * SECOND_US, []
    for wait_us in waits:
        now_us += wait_us
        decision, held = STEPS[kind](quota, held, now_us)
        said = {name.decode(): int(value) for name, value in STYLES["standard"].fields(quota, decision)}
        limit, remaining, reset_s = (said[f"x-ratelimit-{name}"] for name in ("limit", "remaining", "reset"))
        status, retry_after_s = 200 if decision.allowed else 429, said.get("retry-after")
        sent_s, end_s = (now_us - 1000) / SECOND_US, (now_us + 1000) / SECOND_US
        answers.append(Answer(status, limit, remaining, reset_s, retry_after_s, sent_s, end_s))
    return answers


@pytest.mark.parametrize("kind", STEPS)
@given(waits=st.lists(st.integers(0, 400_000), min_size=1, max_size=12))
def test_each_algorithm_satisfies_the_arithmetic_by_which_it_is_judged(kind, waits):
    """Without this the probe could call a limiter wrong that is right."""
    rule, answers = Rule(kind, 4, 2), heard(kind, waits)
    assert rule.judged(answers)
    admitted = sum(one.admitted for one in answers)
    assert min(4, len(answers)) <= admitted <= rule.most(answers[0].sent_s, answers[-1].end_s)
