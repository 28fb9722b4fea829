"""Courses of faults on real servers, real Toxiproxy and real Locust: what is injected is what is reported."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness import passage
from harness.course import Course, Subject
from harness.model import Fault, Load
from harness.passage import figure
from tests.support import command
from tests.support.courses import passed

QUICK = Load(model="open", rate_rps=100.0, warmup_s=0.5, measure_s=3.0)


@pytest.fixture(scope="module")
def moments(tmp_path_factory):
    """The self-test's rows of known moments."""
    place = tmp_path_factory.mktemp("moments")
    document = command.document("selftest", "--only", "moments", "--results", str(place))
    return {row["name"]: row for row in document["checks"]}


def test_known_moments_are_seen_within_100_ms_and_every_request_is_accounted_for(moments):
    """A user would read a time to detect or to recover that is the instrument's own."""
    assert len(moments) == 4
    assert all(row["ok"] for row in moments.values()), moments


@pytest.fixture(scope="module")
def retried(tmp_path_factory):
    """One passage each without retries and with three, while the dependency fails always."""
    service = "uvicorn,loop=uvloop,http=httptools,SERVICE_UPSTREAM__KIND=on"
    course = Course(
        id="all-fail",
        subjects=(
            Subject("none", service),
            Subject("three", f"{service},SERVICE_RETRY__KIND=fixed,SERVICE_RETRY__ATTEMPTS=4,SERVICE_RETRY__BASE_MS=5"),
        ),
        faults=(Fault(fault="failing", on="upstream", start_s=0.0, end_s=None, values={"share": 1.0}),),
        load=Load(model="open", rate_rps=40.0, warmup_s=0.0, measure_s=3.0),
        paths=("/api/v1/quotes/1",),
        what="every answer of the dependency is 503",
        upstream={"UPSTREAM_WORK_MS": "1", "UPSTREAM_CAPACITY": "50"},
        proxied=("upstream",),
    )
    return passed(course, tmp_path_factory.mktemp("retried"))


def test_three_retries_at_100_percent_failure_send_four_attempts(retried):
    """The one figure of a retry policy that can be known beforehand would be wrong."""
    # The first requests may leave before the fault has been acknowledged, and need one attempt only.
    late = next(one for one in retried["three"].phases if one.name == "during").due
    assert late > 60
    attempts = retried["three"].attempts
    lacking = attempts.logical * 4 - attempts.sent
    assert lacking % 3 == 0
    assert 0 <= lacking <= 3 * (attempts.logical - late)
    assert attempts.arrived == attempts.sent
    assert figure(retried["none"], "amplification_sent") == 1.0
    assert figure(retried["three"], "goodput_during") == 0.0


def test_every_request_of_a_passage_is_accounted_for(retried):
    """A request that vanished between client and service would not be missed."""
    for one in retried.values():
        assert one.unexplained == {}
        # A neighbour of this machine may delay requests; no count may be wrong for it.
        assert {void.check for void in one.voids} <= {"send lag"}, one.voids
        assert sum(one.explained.values()) == one.attempts.logical


def test_a_server_that_is_killed_leaves_counts_that_add_up(tmp_path):
    """What a killed server had taken on would be charged to nobody."""
    course = Course(
        id="killed",
        subjects=(Subject("uvicorn", "uvicorn"),),
        faults=(Fault(fault="kill", on="target", start_s=1.0, end_s=None),),
        load=QUICK,
        paths=("/slow?ms=100",),
        what="the server is killed at 1 s",
        app="targets.truth.slow:app",
    )
    one = passed(course, tmp_path)["uvicorn"]
    assert one.unexplained == {}
    # Ten were in work (100/s, 0.1 s each), give or take; after it there is nobody to be asked.
    assert 1 <= one.explained["lost in work"] <= 40
    assert one.explained["never left"] > 100
    assert one.ended is not None
    assert one.ended.status == -9
    assert one.recovered_s is None


def test_a_fault_that_cannot_be_applied_makes_the_passage_void(tmp_path):
    """A user would be told that a service survived what never happened."""
    course = Course(
        id="nothing-behind",
        subjects=(Subject("uvicorn", "uvicorn"),),
        faults=(Fault(fault="latency", on="postgres", start_s=1.0, end_s=2.0, values={"delay_ms": 5}),),
        load=QUICK,
        paths=("/quick",),
        what="the database that it does not have is slow",
        app="targets.truth.slow:app",
    )
    with pytest.raises(Exception, match="postgres"):
        passed(course, tmp_path)


def test_a_run_keeps_its_passages_and_draws_them(tmp_path):
    """A user would get a verdict on a shutdown without the counts that it rests on."""
    document = command.document("run", "60", "--profile", "smoke", "--budget", "16s", "--results", str(tmp_path))
    run = Path(document["run"])
    kept = sorted(run.glob("timelines/*/*/passage.json"))
    assert len(kept) == 2
    assert all((one.parent / "requests.parquet").exists() for one in kept)
    page = (run / "report" / "index.html").read_text()
    assert "what the clients recorded against what the service itself recorded" in page
    assert "<svg" in page
    again = command.document("resume", str(run))
    assert again["claims"] == document["claims"]
    assert json.loads(kept[0].read_text())["kind"] == "passage"
    assert passage.END_S > 0
