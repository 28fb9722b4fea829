"""CPU of the database and cache per arm: as it was injected, or said why there is none."""

from __future__ import annotations

import pytest
from msgspec import structs

from harness import behind
from harness.commands.duel import text
from harness.duel import document
from harness.model import Behind, Block, Condition, Plan
from harness.report.write import write_report
from harness.store import folder
from harness.store.run import hash_plan, read_run, write_run
from tests.support import runs

EACH_NS = {"baseline": 300_000, "candidate": 600_000}
"""What a request of each arm costs its database."""


def _condition(*grains: str) -> Condition:
    return structs.replace(runs.plan(1).conditions[0], behind=Behind(("postgres",), rows=10), grains=grains)


def _block(number: int, *, metered: bool = True) -> Block:
    one = runs.block(number, "open", 1.0)
    windows = tuple(
        structs.replace(
            window, backend_ns=round(EACH_NS[window.role] * window.requests * (1 + number / 1e3)) if metered else None
        )
        for window in one.windows
    )
    return structs.replace(one, windows=windows)


def test_each_arm_has_its_own_cost_and_the_ratio_its_interval() -> None:
    """A driver that makes the database work twice as hard would look as cheap as any."""
    found = behind.cost([_block(number) for number in range(6)], _condition("slice", "block"))
    assert found is not None
    assert found.baseline is not None
    assert found.candidate is not None
    assert found.ratio is not None
    assert found.baseline.value == pytest.approx(300, rel=0.01)
    assert found.candidate.value == pytest.approx(600, rel=0.01)
    assert found.baseline.low < found.baseline.value < found.baseline.high
    assert found.ratio.value == pytest.approx(2.0, rel=1e-4)
    assert (found.grain, found.n, found.why_not) == ("slice", 6, None)


def test_where_nobody_can_tell_the_reason_stands_instead_of_a_number() -> None:
    """Half of the database's work would be given to each arm, whoever caused it."""
    blocks = [_block(number) for number in range(6)]
    shared = [structs.replace(one, grain="request") for one in blocks]
    cases = (
        (shared, _condition("request"), behind.SHARED),
        ([_block(number, metered=False) for number in range(6)], _condition("slice"), behind.UNREAD),
        (blocks[:1], _condition("slice"), behind.TOO_FEW),
        ([], _condition("slice"), behind.TOO_FEW),
    )
    for found, condition, reason in cases:
        cost = behind.cost(found, condition)
        assert cost is not None
        assert (cost.why_not, cost.ratio, cost.baseline, cost.n) == (reason, None, None, 0)
    assert behind.cost(blocks, runs.plan(1).conditions[0]) is None


def _run(results, *grains: str):
    """Write a duel with a database behind its arms."""
    made = structs.replace(runs.plan(1), conditions=(_condition(*grains),))
    run = runs.duel_run(results, count=4, void=(), requests=400)
    record = structs.replace(read_run(run), plan=made, plan_hash=hash_plan(made))
    write_run(run, record)
    blocks = [_block(number) for number in range(1, 5)]
    for place, one in zip(sorted((run / "blocks").iterdir()), blocks, strict=False):
        folder.write_json(place / "block.json", one)
    return run, made, blocks


def test_the_report_and_the_document_tell_it_for_each_arm(tmp_path) -> None:
    """A reader would see that the database was busy, and not for whom."""
    run, made, blocks = _run(tmp_path, "slice")
    told = document(made, run, blocks)
    assert told["regimes"][0]["behind"]["candidate"]["value"] == pytest.approx(600, rel=0.01)
    assert "CPU behind the arms: 300" in text(told)
    page = write_report(run).read_text()
    assert '<section id="behind"' in page
    words = (run / "report" / "report.md").read_text()
    assert "CPU per request behind the arm, µs" in words
    assert "| 2 (2 to 2)" in words


def test_the_request_grain_says_in_words_that_it_cannot_tell(tmp_path) -> None:
    """A reader would look for the figure in vain, or take a dash for nothing used."""
    run, made, blocks = _run(tmp_path, "request")
    shared = [structs.replace(one, grain="request") for one in blocks]
    told = document(made, run, shared)
    assert told["regimes"][0]["behind"] | {"why_not": "", "metric": ""} == {
        "metric": "", "grain": None, "baseline": None, "candidate": None, "ratio": None, "n": 0, "why_not": "",
    }  # fmt: skip
    assert behind.SHARED in text(told)
    write_report(run)
    assert behind.SHARED in (run / "report" / "report.md").read_text()


def test_a_plan_without_a_network_hashes_as_it_did_before_there_was_one() -> None:
    """Runs that were interrupted under an older version could not go on."""
    made: Plan = structs.replace(runs.plan(1), conditions=(_condition("slice"),))
    network = structs.replace(made.conditions[0], behind=Behind(("postgres",), rows=10, rtt_ms=0))
    assert hash_plan(made) == "805135748fe67f5718999c116ac384b911e34e8594c7d1cd998426d818c2a1a2"
    assert hash_plan(structs.replace(made, conditions=(network,))) != hash_plan(made)
