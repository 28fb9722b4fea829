"""The whole service in front of an upstream: answers, failures as problems, ids, readiness, and nothing where off."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys

import pytest

from targets.probes import plain
from targets.probes.served import served
from targets.probes.upstream_process import upstream as upstream_process
from targets.service.practices import retry
from targets.service.practices.upstream import On
from targets.service.settings import SettingsError, read_settings, serializers
from targets.service.upstream.url import complaint
from tests.service_upstream.behind import FAST, PATIENT, TRACE, behave, ledger, listening, settled, upstream
from tests.support import serving

PATH = "/api/v1/quotes/7"
QUOTE = {"id": 7, "price": "8.07", "currency": "EUR"}


@pytest.fixture
def service(monkeypatch):
    """Start the service in front of an upstream at this address."""

    def start(url, policy=None, serializer="pydantic", **settings):
        monkeypatch.setenv("UPSTREAM_URL", str(url))
        return serving.service(upstream=On(**settings), retry=policy or retry.Off(), serializer=serializer)

    return start


@pytest.mark.parametrize("serializer", serializers())
def test_a_quote_is_the_upstreams_whoever_writes_it(serializer, service):
    """Without this the service could not be compared with and without an upstream under one serializer."""

    async def run():
        async with upstream() as behind, service(behind.base_url, serializer=serializer) as client:
            return [await client.get(path) for path in (PATH, "/api/v1/quotes/0", "/api/v1/quotes/x")]

    found, *wrong = asyncio.run(run())
    assert (found.status_code, found.json()) == (200, QUOTE)
    assert {(answer.status_code, answer.json()["code"]) for answer in wrong} == {(422, "validation-failed")}


def test_ids_travel_on_to_the_upstream(service):
    """Without this a failure could not be followed from one service to the next."""
    seen = []

    async def app(scope, _receive, send):
        seen.append({name.decode(): value.decode() for name, value in scope["headers"]})
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(QUOTE).encode()})

    async def run():
        async with listening(app) as url, service(url) as client:
            await client.get(PATH, headers={"X-Request-ID": "mine", "traceparent": TRACE})
            return await client.get(PATH)

    made_up = asyncio.run(run())
    assert (seen[0]["x-request-id"], seen[0]["traceparent"]) == ("mine", TRACE)
    assert seen[1]["x-request-id"] == made_up.headers["x-request-id"] != "mine"
    assert [each["x-attempt"] for each in seen] == ["1", "1"]


TOLD = (
    ({"fail_status": 500}, 502, "upstream-failed", None),
    ({"fail_status": 503}, 502, "upstream-failed", None),
    ({"fail_status": 404}, 502, "upstream-failed", None),
    ({"fail_status": 504}, 504, "upstream-timed-out", None),
    ({"fail_status": 429}, 503, "upstream-busy", "1"),
    ({"fail_share": 0, "hang_share": 1}, 504, "upstream-timed-out", None),
)


def test_what_the_upstream_does_is_told_as_a_gateway_does(service):
    """Without this the upstream's failure would look like the service's own, or like the client's."""

    async def run():
        found = []
        async with upstream(fail_share=1) as behind, service(behind.base_url, read_timeout_s=0.1) as client:
            for behaviour, *_ in TOLD:
                await behave(behind, **behaviour)
                found.append(await client.get(PATH, headers={"X-Request-ID": "mine"}))
        return found

    for answer, (_, status, code, retry_after) in zip(asyncio.run(run()), TOLD, strict=True):
        assert (answer.status_code, answer.json()["code"], answer.json()["trace_id"]) == (status, code, "mine")
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers.get("retry-after") == retry_after


def test_a_deadline_that_is_over_is_a_504(service):
    """Without this a caller would wait on for what the service has given up."""

    async def run():
        settings = {"read_timeout_s": 30.0, "deadline_ms": 50.0}
        async with upstream(hang_share=1) as behind, service(behind.base_url, **settings) as client:
            return await client.get(PATH)

    answer = asyncio.run(run())
    assert (answer.status_code, answer.json()["code"]) == (504, "deadline-exceeded")


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"id": 7}', b'{"id": 7, "price": "many", "currency": "EUR"}'])
def test_an_answer_that_is_no_quote_is_a_502(body, service):
    """Without this another program on the upstream's port would be a 500."""

    async def app(_scope, _receive, send):
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def run():
        async with listening(app) as url, service(url, retry.Fixed(base_ms=1), **PATIENT) as client:
            return await client.get(PATH), (await client.get("/internal/upstream")).json()

    answer, report = asyncio.run(run())
    assert (answer.status_code, answer.json()["code"], report["attempts"]) == (502, "upstream-failed", 1)


def test_a_full_upstream_is_a_503_that_says_when_to_come_again(service):
    """Without this clients would come again at once and keep it full."""

    async def run():
        async with upstream(capacity=1, queue_max=0, work_ms=200) as behind, service(behind.base_url) as client:
            answers = await asyncio.gather(*(client.get(PATH) for _ in range(5)))
            return answers, await ledger(behind)

    answers, seen = asyncio.run(run())
    refused = [answer for answer in answers if answer.status_code == 503]
    assert (len(refused), seen["shed"]) == (4, 4)
    assert {(answer.json()["code"], answer.headers["retry-after"]) for answer in refused} == {("upstream-busy", "1")}


def test_an_own_pool_that_is_full_is_a_503(service):
    """Without this a call that was never sent would be told as the upstream's failure."""

    async def run():
        async with upstream(hang_share=1) as behind:
            settings = {"pool_size": 1, "pool_timeout_s": 0.05, "read_timeout_s": 0.5}
            async with service(behind.base_url, **settings) as client:
                answers = await asyncio.gather(*(client.get(PATH) for _ in range(3)))
            return answers, await settled(behind, "abandoned", 1)

    answers, seen = asyncio.run(run())
    assert sorted(answer.status_code for answer in answers) == [503, 503, 504]
    assert seen["arrived"] == 1


def test_an_open_circuit_is_a_503_and_can_be_read(service):
    """Without this nobody could tell a breaker at work from an upstream that is down."""
    breaker = retry.Breaker(attempts=1, threshold=2, cooldown_s=30.0, **FAST)

    async def run():
        async with upstream(fail_share=1) as behind, service(behind.base_url, breaker) as client:
            answers = [await client.get(PATH) for _ in range(4)]
            report = (await client.get("/internal/upstream")).json()
            schema = (await client.get("/openapi.json")).json()
            return answers, report, schema["paths"]

    answers, report, paths = asyncio.run(run())
    assert [answer.json()["code"] for answer in answers] == ["upstream-failed"] * 2 + ["circuit-open"] * 2
    assert {answer.headers["retry-after"] for answer in answers[2:]} == {"30"}
    assert (report["breaker"], [state for _, state in report["transitions"]]) == ("open", ["open"])
    assert (report["logical"], report["attempts"], report["given_up"], report["breaker_refused"]) == (4, 2, 4, 2)
    assert report["pid"] == os.getpid()
    assert [path for path in paths if "internal" in path] == []


def test_the_service_is_ready_without_its_upstream(service):
    """Without this an orchestrator would restart every service behind which one is down."""

    async def run():
        async with upstream() as behind, service(behind.base_url) as client:
            well = await client.get("/health/ready")
            url = str(behind.base_url)
        async with service(url) as client:
            return well, await client.get("/health/ready"), await client.get(PATH)

    well, without, quote = asyncio.run(run())
    assert (well.status_code, well.json()["checks"]["upstream"]) == (200, "ok")
    assert (without.status_code, without.json()["checks"]["upstream"]) == (200, "degraded")
    assert (quote.status_code, quote.json()["code"]) == (502, "upstream-failed")


def test_off_leaves_no_trace():
    """Without this 'no upstream' would pay for one: modules, endpoints, frames."""
    code = (
        "import asyncio, json, sys\n"
        "from targets.service.main import create_app\n"
        "app = create_app()\n"
        "async def run():\n"
        "    async with app.router.lifespan_context(app) as state:\n"
        "        return 'quotes' in state, 'upstream' in state['pings']\n"
        "kept = asyncio.run(run())\n"
        "names = ('tenacity', 'stamina', 'targets.service.resilience', 'targets.service.upstream', 'h2')\n"
        "paths = [path for path in app.openapi()['paths'] if 'quotes' in path]\n"
        "print(json.dumps([kept, [name for name in names if name in sys.modules], paths]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=serving.environment({}), capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == [[False, False], [], []]


def test_retries_without_calls_are_refused():
    """Without this a policy that has nothing to do would be measured as if it had."""

    async def run():
        async with serving.service(retry=retry.Fixed()):
            pass

    with pytest.raises(ValueError, match="SERVICE_UPSTREAM__KIND=on"):
        asyncio.run(run())


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("", "missing"),
        ("localhost:8000", "scheme"),
        ("redis://h", "scheme"),
        ("http://", "host"),
        ("http://h:0", "port"),
        ("http://h:many", "port"),
        ("http://u:p@h", "passwords"),
        ("http://h?x=1", "parameters"),
    ],
)
def test_a_wrong_address_is_named_before_anything_starts(url, wrong, monkeypatch):
    """Without this a typing error would be measured as an upstream that is down."""
    variables = {"SERVICE_UPSTREAM__KIND": "on", "UPSTREAM_URL": url}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        read_settings(variables)
    (line,) = caught.value.lines
    assert line.startswith("UPSTREAM_URL: ")
    assert wrong in line
    assert "http://host:port" in line


def test_settings_come_from_the_environment_as_they_are_written(monkeypatch):
    """Without this an arm's name would promise a time-out that is not kept."""
    variables = {
        "SERVICE_UPSTREAM__KIND": "on",
        "SERVICE_UPSTREAM__HTTP": "2",
        "SERVICE_UPSTREAM__DEADLINE_MS": "250",
        "SERVICE_RETRY__KIND": "breaker",
        "SERVICE_RETRY__SHARE": "0.5",
        "SERVICE_SHEDDING__KIND": "limit",
        "SERVICE_SHEDDING__IN_FLIGHT_MAX": "8",
        "UPSTREAM_URL": "https://h:1",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = read_settings(variables)
    assert found.upstream == On(http=2, deadline_ms=250.0)
    assert found.retry == retry.Breaker(share=0.5)
    assert found.shedding.in_flight_max == 8
    assert complaint(variables) is None


@pytest.mark.parametrize(("http", "version", "most"), [(1, "1.1", 40), (2, "2", 1)])
def test_both_apps_as_processes_speak_the_version_that_was_chosen(http, version, most, monkeypatch):
    """Without this an arm called HTTP/2 could speak HTTP/1.1 to its upstream."""
    settings = {"SERVICE_UPSTREAM__KIND": "on", "SERVICE_UPSTREAM__HTTP": str(http)}

    async def run(url, behind):
        async with plain.client(url, timeout=30) as client, plain.client(behind) as admin:
            await admin.post("/ledger/reset")
            answers = await asyncio.gather(*(client.get(PATH) for _ in range(40)))
            return answers, await ledger(admin)

    with upstream_process({"UPSTREAM_WORK_MS": "5"}, "granian") as behind:
        monkeypatch.setenv("UPSTREAM_URL", behind)
        with served(settings) as url:
            answers, seen = asyncio.run(run(url, behind))
    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, QUOTE)] * 40
    assert (seen["arrived"], seen["logical"], seen["versions"]) == (40, 40, {version: 40})
    assert 1 <= seen["connections"] <= most


@pytest.mark.parametrize("http", [1, 2])
@pytest.mark.parametrize("policy", [None, retry.ExponentialJitter(attempts=3, **FAST)])
def test_an_upstream_that_is_killed_is_never_a_500(http, policy, service):
    """Without this the death of one service would be told as a defect of another."""

    async def run(behind):
        async with plain.client(behind, timeout=30) as admin:
            await behave(admin, work_ms=200)
            pid = (await ledger(admin))["pid"]
            async with service(behind, policy, http=http) as client:
                calls = [asyncio.ensure_future(client.get(PATH)) for _ in range(60)]
                await settled(admin, "busy", 4)
                os.kill(pid, signal.SIGKILL)
                killed = await asyncio.gather(*calls)
                after = [await client.get(PATH) for _ in range(3)]
                return killed, after, await client.get("/health/ready")

    with upstream_process({}, "granian") as behind:
        # Granian's worker is a child of its first process, which the block ends.
        killed, after, ready = asyncio.run(run(behind))
    statuses = {answer.status_code for answer in killed}
    assert statuses <= {200, 502, 503, 504}
    assert statuses & {502, 503, 504}
    assert {answer.status_code for answer in after} <= {502, 503, 504}
    assert {answer.headers["content-type"] for answer in after} == {"application/problem+json"}
    assert ready.json()["checks"]["upstream"] == "degraded"


def test_a_connection_that_breaks_in_the_answer_is_a_502(service):
    """Without this half an answer would be a 500, or be taken for a quote."""

    async def half(reader, writer):
        with contextlib.suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"id": 7')
        await writer.drain()
        writer.close()

    async def run():
        async with await asyncio.start_server(half, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            async with service(f"http://127.0.0.1:{port}") as client:
                return await client.get(PATH)

    answer = asyncio.run(run())
    assert (answer.status_code, answer.json()["code"]) == (502, "upstream-failed")
