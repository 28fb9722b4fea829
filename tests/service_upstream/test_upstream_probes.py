"""The probes of clients: what they print can be read, and obeys what must hold on every machine."""

from __future__ import annotations

import asyncio
import time

import pytest

from harness.claims import find
from harness.probes import decide
from targets.probes import fan_out, lateness, wait_cases
from tests.support.probing import lines_of


def decided(number, lines, name):
    """Decide one condition of a claim from these lines."""
    (claim,) = find([str(number)])
    (condition,) = [one for one in claim.conditions if one.name == name]
    return decide(condition, lines, claim.origin).verdict.verdict


def test_retries_are_counted_on_both_sides_and_decide_the_claim():
    """Without this the claim about tenacity would rest on what the client believes that it sent."""
    lines = lines_of("retry_counts", {})
    found = {line["case"]: line for line in lines}
    per_call = {name: line["arrived"] / line["logical"] for name, line in found.items() if "arrived" in line}
    assert all(line["attempts_sent"] == line["arrived"] for line in lines if "arrived" in line)
    assert per_call.pop("one attempt") == 1
    assert per_call.pop("hedging") == 2
    assert per_call.pop("budget") == 2
    # A circuit that opens after five failures lets exactly five through.
    assert found["behind a breaker"]["arrived"] == 5
    per_call.pop("behind a breaker")
    assert set(per_call.values()) == {4}
    assert {name for name, line in found.items() if line.get("breaks")} == {"behind a breaker"}
    assert decided(10, lines, "retries") == "supported"
    assert decided(10, lines, "circuit breaking") == "refuted"


def test_a_control_that_fails_leaves_the_claim_open():
    """Without this a probe that cannot see a breaker at all would refute it."""
    line = {"case": "fixed", "subject": "fixed", "library": "tenacity", "breaks": 0}
    control = {"case": "behind a breaker", "subject": "breaker", "control": True, "failed": 1}
    assert decided(10, [line, control], "circuit breaking") == "inconclusive"
    assert decided(10, [{**line, "breaks": 1}, {**control, "failed": 0}], "circuit breaking") == "supported"


def test_fan_out_covers_every_cell():
    """Without this a claim about fan-out would be decided by the cells that happened to be printed."""
    cells = lines_of("fan_out", {})
    wanted = {(s, c, a) for s in fan_out.SUBJECTS for c in (1, 16, 64) for a in (0, 20)}
    assert {(line["subject"], line["concurrency"], line["added_ms"]) for line in cells} == wanted
    assert len(cells) == len(wanted)
    for line in cells:
        assert line["p99_ms"] >= line["p50_ms"] >= line["added_ms"]
        assert line["first_ms"] >= line["added_ms"]
        assert line["cpu_us"] > 0
        assert 1 <= line["connections"] <= (1 if line["subject"] == "http/2" else line["concurrency"])
    assert {line["connections"] for line in cells if line["subject"] == "http/1.1"} >= {1, 64}


@pytest.mark.parametrize(("share", "expected"), [(0.5, 2), (0.99, 4), (0.01, 1)])
def test_a_percentile_is_a_value_that_was_seen(share, expected):
    """Without this a p99 of few calls would be made up between two of them."""
    assert fan_out._percentile([4, 1, 3, 2], share) == expected


async def stalls(before_s, during_s, after_s=0.0):
    """Hold a block to 50 ms of lateness, on a loop that stands still before it, at its end and behind it."""
    asyncio.get_running_loop().call_soon(time.sleep, before_s)
    await lateness.calm(0.05)
    async with lateness.bounded(0.05):
        await asyncio.sleep(0.02)
        time.sleep(during_s)  # noqa: ASYNC251  (a loop that stands still is the subject)
    time.sleep(after_s)  # noqa: ASYNC251  (as above)


def test_a_loop_that_stands_still_spoils_what_is_timed_meanwhile():
    """Without this httpx would be blamed for a time-out that its own loop had no chance to keep."""
    with pytest.raises(lateness.StoodStillError, match="stood still for"):
        asyncio.run(stalls(0.0, 0.2))


def test_a_loop_that_stands_still_at_other_times_spoils_nothing():
    """Without this the probe would give up on a slow machine, where a hundred calls at once take so long to begin."""
    # A neighbour may take the core within the block: three tries in a row are not its doing.
    for _ in range(3):
        try:
            return asyncio.run(stalls(0.2, 0.0, 0.2))
        except lateness.StoodStillError:
            continue
    pytest.fail("what came before or after was counted")


def test_every_condition_of_the_claims_finds_its_lines():
    """Without this a condition would stay untested for a word that is written in two ways."""
    (claim,) = find(["9"])
    printed = [{"case": case, "outlived": 0, "cases": 10} for case in wait_cases.OUTLIVING]
    printed += [{"case": case, "cut_short": 0, "cases": 10} for case in wait_cases.SHORTENED]
    printed += [{"case": case, "lost": 0, "cases": 10} for case in wait_cases.LOSING]
    printed += [
        {
            "subject": subject,
            "repeat": repeat,
            "concurrency": c,
            "added_ms": a,
            "p99_ms": 9.0 - h2,
            "connections": 9 - h2,
        }
        for subject, h2 in fan_out.SUBJECTS.items()
        for repeat in range(8)
        for c in (1, 16, 64)
        for a in (0, 20, 100)
    ]
    assert [one.name for one in claim.conditions if decide(one, printed, "ours").verdict.verdict == "untested"] == []
