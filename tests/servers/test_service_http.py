"""The reference service over ASGI, its stack whole: answers, errors, health, practices."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

import pytest

from targets.serializers.corpus import ORDER
from targets.service.practices.security_headers import HEADERS
from targets.service.repositories.seed import item_id
from tests.support import serving

ITEM = f"/api/v1/items/{item_id(1)}"
SECURITY = {name.lower(): value for name, value in HEADERS.items()}


async def fail():
    """Raise what no handler knows."""
    raise ZeroDivisionError("secret reason")


def calls(requests, routes=(), **settings):
    """Send requests one after the other and give the responses."""

    async def run():
        async with serving.service(**settings) as client:
            for path, endpoint in routes:
                client.app.add_api_route(path, endpoint)
            return [await client.request(method, path, **more) for method, path, more in requests]

    return asyncio.run(run())


def get(path, **settings):
    """Send one GET."""
    return calls([("GET", path, {})], **settings)[0]


def test_sizes_are_those_the_scenarios_promise():
    """Without this 'a 10 KB page' in a report would be another size."""
    item, page, export = calls([("GET", p, {}) for p in (ITEM, "/api/v1/items", "/api/v1/items/export")])
    assert 800 < len(item.content) < 1300
    assert 8_000 < len(page.content) < 13_000
    assert 150_000 < len(export.content) < 250_000
    assert "cost" not in item.json()


def test_a_page_has_the_standards_envelope_and_links_that_work():
    """Without this a client of the standard's lists could not read this one."""
    first = get("/api/v1/items?limit=3").json()
    assert set(first) == {"data", "meta", "links"}
    assert first["meta"] == {"total": 1000, "cursor": None, "limit": 3}
    assert first["links"]["prev"] is None
    second = get(first["links"]["next"]).json()
    assert [row["id"] for row in second["data"]] == [str(item_id(n)) for n in (4, 5, 6)]
    assert get(second["links"]["prev"]).json()["data"] == first["data"]


def test_an_order_is_priced_exactly():
    """Without this totals would carry the errors of binary fractions."""
    lines = [
        {"product_id": str(item_id(1)), "quantity": 3, "unit_price": "0.10"},
        {"product_id": str(item_id(2)), "quantity": 1, "unit_price": "19.99"},
    ]
    (answer,) = calls([("POST", "/api/v1/orders", {"json": {**ORDER, "lines": lines}})])
    assert answer.status_code == 201
    assert answer.json()["total"] == "20.29"
    assert answer.json()["pieces"] == 4
    assert [line["line_total"] for line in answer.json()["lines"]] == ["0.30", "19.99"]


def test_items_can_be_created_changed_and_deleted():
    """Without this write scenarios would measure errors."""

    async def run():
        async with serving.service() as client:
            new = {"name": "Desk", "category": "office", "price": "9.50", "currency": "EUR"}
            made = await client.post("/api/v1/items", json=new)
            path = f"/api/v1/items/{made.json()['id']}"
            changed = await client.patch(path, json={"stock": 5, "name": None})
            read = await client.get(path)
            deleted = await client.delete(path)
            gone = await client.get(path)
            return made, changed, read, deleted, gone

    made, changed, read, deleted, gone = asyncio.run(run())
    assert [r.status_code for r in (made, changed, read, deleted, gone)] == [201, 200, 200, 204, 404]
    assert (read.json()["stock"], read.json()["name"]) == (5, "Desk")
    assert changed.json() == read.json()
    assert deleted.content == b""


@pytest.mark.parametrize("serializer", ["pydantic", "msgspec"])
@pytest.mark.parametrize(
    ("method", "path", "more", "status", "code"),
    [
        ("GET", "/nowhere", {}, 404, "not-found"),
        ("GET", f"/api/v1/items/{item_id(5000)}", {}, 404, "item-not-found"),
        ("PUT", "/ping", {}, 405, "method-not-allowed"),
        ("GET", "/api/v1/items/no-uuid", {}, 422, "validation-failed"),
        ("GET", "/api/v1/items?limit=0", {}, 422, "validation-failed"),
        ("GET", "/api/v1/items?limit=-1", {}, 422, "validation-failed"),
        ("GET", "/api/v1/items?limit=1000000000", {}, 422, "validation-failed"),
        ("GET", "/api/v1/items?cursor=abc", {}, 400, "bad-cursor"),
        ("POST", "/api/v1/orders", {"content": b"{"}, 422, "validation-failed"),
        ("POST", "/api/v1/orders", {"json": {**ORDER, "lines": []}}, 422, "validation-failed"),
        ("POST", "/api/v1/orders", {"content": json.dumps(ORDER)}, 422, "validation-failed"),
        ("GET", "/broken", {}, 500, "internal-error"),
    ],
)
def test_every_error_is_a_problem(serializer, method, path, more, status, code, capsys):
    """Without this a client would meet errors that it cannot read, join to a log, or trust."""
    more = {"headers": {"X-Request-ID": "request-1"}, **more}
    if more.get("content") == b"{":
        more["headers"] = {**more["headers"], "content-type": "application/json"}
    (answer,) = calls([(method, path, more)], routes=[("/broken", fail)], serializer=serializer)
    problem = answer.json()
    assert answer.status_code == problem["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert (problem["code"], problem["trace_id"]) == (code, "request-1")
    assert problem["instance"] == path.partition("?")[0]
    assert problem["type"].endswith(code)
    assert problem["title"]
    assert bool(problem["errors"]) == (status == 422)
    assert SECURITY.items() <= answer.headers.items()
    assert answer.headers["x-request-id"] == "request-1"
    assert "secret reason" not in answer.text
    assert ("secret reason" in capsys.readouterr().err) == (status == 500)


def test_405_says_what_is_allowed():
    """Without this a client could not correct its verb."""
    (answer,) = calls([("PUT", "/ping", {})])
    assert answer.headers["allow"] == "GET"


def test_ids_are_taken_over_made_up_and_returned():
    """Without this a request could not be followed through the logs."""
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    given, none, bad = calls(
        [
            ("GET", "/nowhere", {"headers": {"X-Request-ID": "abc", "traceparent": trace}}),
            ("GET", "/ping", {}),
            ("GET", "/ping", {"headers": {"X-Request-ID": "a b"}}),
        ]
    )
    assert (given.headers["x-request-id"], given.headers["traceparent"]) == ("abc", trace)
    assert given.json()["trace_id"] == trace[3:35]
    assert len(none.headers["x-request-id"]) == 36
    assert "traceparent" not in none.headers
    assert bad.headers["x-request-id"] != "a b"


def test_health_tells_what_each_probe_asks():
    """Without this an orchestrator would kill a living process or send requests to one that cannot serve."""
    good = calls([("GET", f"/health/{name}", {}) for name in ("live", "ready", "startup")])
    assert [answer.status_code for answer in good] == [200, 200, 200]
    assert good[1].json() == {"status": "ok", "checks": {"items": "ok", "orders": "ok"}}


def test_readiness_fails_with_the_name_of_what_failed(monkeypatch):
    """Without this a service without its store would still get traffic."""
    monkeypatch.setattr("targets.service.repositories.items.ItemRepository.ping", lambda _: fail())
    ready, live = calls([("GET", "/health/ready", {}), ("GET", "/health/live", {})])
    assert ready.status_code == 503
    assert ready.json()["errors"] == [{"loc": ["resource", "items"], "msg": "ZeroDivisionError", "type": "not-ready"}]
    assert live.status_code == 200


def test_the_arm_echoes_its_nonce_outside_of_headers():
    """Without this the harness could measure a stale process without noticing."""
    answer = get("/internal/arm", nonce="abc")
    assert answer.json()["nonce"] == "abc"
    assert answer.json()["stack"][-1] == "APIRouter"
    assert answer.json()["stack"].index("ProblemMiddleware") == answer.json()["stack"].index("ExceptionMiddleware") - 1
    assert not any("abc" in value for value in answer.headers.values())


EXPECTED = {
    "off": ([], {}),
    "pass_through": (["PassThroughMiddleware"], {}),
    "pure_asgi": (["SecurityHeadersMiddleware"], SECURITY),
    "base_http": (["BaseHTTPSecurityHeadersMiddleware"], SECURITY),
}
PATHS = ("/ping", ITEM, "/api/v1/items?limit=2", "/nowhere", "/openapi.json", "/broken")


def seen(**settings):
    """Give stack, and of each path status, headers and body, with ids that cannot repeat left out."""
    requests = [("GET", path, {"headers": {"X-Request-ID": "same"}}) for path in (*PATHS, "/internal/arm")]
    *answers, arm = calls(requests, routes=[("/broken", fail)], **settings)
    kept = [(a.status_code, dict(a.headers), a.json()) for a in answers]
    for _, headers, body in kept:
        headers.pop("content-length", None)
        body.pop("trace_id", None)
    return arm.json()["stack"], kept


@pytest.mark.parametrize("kind", EXPECTED)
def test_security_headers_change_the_frame_and_the_headers_alone(kind):
    """Without this the cost of the practice would be mixed with something else."""
    off_stack, off = seen(security_headers={"kind": "off"})
    stack, on = seen(security_headers={"kind": kind})
    frames, headers = EXPECTED[kind]
    assert [name for name in stack if name not in off_stack] == frames
    assert [name for name in stack if name in off_stack] == off_stack
    for (status, plain, body), (status_on, with_headers, body_on) in zip(off, on, strict=True):
        assert (status_on, body_on) == (status, body)
        assert with_headers == plain | headers


def test_correlation_off_removes_frame_and_header_alone():
    """Without this 'off' would still pay, or would break the errors."""
    on_stack, on = seen()
    off_stack, off = seen(correlation={"kind": "off"})
    assert [name for name in on_stack if name not in off_stack] == ["CorrelationMiddleware"]
    for (status, headers, body), (status_on, headers_on, body_on) in zip(off, on, strict=True):
        assert (status, body) == (status_on, body_on)
        assert headers | {"x-request-id": "same"} == headers_on
    assert get("/nowhere", correlation={"kind": "off"}).json()["trace_id"]


@pytest.mark.parametrize("kind", ["stdlib", "structlog"])
def test_logging_adds_a_frame_and_lines_but_changes_no_answer(kind, capfdbinary):
    """Without this a log line could not be joined to its request, or logging would alter the answers."""
    off_stack, off = seen()
    capfdbinary.readouterr()
    stack, on = seen(logging={"kind": kind}, environment="production")
    sys.stdout.flush()
    lines = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    assert on == off
    assert [name for name in stack if name not in off_stack] == ["AccessLogMiddleware"]
    requests = [line for line in lines if "path" in line]
    assert {line["request_id"] for line in requests} == {"same"}
    received = [line["path"] for line in requests if line["event"] == "request received"]
    assert received == [path.partition("?")[0] for path in (*PATHS, "/internal/arm")]
    completed = {line["path"]: line["status"] for line in requests if line["event"] == "request completed"}
    assert (completed["/ping"], completed["/nowhere"], completed["/broken"]) == (200, 404, 500)
    (failure,) = [line for line in lines if line["severity"] == "ERROR"]
    assert "secret reason" in failure["stack"]


def test_development_logs_are_for_people(capfdbinary):
    """Without this a developer would read JSON with escaped stack traces."""
    for kind in ("stdlib", "structlog"):
        get("/ping", logging={"kind": kind})
        sys.stdout.flush()
        out = capfdbinary.readouterr().out.decode()
        assert "request completed" in out
        assert not out.startswith("{")


def test_off_imports_nothing():
    """Without this 'off' would pay the memory of what it does not use (FastAPI itself imports orjson)."""
    code = (
        "import sys; from targets.service.main import create_app; create_app();"
        "print([m for m in ('structlog', 'msgspec') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=serving.ROOT,
        env=serving.environment({}),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
