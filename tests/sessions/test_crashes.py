"""Timelines on real servers: workers are killed or replaced under load, and what their clients saw is counted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.claims import find, load_claims
from tests.support import command


@pytest.fixture(scope="module")
def crashes(tmp_path_factory):
    """One fault of each timeline of claims 2 and 3, by condition."""
    place = tmp_path_factory.mktemp("crashes")
    document = command.document("run", "2", "3", "--profile", "smoke", "--results", str(place))
    run = Path(document["run"])
    found = {folder.name: json.loads((folder / "0.json").read_text()) for folder in (run / "crashes").iterdir()}
    return found, document


def test_every_timeline_was_observed_and_says_what_was_lost(crashes):
    """A user would read a verdict on crashes that never happened."""
    found, _ = crashes
    claims = find(["2", "3"], load_claims())
    assert len(found) == sum(len(claim.conditions) for claim in claims)
    for crash in found.values():
        assert crash["workers"] >= 1
        assert 0 <= sum(crash["failed"].values()) <= crash["due"] + 100


def test_a_server_that_respawns_recovers_and_a_killed_one_does_not(crashes):
    """A user could not trust the other verdicts: these two outcomes are known beforehand."""
    found, _ = crashes
    dead = found["3-control-granian-every-process-killed"]
    assert dead["full_again_s"] is dead["answers_again_s"] is None
    assert dead["ended"] is not None
    assert set(dead["failed"]) & {"refused", "rst", "eof"}
    back = found["3-respawn-switched-on"]
    assert 0 < back["full_again_s"] < 6


def test_workers_that_are_told_to_go_are_all_replaced(crashes):
    """A user would read "it rolls" of a supervisor that ended, ignored the signal or kept an old worker."""
    found, _ = crashes
    rolled = found["2-control-gunicorn-told-to-replace-both-workers"]
    assert 0 < rolled["full_again_s"] < 6
    assert rolled["ended"] is None


def test_resume_keeps_what_was_observed(crashes):
    """A user who resumes a finished run would wait for the same crashes again, or get another verdict."""
    _, document = crashes
    again = command.document("resume", document["run"])
    assert again["claims"] == document["claims"]


def test_one_crash_supports_nothing(crashes):
    """A user would be told "it always recovers" after a single try."""
    _, document = crashes
    for claim in document["claims"]:
        assert claim["verdict"] in {"inconclusive", "refuted"}
        assert any(estimate["n"] == 1 for estimate in claim["estimates"])
