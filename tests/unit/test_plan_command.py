"""`harness plan`: what would be done, without doing it."""

from __future__ import annotations

import msgspec
import pytest

from harness import schemas, settings
from harness.commands.duel import Question, planned
from tests.support import command
from tests.support.schemas import faults


@pytest.mark.parametrize("words", [("uvicorn", "granian"), ("duel", "uvicorn", "granian")])
def test_a_duel_is_planned_with_its_time(words):
    """A user would start a measurement without knowing how long it holds the machine."""
    document = command.document("plan", *words, "--users", "16", "--budget", "60s")
    assert [(row["grain"], row["blocks"]) for row in document["cells"]] == [("slice", 10), ("block", 10)]
    assert document["wall_s"] == sum(row["wall_s"] for row in document["cells"])
    assert 60 < document["wall_s"] < 200


@pytest.mark.parametrize("words", [("3", "1"), ("run", "granian-manages-workers", "1")])
def test_claims_are_planned_with_crashes_and_what_stays_untested(words):
    """A user would learn only at the end that half of a claim was never going to be measured."""
    document = command.document("plan", *words)
    assert {row["condition"] for row in document["crashes"]} >= {"3: as shipped", "3: respawn switched on"}
    assert any(row["condition"].startswith("1: item 1 KB") for row in document["cells"])
    assert any("database" in reason for reason in document["untested"])
    assert any("page 9 KB" in reason for reason in document["untested"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("duel", "uvicorn"), "two targets"),
        (("run", "granit"), "granian"),
        (("uvicorn",), "two targets"),
        (("granain", "uvicorn"), "server 'granain'"),
        (("runn", "8"), "claim 'runn'"),
        (("1", "999"), "claim '999'"),
        (("1", "--rate", "5"), "--rate is for a duel"),
        (("uvicorn", "granian", "--profile", "full"), "--profile is for claims"),
    ],
)
def test_words_that_fit_nothing_are_named(words, said):
    """A user with a typo would get a plan for something else."""
    done = command.run("plan", *words)
    assert done.returncode == 2
    assert said in done.stderr


@pytest.mark.parametrize("words", [("uvicorn", "granian"), ("run", "2", "17", "40", "66", "12")])
def test_a_plan_fits_its_own_schema(words):
    """A program that validates what it reads would refuse every plan."""
    document = command.document("plan", *words, *(("--profile", "full") if words[0] == "run" else ()))
    schema = schemas.schema("plan")
    assert faults(document, schema) == []
    if words[0] == "run":
        assert all(document[rows] for rows in ("crashes", "sweeps", "courses", "probes"))


def test_nothing_to_measure_is_said():
    """A user would read "at most 0.0 minutes"."""
    assert "There is nothing to measure." in command.run("plan", "12").stdout


def test_workers_that_must_share_cores_are_announced():
    """A user would add workers to a machine that has no cores for them, and expect more load."""
    done = command.run("plan", "uvicorn", "uvicorn", "--users", "64", "--load-workers", "64")
    assert done.returncode == 0, done.stderr
    assert "64 workers on " in done.stdout
    assert "no more than one worker for each core" in done.stdout


def test_the_whole_budget_is_measured_in_one_look():
    """A user who wants the narrowest interval would get that of half of the time."""
    question = {"app": None, "app_dir": None, "paths": (), "scenario": "paths", "rate_rps": None, "users": 16}
    rest = {"budget": "120s", "seconds": None, "seed": 1, "load_workers": 1, "allow_hosts": ()}
    where = settings.load(command.ROOT)
    asked = Question(baseline="uvicorn", candidate="granian", **question, **rest)
    assert planned(asked, where).looks == (10, 20)
    assert planned(msgspec.structs.replace(asked, whole_budget=True), where).looks == (20,)


def test_probes_are_planned_once_each_with_their_time():
    """A user would read that a claim takes no time at all, and wait for minutes."""
    document = command.document("plan", "38", "83", "49")
    rows = {row["probe"]: row for row in document["probes"]}
    assert set(rows) == {"entry_forms", "crash_traces", "orchestrated_startup"}
    assert document["wall_s"] == sum(row["wall_s"] for row in document["probes"]) > 60
    said = command.run("plan", "38", "83").stdout
    assert all(len(line) <= 60 for line in said.splitlines() if "conditions" in line)
