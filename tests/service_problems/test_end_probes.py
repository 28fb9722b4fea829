"""The probes of processes that end: connections left behind, and a cache left beside its database."""

from __future__ import annotations

import pytest

from harness.claims import find
from harness.probes import decide
from tests.support.probing import lines_on


@pytest.fixture(scope="module")
def ends(postgres):
    """Give the lines of the probe of connections."""
    return lines_on(postgres, "connections_left")


@pytest.fixture(scope="module")
def kills(postgres, valkey):
    """Give the lines of the probe of divided writes."""
    return lines_on(postgres, "write_through_kills", {"REDIS_URL": valkey.url})


def test_a_server_that_is_told_to_stop_leaves_no_connection(ends):
    """Without this PostgreSQL would run out of connections a few deployments later."""
    mine = [line for line in ends if line["subject"] == "SIGTERM"]
    assert {line["case"] for line in mine} == {"uvicorn", "granian"}
    assert all(line["opened"] > 0 and line["left"] == line["lifespan_skipped"] == 0 for line in mine)


def test_a_session_that_waits_does_not_notice_its_dead_client(ends):
    """Without this the count of what is left could be blind."""
    (twin,) = [line for line in ends if line.get("twin")]
    assert twin["left"] > 0
    assert twin["lifespan_skipped"] == 1


def test_a_death_between_the_writes_divides_cache_and_database(kills):
    """Without this write-through would be believed to keep both alike whatever happens."""
    lines = {(line["subject"], line["case"]): line for line in kills}
    killed = lines["write-through", "killed between the writes"]
    assert killed["cases"] + killed["missed"] == 1
    assert (killed["diverged"], killed["ahead"]) == (killed["cases"], 0)
    assert lines["write-through", "no fault"]["diverged"] == 0
    assert lines["cache first", "no fault"]["diverged"] == 0


def test_a_cache_that_is_written_first_shows_what_never_was(kills):
    """Without this nobody would know whether the probe sees a cache that runs ahead."""
    (twin,) = [line for line in kills if line.get("twin")]
    assert (twin["cases"], twin["diverged"], twin["ahead"]) == (1, 1, 1)
    assert twin["ttl_left_s"] > 0


def test_each_condition_finds_its_lines(ends, kills):
    """Without this a claim would stay untested because a word was changed in its probe."""
    lines = {43: ends, 69: kills}
    words = {
        (claim.number, one.name): decide(one, lines[claim.number], claim.origin).verdict.verdict
        for claim in find(["43", "69"])
        for one in claim.conditions
        # The quick form has no other end of processes.
        if one.where["subject"] in {"SIGTERM", "write-through"}
    }
    # So few bound nothing; none may be untested.
    assert set(words) == {(43, "SIGTERM under load"), (69, "no fault"), (69, "killed between the writes")}
    assert "untested" not in words.values()
