"""The scenario of rate limits against the real service, alone in Locust and under a trial."""

from __future__ import annotations

import json

import pytest

from scenarios.support.quota import Told, told
from scenarios.support.wire.request import Response
from targets.probes.served import served
from tests.support import wire

LIMIT, WINDOW_S = 5, 2


@pytest.fixture(scope="module")
def service():
    """Give the address of a service that admits five requests in two seconds."""
    given = {"KIND": "fixed", "LIMIT": str(LIMIT), "WINDOW_S": str(WINDOW_S), "CLIENT": "X-Client"}
    changes = {f"SERVICE_RATE_LIMIT__{name}": value for name, value in given.items()}
    with served(changes) as url:
        yield url


def test_it_runs_alone_in_locust_and_habits_are_told_apart(service):
    """Without this a team would see refusals, and not whose they are."""
    # Locust counts the time from before its own imports, which take seconds on a busy machine.
    arguments = ("-u", "12", "-r", "12", "-t", "10s", "--host", service, "--json")
    log = wire.locust("-f", "scenarios/rate_limits.py", *arguments).communicate(timeout=120)[0]
    entries = json.loads(log[log.index("[\n") : log.rindex("]") + 1])
    table = {entry["name"].rpartition(" ")[2]: entry for entry in entries}
    obedient, disobedient = table["(obedient)"], table["(disobedient)"]
    assert obedient["num_requests"] > LIMIT
    assert obedient["num_failures"] == 0
    assert disobedient["num_failures"] > 0


def trial(service, tmp_path, load, shares, **parameters):
    """Run a trial with these shares of habits."""
    given = {"shares": {"obedient": 0, "disobedient": 0, "edge": 0, **shares}, **parameters}
    (outcome,) = wire.run("rate_limits", wire.trial_document(tmp_path / "load", [service], load, parameters=given))
    return outcome


@pytest.mark.parametrize("load", [{"model": "closed", "users": 4}, {"model": "open", "rate_rps": 60}])
def test_obedient_clients_of_a_trial_are_never_refused(service, tmp_path, load):
    """Without this a trial would load the service with clients who were told when to come, and came when they liked."""
    outcome = trial(service, tmp_path, {**load, "measure_s": 2.5}, {"obedient": 1})
    assert {row["status"] for row in outcome.rows} == {200}
    assert outcome.done["sent"] == outcome.done["completed"] == len(outcome.rows) > 2 * LIMIT
    if load["model"] == "closed":
        # Four clients in at most three windows: who rests sends nothing.
        assert len(outcome.rows) <= 4 * LIMIT * 3


def test_a_burst_across_an_edge_gets_twice_the_limit(service, tmp_path):
    """Without this the scenario would not show what fixed windows are blamed for."""
    outcome = trial(service, tmp_path, {"model": "closed", "users": 1, "measure_s": 5.5}, {"edge": 1}, lead_s=0.6)
    admitted = [row["start_ns"] for row in outcome.rows if row["status"] == 200]
    most = max(sum(first <= one < first + WINDOW_S * 10**9 for one in admitted) for first in admitted)
    # All but the request that learned of the window, and what a busy machine did not send before the edge.
    assert 1.5 * LIMIT <= most <= 2 * LIMIT


def test_a_habit_that_nobody_knows_ends_the_trial(service, tmp_path):
    """Without this a typing error would load the service with whatever is left."""
    with pytest.raises(AssertionError, match="unknown polite"):
        trial(service, tmp_path, {"model": "closed", "users": 1}, {"polite": 1})


@pytest.mark.parametrize(
    ("block", "wanted"),
    [
        (
            b"X-RateLimit-Limit: 9\r\nX-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 1007\r\nRetry-After: 3",
            Told(9, 0, 7.0, 3.0),
        ),
        (b"X-RateLimit-Limit: 9\r\nX-RateLimit-Remaining: 4\r\nX-RateLimit-Reset: 990", Told(9, 4, 0.0, None)),
        (b'RateLimit-Policy: "a";q=50;w=60\r\nRateLimit: "a";r=12;t=8', Told(50, 12, 8.0, None)),
        (b'RateLimit: "a";r=1;t=8, "b";r=7;t=1', Told(None, 1, 8.0, None)),
        (b"X-RateLimit-Remaining: many\r\nRetry-After: Mon, 30 Nov 2026 00:00:00 GMT", Told(None, None, None, None)),
        (b"Content-Length: 0", Told(None, None, None, None)),
    ],
)
def test_both_styles_are_read_and_nonsense_is_not_believed(block, wanted):
    """Without this a client would rest for years, or die of a header that it cannot read."""
    assert told(Response(200, b"HTTP/1.1 200 OK\r\n" + block + b"\r\n\r\n", b""), lambda: 1000.0) == wanted
