"""The scenario of idempotency keys against the real service, alone in Locust and under a trial."""

from __future__ import annotations

import json

import pytest

from tests.support import serving, wire
from tests.support.databases import rows


@pytest.fixture(scope="module")
def service(filled):
    """Give the address of a service that keeps keys beside its orders."""
    changes = {"DATABASE_URL": filled, "SERVICE_DATA__KIND": "postgres", "SERVICE_IDEMPOTENCY__KIND": "row"}
    app = "targets.service.main:create_app"
    with serving.served("uvicorn", app, factory=True, ready="/health/ready", changes=changes) as url:
        yield url


def counts(url):
    """Count orders that were placed since the seed, and keys."""
    return rows(url, "select count(*) filter (where id > 100), (select count(*) from idempotency_keys) from orders")[0]


def test_it_runs_alone_in_locust_and_repeats_make_no_order(service, filled):
    """Without this a team would load a service with keys that protect nothing, or that are all the same."""
    before = counts(filled)
    arguments = ("-u", "4", "-r", "4", "-t", "3s", "--host", service, "--json")
    log = wire.locust("-f", "scenarios/idempotency.py", *arguments).communicate(timeout=60)[0]
    table = {entry["name"]: entry for entry in json.loads(log[log.index("[\n") : log.rindex("]") + 1])}
    new, repeated = (table[f"/api/v1/orders ({kind})"] for kind in ("new", "repeated"))
    assert (new["num_failures"], repeated["num_failures"]) == (0, 0)
    assert new["num_requests"] > repeated["num_requests"] > 0
    orders, keys = (now - then for now, then in zip(counts(filled), before, strict=True))
    # Requests that were cut off at the end may have made an order that nobody counted: one for each user.
    assert new["num_requests"] <= orders == keys <= new["num_requests"] + 4


def test_it_runs_under_a_trial_and_the_same_seed_finds_no_key_used(service, filled, tmp_path):
    """Without this the second block of a session would measure replays where the first measured orders."""
    # Long enough for a first answer after a second, beside other tests: before it nothing can be repeated.
    load = {"model": "open", "rate_rps": 60, "warmup_s": 0.2, "measure_s": 4}
    for number in range(2):
        before = counts(filled)[0]
        document = wire.trial_document(tmp_path / f"load-{number}", [service], load, parameters={"repeats": 0.5})
        (outcome,) = wire.run("idempotency", document)
        assert outcome.done["completed"] == outcome.done["sent"] == len(outcome.rows)
        assert {row["status"] for row in outcome.rows} == {201}
        new = sum(outcome.done["names"][row["name_index"]].endswith("(new)") for row in outcome.rows)
        assert counts(filled)[0] - before == new
        # One order in two is sent again, once it has been answered.
        assert 0.4 < new / len(outcome.rows) < 0.95
