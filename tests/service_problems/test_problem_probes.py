"""The probes of errors and of their traces, end to end: known truths come out, twins are caught."""

from __future__ import annotations

import pytest

from harness.claims import find
from harness.probes import decide
from tests.support.probing import lines_on


@pytest.fixture(scope="module")
def problems(postgres):
    """Give the lines of the probe of problem documents."""
    return lines_on(postgres, "problem_kinds")


@pytest.fixture(scope="module")
def traces(postgres):
    """Give the lines of the probe of traces."""
    return lines_on(postgres, "trace_joins")


def test_every_kind_of_error_is_provoked_and_is_a_problem(problems):
    """Without this a kind that was never provoked would pass for one that is answered well."""
    mine = [line for line in problems if line["subject"] == "uvicorn"]
    assert len(mine) > 60
    assert [line for line in mine if line["not_problem"]] == []
    # On a busy machine a connection to the database may come too late: a 503 where another error was meant.
    assert sum(line["unexpected"] == 0 for line in mine) > 0.9 * len(mine)
    statuses = {int(status) for line in mine for status in line["statuses"]}
    assert {400, 404, 405, 409, 418, 422, 500, 502, 503, 504} <= statuses
    assert {line["circumstance"] for line in mine} >= {
        "alone",
        "under load",
        "dependencies away",
        "database silent",
        "beyond a limit",
    }


def test_the_frameworks_own_handlers_are_caught(problems):
    """Without this a session could not have seen an error that is no problem."""
    (twin,) = [line for line in problems if line.get("twin")]
    assert twin["not_problem"] == twin["cases"] > 10


def test_what_the_server_refuses_itself_is_counted_apart(problems):
    """Without this a client would meet errors that the verdict knows nothing of."""
    mine = [line for line in problems if line["subject"] == "uvicorn, by itself"]
    assert sum(line["cases"] for line in mine) > 3
    assert all(line["not_problem"] == line["cases"] for line in mine)


def test_every_trace_leads_to_its_line_under_faults(traces):
    """Without this an operator would search the log in vain for what a user reports."""
    mine = [line for line in traces if line["subject"] == "uvicorn" and line["case"] != "log"]
    assert len(mine) > 40
    assert [line for line in mine if line["not_joined"] or line["not_explained"]] == []
    (whole,) = [line for line in traces if line["subject"] == "uvicorn" and line["case"] == "log"]
    assert (whole["torn"], whole["shared"]) == (0, 0)


def test_ids_made_up_for_the_body_are_caught(traces):
    """Without this a session could not have seen an id that leads nowhere."""
    (twin,) = [line for line in traces if line.get("twin")]
    assert twin["not_joined"] == twin["cases"] > 20
    assert twin["not_explained"] > 0


def test_each_condition_finds_its_lines(problems, traces):
    """Without this a claim would stay untested because a word was changed in its probe."""
    lines = {"22": problems, "23": traces}
    words = {
        (claim.number, one.name): decide(one, lines[str(claim.number)], claim.origin).verdict.verdict
        for claim in find(["22", "23"])
        for one in claim.conditions
        if one.where["subject"].startswith("uvicorn")
    }
    assert words == {
        (22, "the service under uvicorn"): "supported",
        (22, "uvicorn by itself"): "refuted",
        (23, "one end: uvicorn"): "supported",
        (23, "one reason: uvicorn"): "supported",
    }
