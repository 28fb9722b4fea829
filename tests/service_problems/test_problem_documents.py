"""What counts as a problem document, and what the service says of itself and its log when it fails."""

from __future__ import annotations

import asyncio
import json
import re

import pytest

from targets.probes.error_kinds import ALWAYS
from targets.probes.error_stage import Got
from targets.probes.problem_document import fault_of
from targets.probes.trace_joins import joined, read_log
from targets.service.problems import problem_response
from tests.support import serving

GOOD = {
    "type": "tag:service.example,2026:problem/not-found",
    "title": "Not Found",
    "status": 404,
    "detail": "There is nothing here.",
    "instance": "/a%20b",
    "trace_id": "t",
}


def fault(media_type="application/problem+json", status=404, **changes):
    """Give the fault of a document with these members replaced; None takes one away."""
    members = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    return fault_of(status, media_type, json.dumps(members).encode(), "/a%20b")


def test_a_whole_problem_has_no_fault():
    """Without this the probe would refute every service there is."""
    assert fault() == fault("application/problem+json; charset=utf-8") == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"type": None},
        {"type": "not found"},
        {"title": ""},
        {"title": 7},
        {"status": 400},
        {"status": "404"},
        {"detail": None},
        {"instance": "/a b"},
        {"instance": "/elsewhere"},
        {"trace_id": None},
    ],
)
def test_each_member_that_is_missing_or_wrong_is_named(changes):
    """Without this half a problem would pass for a whole one."""
    assert fault(**changes) == f"wrong or missing: {next(iter(changes))}"


@pytest.mark.parametrize("media_type", ["application/json", "text/plain", None])
def test_another_type_is_no_problem(media_type):
    """Without this the errors that frameworks ship would pass: clients tell them apart by their type."""
    assert "its type is" in fault(media_type)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff"])
def test_a_body_that_is_no_object_is_no_problem(body):
    """Without this an empty answer of the right type would pass."""
    assert fault_of(404, "application/problem+json", body, "/").startswith("its body is no")


@pytest.mark.parametrize("path", ["/a b", "/ä", '/?"#%', "/\udcff\ud800", "//x"])
def test_instance_is_a_reference_whatever_the_path(path):
    """Without this a client could not parse the member that names its request, or would lose a part of it."""
    document = json.loads(problem_response(path, 404, "not-found", "Nothing.").body)
    assert re.fullmatch(r"(?:[A-Za-z0-9._~:/@!$&'()*+,;=-]|%[0-9A-F]{2})+", document["instance"])


def failing(capfd, **more):
    """Let the service fail in three ways and give its log lines by path."""

    async def boom():
        raise ZeroDivisionError("a reason")

    async def run():
        async with serving.service(logging={"kind": "stdlib"}, environment="production", **more) as client:
            client.app.add_api_route("/broken", boom)
            await client.get("/broken")
            await client.get("/nowhere")
            await client.get("/health/ready")

    asyncio.run(run())
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    return [(one["path"], one["severity"], one["event"], one.get("code")) for one in lines if "path" in one]


def test_a_failure_of_the_service_has_one_line_that_says_why(capfd, monkeypatch):
    """Without this the trace_id of a 503 would lead to a line that knows no more than the client."""

    async def away(_):
        raise ConnectionRefusedError

    monkeypatch.setattr("targets.service.repositories.items.ItemRepository.ping", away)
    worse = [line for line in failing(capfd) if line[1] != "INFO"]
    assert worse == [
        ("/broken", "ERROR", "unhandled exception", None),
        ("/health/ready", "WARNING", "request failed", "not-ready"),
    ]


def line(trace_id, status, severity="INFO", event="request completed", path="/nowhere"):
    """Write a line of a log."""
    fields = {"trace_id": trace_id, "status": status, "severity": severity, "event": event, "path": path}
    return json.dumps(fields).encode() + b"\n"


@pytest.mark.parametrize(
    ("written", "found"),
    [
        (line("a", 404), 0),
        (b"", 1),
        (line("a", 404) * 2, 1),
        (line("a", 404, path="/other"), 1),
        (line("a", 500), 1),
        (line("b", 404), 1),
        (b"INFO: started\n" + line("a", 404) + line("a", None, event="request received"), 0),
    ],
)
def test_an_error_joins_its_one_line_and_no_other(written, found):
    """Without this a line of another request, or two lines, would count as a join."""
    got = Got(ALWAYS[0], "alone", 404, None, b'{"trace_id": "a"}')
    (told,) = joined([got], read_log(written))
    assert (told["not_joined"], told["not_explained"], told["errors"]) == (found, 0, 1)


@pytest.mark.parametrize(
    ("status", "severity", "found"), [(500, "ERROR", 0), (500, "WARNING", 1), (503, "WARNING", 0), (503, "INFO", 1)]
)
def test_a_failure_needs_a_line_of_its_level(status, severity, found):
    """Without this a failure would be lost among the lines that nobody looks at."""
    got = Got(ALWAYS[0], "alone", status, None, b'{"trace_id": "a"}')
    (told,) = joined([got], read_log(line("a", status) + line("a", status, severity, "request failed")))
    assert (told["not_joined"], told["not_explained"]) == (0, found)


def test_torn_lines_are_counted():
    """Without this processes that write into each other's lines would look like lost lines."""
    assert read_log(line("a", 404)[:-9] + b"\n" + line("a", 404)).torn == 1
