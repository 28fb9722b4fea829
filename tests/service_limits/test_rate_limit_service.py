"""Rate limits over ASGI, the service's stack whole: what clients are told, who is counted, what fails how."""

from __future__ import annotations

import asyncio
import json
import math
import subprocess
import sys
import time
from urllib.parse import urlsplit

import pytest

from targets.service.limiting.client import reader
from targets.service.practices.rate_limit import KINDS, Bucket, Fixed, Sliding
from targets.service.settings import SettingsError, read_settings
from tests.support import serving

PATH = "/api/v1/items?limit=1"
SECURITY = "x-content-type-options"


def calls(requests, **settings):
    """Send GETs one after the other, each with its path and headers, and give the responses."""

    async def run():
        async with serving.service(**settings) as client:
            return [await client.get(path, headers=headers) for path, headers in requests]

    return asyncio.run(run())


@pytest.mark.parametrize("kind", KINDS)
def test_the_standards_fields_count_down_to_a_429_that_says_when(kind):
    """Without this a client could not know what it may still ask, or when it may ask again."""
    before_s = time.time()
    answers = calls([(PATH, {})] * 5, rate_limit=kind(limit=3, window_s=3600))
    after_s = time.time()
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert {answer.headers["x-ratelimit-limit"] for answer in answers} == {"3"}
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0", "0"]
    for answer in answers:
        assert before_s < int(answer.headers["x-ratelimit-reset"]) <= math.ceil(after_s) + 3600
    assert ["retry-after" in answer.headers for answer in answers] == [False, False, False, True, True]
    retry_s = int(answers[3].headers["retry-after"])
    # A bucket gives the next token after a third of the window, the others at its end.
    bounds = (1190, 1200) if kind is Bucket else (1, 3600)
    assert bounds[0] <= retry_s <= bounds[1]
    assert "ratelimit" not in answers[0].headers


def test_a_refusal_is_a_problem_with_the_headers_of_every_answer():
    """Without this a client would meet a 429 that it cannot read, or join to a log."""
    answer = calls([(PATH, {"X-Request-ID": "mine"})] * 2, rate_limit=Fixed(limit=1, window_s=3600))[1]
    problem = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (429, "application/problem+json")
    assert (problem["code"], problem["status"], problem["trace_id"]) == ("rate-limited", 429, "mine")
    assert problem["type"].endswith("rate-limited")
    assert answer.headers["retry-after"] in problem["detail"]
    assert answer.headers["x-request-id"] == "mine"
    assert SECURITY in answer.headers


def test_the_drafts_fields_and_problem_say_the_same():
    """Without this a client of the draft could read neither quota nor refusal."""
    answers = calls([(PATH, {})] * 2, rate_limit=Sliding(limit=1, window_s=60, headers="draft"))
    assert [answer.headers["ratelimit-policy"] for answer in answers] == ['"default";q=1;w=60'] * 2
    assert [answer.headers["ratelimit"] for answer in answers] == ['"default";r=0;t=60'] * 2
    assert answers[1].headers["retry-after"] == "60"
    problem = answers[1].json()
    assert problem["type"] == "https://iana.org/assignments/http-problem-types#quota-exceeded"
    assert (problem["code"], problem["violated-policies"]) == ("quota-exceeded", ["default"])
    assert not [name for name in answers[0].headers if name.startswith("x-ratelimit")]


def test_errors_and_other_routes_count_too():
    """Without this a client could hammer what fails, which is often the dearest."""
    answers = calls([("/nowhere", {}), (PATH, {}), ("/api/v1/items/no-uuid", {})], rate_limit=Fixed(limit=2))
    assert [answer.status_code for answer in answers] == [404, 200, 429]
    assert answers[0].headers["x-ratelimit-remaining"] == "1"


def test_orchestrators_and_instruments_are_not_counted_unless_asked():
    """Without this a limit would take a service out of its own orchestrator's hands."""
    paths = ["/health/live", "/health/ready", "/ping", "/internal/arm"] * 2
    answers = calls([(path, {}) for path in [*paths, PATH]], rate_limit=Fixed(limit=1))
    assert {answer.status_code for answer in answers} == {200}
    assert ["x-ratelimit-limit" in answer.headers for answer in answers] == [False] * 8 + [True]
    asked = calls([("/ping", {}), ("/ping", {}), ("/pingpong", {})], rate_limit=Fixed(limit=1, exempt=()))
    assert [answer.status_code for answer in asked] == [200, 429, 429]
    alike = calls([("/pingpong", {}), ("/healthy", {})], rate_limit=Fixed(limit=1))
    assert [answer.status_code for answer in alike] == [404, 429]


def test_a_header_tells_clients_apart_and_without_it_the_address_does():
    """Without this everybody behind one gateway would share a limit, or a client without the field have none."""
    who = [{"X-Client": "ada"}, {"X-Client": "bob"}, {}, {"X-Client": "ada"}, {}]
    answers = calls([(PATH, headers) for headers in who], rate_limit=Fixed(limit=1, client="X-Client"))
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    peers = calls([(PATH, headers) for headers in who[:2]], rate_limit=Fixed(limit=1))
    assert [answer.status_code for answer in peers] == [200, 429]


def test_a_clients_name_is_of_one_length_and_no_address():
    """Without this a client could fill the store with long names, or speak as an address that is not its own."""
    read = reader("X-Client")
    scope = {"headers": [(b"x-client", b"x" * 8000)], "client": ("10.0.0.1", 5)}
    forged = {"headers": [(b"x-client", b"10.0.0.1")], "client": ("10.0.0.9", 5)}
    names = [read(scope), read(forged), read({**scope, "headers": []}), read({"headers": []})]
    assert {len(name) for name in names} == {32}
    assert len(set(names)) == 4
    assert reader("peer")(scope) == names[2]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("fail", "status", "ready"), [("open", 200, 200), ("closed", 503, 503)])
def test_without_valkey_it_is_open_or_closed_as_it_was_asked(kind, fail, status, ready, monkeypatch, capsys):
    """Without this nobody could say whether an outage of Valkey lets everyone in or keeps everyone out."""
    monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{serving.free_port()}/0")
    requests = [(PATH, {}), (PATH, {}), ("/health/ready", {}), ("/health/live", {})]
    first, second, asked, live = calls(requests, rate_limit=kind(store="valkey", limit=1, fail=fail))
    assert (first.status_code, second.status_code, asked.status_code, live.status_code) == (status, status, ready, 200)
    assert "x-ratelimit-limit" not in first.headers
    if fail == "closed":
        assert first.json()["code"] == "rate-limit-unavailable"
        assert first.headers["retry-after"] == "1"
    else:
        assert asked.json()["checks"]["rate_limit"] == "degraded"
    # Once, and not for each request: the store is left alone for a while.
    assert capsys.readouterr().err.count("rate limits unavailable") == 1


def test_a_valkey_that_hangs_costs_one_request_its_time_out(monkeypatch):
    """Without this a hung store would slow down every request, which is worse than no limit."""

    async def run():
        async def silent(*_):
            await asyncio.sleep(60)

        hung = await asyncio.start_server(silent, "127.0.0.1", 0)
        port = hung.sockets[0].getsockname()[1]
        monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{port}/0")
        async with serving.service(rate_limit=Fixed(store="valkey", timeout_s=0.5)) as client:
            took_s = []
            for _ in range(20):
                start_s = time.monotonic()
                assert (await client.get(PATH)).status_code == 200
                took_s.append(time.monotonic() - start_s)
        hung.close()
        return took_s

    took_s = asyncio.run(run())
    assert took_s[0] >= 0.5
    assert sum(one >= 0.5 for one in took_s) < len(took_s) / 2


def test_it_counts_again_when_valkey_is_back(valkey, monkeypatch):
    """Without this one error would lift the limits until the next deployment."""
    port = serving.free_port()

    async def forward(reader, writer):
        parts = urlsplit(valkey.url)
        upstream, downstream = await asyncio.open_connection(parts.hostname, parts.port)
        await asyncio.gather(_pipe(reader, downstream), _pipe(upstream, writer))

    async def run():
        async with serving.service(rate_limit=Fixed(store="valkey", limit=100_000, timeout_s=5)) as client:
            without = await client.get(PATH)
            server = await asyncio.start_server(forward, "127.0.0.1", port)
            deadline_s, again = time.monotonic() + 30, without
            while "x-ratelimit-remaining" not in again.headers and time.monotonic() < deadline_s:
                await asyncio.sleep(0.05)
                again = await client.get(PATH)
        server.close()
        return without, again

    monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{port}/0")
    without, again = asyncio.run(run())
    assert (without.status_code, "x-ratelimit-remaining" in without.headers) == (200, False)
    assert (again.status_code, "x-ratelimit-remaining" in again.headers) == (200, True)


async def _pipe(reader, writer):
    """Pass bytes on until there are no more."""
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.close()


@pytest.mark.parametrize(
    ("variables", "named", "hint"),
    [
        ({"KIND": "leaky"}, "SERVICE_RATE_LIMIT", "bucket"),
        ({"LIMIT": "5"}, "SERVICE_RATE_LIMIT__KIND", "not set"),
        ({"KIND": "fixed", "LIMIT": "0"}, "SERVICE_RATE_LIMIT__LIMIT", "greater than or equal to 1"),
        ({"KIND": "sliding", "LIMIT": "-3"}, "SERVICE_RATE_LIMIT__LIMIT", "greater than or equal to 1"),
        ({"KIND": "bucket", "WINDOW_S": "0"}, "SERVICE_RATE_LIMIT__WINDOW_S", "greater than or equal to 1"),
        ({"KIND": "fixed", "WINDOW_S": "1.5"}, "SERVICE_RATE_LIMIT__WINDOW_S", "integer"),
        ({"KIND": "fixed", "CLIENT": "X Client"}, "SERVICE_RATE_LIMIT__CLIENT", "pattern"),
        ({"KIND": "fixed", "HEADERS": "github"}, "SERVICE_RATE_LIMIT__HEADERS", "draft"),
        ({"KIND": "fixed", "EXEMPT": '["ping"]'}, "SERVICE_RATE_LIMIT__EXEMPT", "pattern"),
        ({"KIND": "fixed", "FAIL": "half"}, "SERVICE_RATE_LIMIT__FAIL", "closed"),
        ({"KIND": "fixed", "TIMEOUT_S": "0"}, "SERVICE_RATE_LIMIT__TIMEOUT_S", "greater"),
        ({"KIND": "off", "LIMIT": "5"}, "SERVICE_RATE_LIMIT__LIMIT", "not permitted"),
        ({"KIND": "bucket", "STORE": "valkey"}, "REDIS_URL", "SERVICE_RATE_LIMIT__STORE=memory"),
        ({"KIND": "bucket", "STORE": "valkey", "REDIS": "http://x"}, "REDIS_URL", "redis"),
    ],
)
def test_a_setting_that_cannot_be_is_named_before_anything_starts(variables, named, hint, monkeypatch):
    """Without this a typing error would be measured as a service without a limit, or one that refuses everyone."""
    given = {f"SERVICE_RATE_LIMIT__{name}": value for name, value in variables.items() if name != "REDIS"}
    given["REDIS_URL"] = variables.get("REDIS", "")
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        read_settings(given)
    assert named in str(caught.value)
    assert hint in str(caught.value)


def test_paths_that_are_not_counted_can_be_chosen_by_a_variable(monkeypatch):
    """Without this only code could say what a limit is for."""
    given = {"SERVICE_RATE_LIMIT__KIND": "fixed", "SERVICE_RATE_LIMIT__EXEMPT": '["/internal"]'}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert read_settings(given).rate_limit.exempt == ("/internal",)


def test_off_leaves_no_trace_and_memory_needs_no_client_of_valkey():
    """Without this a service without limits would pay for them: a frame, modules, a client."""
    code = (
        "import asyncio, json, sys\n"
        "from targets.service.main import create_app\n"
        "app = create_app()\n"
        "async def run():\n"
        "    async with app.router.lifespan_context(app) as state:\n"
        "        return 'rate_limit' in state\n"
        "kept = asyncio.run(run())\n"
        "loaded = any(name.startswith('targets.service.limiting') for name in sys.modules)\n"
        "frames = [frame.cls.__name__ for frame in app.user_middleware]\n"
        "print(json.dumps([kept, loaded, 'RateLimitMiddleware' in frames, 'redis' in sys.modules]))\n"
    )
    seen = []
    for changes in ({}, {"SERVICE_RATE_LIMIT__KIND": "sliding"}):
        done = subprocess.run(
            [sys.executable, "-c", code], env=serving.environment(changes), capture_output=True, text=True, check=True
        )
        seen.append(json.loads(done.stdout))
    assert seen == [[False, False, False, False], [True, True, True, False]]
