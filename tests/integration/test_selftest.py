"""`harness selftest` on real servers: counts that were injected exactly must be reported exactly."""

from __future__ import annotations

import pytest

from tests.support import command

EXACT = {
    "resets counted",
    "cut and empty answers counted",
    "503 counted",
    "time-outs counted",
    "refused counted",
    "stale server caught",
    "stall: due requests sent",
    "saturated generator flagged",
    "null server: answered of due",
}


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """The self-test's rows by name, without the doses and grains, which take minutes."""
    place = tmp_path_factory.mktemp("selftest")
    chosen = [word for name in ("drops", "stale", "stall", "freeze", "generator", "null") for word in ("--only", name)]
    document = command.document("selftest", *chosen, "--results", str(place))
    return {row["name"]: row for row in document["checks"]}


def test_what_was_injected_exactly_is_reported_exactly(rows):
    """A user could not trust a count of lost requests, nor that a stale or an overrun part is noticed."""
    assert set(rows) >= EXACT
    wrong = {name: rows[name] for name in EXACT if rows[name]["error"] != 0}
    assert not wrong


def test_a_stall_shows_from_the_due_time(rows):
    """A user would read 2 ms where every twentieth request waited a quarter of a second (coordinated omission)."""
    for name in ("stall p95", "stall p99", "stall max", "freeze max"):
        # A tenth, not the table's 2 %: a test must pass beside a noisy neighbour, and omission is off by 90 %.
        assert rows[name]["reported"] == pytest.approx(rows[name]["injected"], rel=0.1)


def test_an_unknown_check_is_named_with_its_choices():
    """A user with a typo would wait for all of the checks."""
    done = command.run("selftest", "--only", "dose")
    assert done.returncode == 2
    assert "doses" in done.stderr
