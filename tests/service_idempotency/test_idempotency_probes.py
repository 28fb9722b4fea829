"""The probes of keys and verbs: known truths come out, twins are caught, and claims can be decided from them."""

from __future__ import annotations

import pytest

from harness.claims import find
from harness.probes import decide
from targets.probes.key_shop import Outcome, Tally
from targets.probes.replayed_verbs import compared
from tests.support.probing import lines_on


def lines_of(postgres, valkey, module):
    """Run a probe in its quick form on a copy of the seeded data, with Valkey."""
    return lines_on(postgres, module, {"REDIS_URL": valkey.url})


@pytest.fixture(scope="module")
def keys(postgres, valkey):
    """Give the lines of the probe of keys, by subject and case."""
    return {(line["subject"], line["case"]): line for line in lines_of(postgres, valkey, "idempotency")}


@pytest.fixture(scope="module")
def verbs(postgres, valkey):
    """Give the lines of the probe of verbs, by subject."""
    return {line["subject"]: line for line in lines_of(postgres, valkey, "replayed_verbs")}


def test_a_row_beside_the_order_makes_one_order_whatever_happens(keys):
    """Without this the probe would see orders that are not there, or the row would not protect."""
    mine = [line for (subject, _), line in keys.items() if subject == "row, standard" and "not_one_row" in line]
    assert len(mine) == 8
    for line in mine:
        assert (line["not_one_row"], line["differences"], line["wrong_status"]) == (0, 0, 0), line


def test_a_key_apart_from_its_order_makes_a_second_one_after_a_death_in_between(keys):
    """Without this the probe would be blind to the one thing that tells the two stores apart."""
    for case in ("killed after the effect", "failed after the effect"):
        line = keys["valkey, standard", case]
        assert line["extra_rows"] == line["not_one_row"] == line["cases"], line
    for case in ("50 at once", "killed before the effect", "killed after the saving", "replay from another process"):
        assert keys["valkey, standard", case]["not_one_row"] == 0


@pytest.mark.parametrize("store", ["row", "valkey"])
def test_an_expired_key_is_told_from_a_new_one_until_it_is_forgotten(keys, store):
    """Without this the price of the memory, or its end, would be missed."""
    subject = f"{store}, standard"
    expired, forgotten = keys[subject, "expired key"], keys[subject, "forgotten key"]
    assert (expired["wrong_status"], expired["statuses"], expired["tombstones"]) == (0, {"409": 2}, 2)
    assert expired["bytes"] > 0
    assert (keys[f"{subject}, before", "memory"]["entries_left"], keys[subject, "memory"]["entries_left"]) == (2, 0)
    assert (forgotten["wrong_status"], forgotten["statuses"]) == (2, {"201": 2})


def test_without_keys_every_repeat_is_caught(keys):
    """Without this a session could not have seen a second order, and would call every store safe."""
    twin = keys["off", "one key, twice"]
    counted = [twin[name] for name in ("extra_rows", "not_one_row", "differences", "wrong_status")]
    assert (twin["twin"], counted) == (True, [2, 2, 2, 2])


def test_verbs_are_repeated_and_a_post_is_caught(verbs):
    """Without this a verb that changes nothing at all would pass for one that may be repeated."""
    assert {name: line["state_differences"] for name, line in verbs.items()} == {
        "GET": 0,
        "PUT": 0,
        "PATCH, merge": 0,
        "PATCH, delta": 3,
        "DELETE": 0,
        "POST": 3,
    }
    assert {name: line["status"] for name, line in verbs.items() if name != "POST"} == {
        "GET": [200],
        "PUT": [200],
        "PATCH, merge": [200],
        "PATCH, delta": [200],
        "DELETE": [404],
    }
    assert verbs["POST"]["twin"] is True
    # What the repeats do change: who and when.
    assert (verbs["PUT"]["audit_differences"], verbs["PATCH, merge"]["audit_differences"]) == (3, 3)


def test_each_condition_of_these_claims_finds_its_lines(keys, verbs):
    """Without this a claim would stay untested because a word was changed in its probe."""
    lines = [*keys.values(), *verbs.values()]
    words = {
        (claim.number, one.name): decide(one, lines, claim.origin).verdict.verdict
        for claim in find(["21", "28", "29", "30", "31", "78"])
        for one in claim.conditions
    }
    assert len(words) == 2 + 8 + 2 + 4 + 6 + 3
    refuted = {key for key, word in words.items() if word == "refuted"}
    assert refuted == {
        (21, "delta patch"),
        (28, "valkey, killed after the effect"),
        (30, "valkey, failed after the effect"),
        (31, "row, once it is forgotten"),
        (31, "valkey, once it is forgotten"),
    }
    # So few keys bound nothing; none may be untested.
    assert {word for key, word in words.items() if key not in refuted} == {"inconclusive"}


def test_outcomes_are_counted_by_keys():
    """Without this one key with fifty orders would be told as fifty keys, or an unreported order be lost."""
    tally = Tally()
    for outcome in (Outcome(1, 201), Outcome(3, 201), Outcome(0, 201), Outcome(1, 500, differs=True)):
        tally.add(outcome, 201)
    line = tally.line()
    assert (line["cases"], line["extra_rows"], line["lost_rows"], line["unreported_rows"]) == (4, 2, 1, 1)
    assert (line["not_one_row"], line["differences"], line["wrong_status"]) == (2, 1, 1)
    assert line["statuses"] == {"201": 3, "500": 1}


@pytest.mark.parametrize(
    ("other", "found"),
    [
        ({"a": {"stock": 1, "version": 1}}, (False, False)),
        ({"a": {"stock": 1, "version": 2}}, (False, True)),
        ({"a": {"stock": 0, "version": 2}}, (True, False)),
        ({"a": {"stock": 1, "version": 1}, "b": {"version": 1, "stock": 1}}, (True, False)),
        ({}, (True, False)),
    ],
)
def test_states_are_compared_by_what_they_are_about(other, found):
    """Without this every retry of a PATCH would be called harmful for its date, or none for its stock."""
    assert compared({"a": {"stock": 1, "version": 1}}, other) == found
