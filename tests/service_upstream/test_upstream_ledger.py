"""The upstream by itself: what it counts is what happened, and it does what it was told."""

from __future__ import annotations

import asyncio
import contextlib

import httpx
import pytest

from targets.probes import plain
from targets.probes.upstream_process import upstream as upstream_process
from targets.upstream.behaviour import Behaviour, changed, fate, read_behaviour
from targets.upstream.gate import Gate
from tests.service_upstream.behind import behave, ledger, settled, upstream


def test_the_ledger_is_exact_under_200_at_once():
    """Without this an amplification would be a quotient of guesses."""

    async def run():
        async with upstream(capacity=4, work_ms=1) as client:
            headers = [{"X-Request-ID": f"call-{n % 50}", "X-Attempt": str(n % 4 + 1)} for n in range(200)]
            answers = await asyncio.gather(
                *(client.get(f"/quote/{n}", headers=each) for n, each in enumerate(headers, start=1))
            )
            return answers, await ledger(client)

    answers, seen = asyncio.run(run())
    assert [answer.json()["id"] for answer in answers] == list(range(1, 201))
    assert (seen["arrived"], seen["worked"], seen["answered"]) == (200, 200, {"200": 200})
    assert seen["attempts"] == {str(number): 50 for number in range(1, 5)}
    assert (seen["logical"], seen["versions"], seen["busy_max"]) == (50, {"1.1": 200}, 4)
    assert 100 < seen["waiting_max"] <= 196
    assert (seen["here"], seen["busy"], seen["waiting"], seen["abandoned"]) == (0, 0, 0, 0)


def test_failures_are_those_the_seed_says():
    """Without this 'one in ten fails' would be another number in each run."""
    behaviour = Behaviour(fail_share=0.1, seed=5)
    expected = [503 if fate(behaviour, number) == "fail" else 200 for number in range(200)]

    async def run():
        async with upstream() as client:
            seen = []
            for _ in range(2):
                await behave(client, fail_share=0.1, seed=5)
                seen.append([(await client.get("/quote/1")).status_code for _ in range(200)])
            return seen

    assert asyncio.run(run()) == [expected, expected]
    assert 5 < expected.count(503) < 40


@pytest.mark.parametrize(("after_work", "worked"), [(True, 5), (False, 2)])
def test_the_first_requests_fail_with_or_without_work(after_work, worked):
    """Without this a failure that costs the upstream its whole work could not be told from a cheap one."""

    async def run():
        async with upstream() as client:
            await behave(client, fail_first=3, fail_status=500, fail_after_work=after_work)
            return [(await client.get("/quote/1")).status_code for _ in range(5)], await ledger(client)

    statuses, seen = asyncio.run(run())
    assert statuses == [500, 500, 500, 200, 200]
    assert (seen["worked"], seen["answered"]) == (worked, {"200": 2, "500": 3})


async def leave(client, path, after_s=0.1):
    """Ask, and go away before the answer."""
    with contextlib.suppress(httpx.TimeoutException):
        await client.get(path, timeout=after_s)
        raise AssertionError("it was answered")


@pytest.mark.parametrize(("abandon", "worked"), [(False, 1), (True, 0)])
def test_work_goes_on_for_a_client_that_has_gone(abandon, worked):
    """Without this an overload would heal itself, and no retry could make it last."""

    async def run():
        async with upstream(work_ms=300, abandon=int(abandon)) as client:
            await leave(client, "/quote/1")
            return await settled(client, "abandoned", 1)

    seen = asyncio.run(run())
    assert (seen["worked"], seen["answered"], seen["here"], seen["busy"]) == (worked, {}, 0, 0)


def test_a_request_that_hangs_takes_no_turn_and_ends_with_its_client():
    """Without this a hang would block the whole upstream, or stay for ever."""

    async def run():
        async with upstream(capacity=1, hang_share=1.0) as client:
            await leave(client, "/quote/1")
            await settled(client, "abandoned", 1)
            await behave(client, hang_share=0.0)
            return (await client.get("/quote/1")).status_code, await ledger(client)

    status, seen = asyncio.run(run())
    assert (status, seen["worked"], seen["here"]) == (200, 1, 0)


def test_what_comes_beyond_the_queue_is_turned_away_at_once():
    """Without this the upstream's own shedding would be a rough number."""

    async def run():
        async with upstream(capacity=2, work_ms=200, queue_max=3) as client:
            answers = await asyncio.gather(*(client.get("/quote/1") for _ in range(20)))
            return answers, await ledger(client)

    answers, seen = asyncio.run(run())
    refused = [answer for answer in answers if answer.status_code == 503]
    assert (len(refused), seen["shed"], seen["worked"]) == (15, 15, 5)
    assert {answer.headers["retry-after"] for answer in refused} == {"1"}


@pytest.mark.parametrize(("deadlines", "expired"), [(False, 0), (True, 3)])
def test_time_that_is_up_before_the_turn_saves_the_work(deadlines, expired):
    """Without this deadline propagation could not be shown to save anything."""

    async def run():
        async with upstream(capacity=1, work_ms=150, deadlines=int(deadlines)) as client:
            first = asyncio.ensure_future(client.get("/quote/1", headers={"X-Timeout-Ms": "60000"}))
            await settled(client, "busy", 1)
            others = [client.get("/quote/2", headers={"X-Timeout-Ms": "10"}) for _ in range(3)]
            return [answer.status_code for answer in await asyncio.gather(first, *others)], await ledger(client)

    statuses, seen = asyncio.run(run())
    assert statuses == [200, *[504 if deadlines else 200] * 3]
    assert (seen["expired"], seen["worked"], seen["completed_late"]) == (expired, 4 - expired, 3 - expired)


@pytest.mark.parametrize(
    "changes",
    [
        {"work_ms": -1},
        {"capacity": 0},
        {"fail_share": 1.5},
        {"fail_share": 0.6, "hang_share": 0.6},
        {"fail_status": 200},
        {"fail_shar": 0.1},
        {"capacity": "4"},
        [],
        None,
    ],
)
def test_control_refuses_what_cannot_be(changes):
    """Without this a typing error would be measured as an upstream that is well."""

    async def run():
        async with upstream() as client:
            refused = await client.post("/control", json=changes)
            return refused, await client.get("/quote/1")

    refused, still = asyncio.run(run())
    assert (refused.status_code, still.status_code) == (400, 200)
    assert refused.json()["message"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("WORK_MS", "fast"),
        ("WORK_MS", "nan"),
        ("CAPACITY", "0"),
        ("FAIL_SHARE", "2"),
        ("WORKMS", "5"),
        ("ABANDON", "x"),
    ],
)
def test_the_environment_is_refused_by_name(name, text):
    """Without this an upstream would start with another capacity than its arm says."""
    with pytest.raises(ValueError, match=name.lower()):
        read_behaviour({f"UPSTREAM_{name}": text})


def test_the_environment_says_the_same_as_control():
    """Without this an upstream could not begin as a later change would make it."""
    given = {"UPSTREAM_WORK_MS": "5", "UPSTREAM_QUEUE_MAX": "7", "UPSTREAM_ABANDON": "1", "UPSTREAM_URL": "http://h"}
    assert read_behaviour(given) == changed(Behaviour(), {"work_ms": 5, "queue_max": 7, "abandon": True})


def test_turns_are_taken_in_order_and_none_is_lost():
    """Without this capacity would leak away with each client that gives up in the queue."""

    async def run():
        gate, order = Gate(1), []

        async def turn(name):
            await gate.enter(gate.ask())
            order.append(name)
            await asyncio.sleep(0)
            gate.leave()

        await gate.enter(gate.ask())
        tasks = [asyncio.ensure_future(turn(name)) for name in "abcd"]
        await asyncio.sleep(0)
        waiting = gate.waiting
        # One gives up while it waits, the other in the moment in which its turn comes.
        tasks[1].cancel()
        gate.leave()
        tasks[0].cancel()
        await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 10)
        gate.widen(3)
        return waiting, order, gate.inside, gate.full

    assert asyncio.run(run()) == (4, ["c", "d"], 0, False)


@pytest.mark.parametrize("server", ["uvicorn", "granian"])
def test_it_runs_as_a_process_under_each_server(server):
    """Without this the ledger could be right in a test and wrong in a measurement."""

    async def run(url):
        async with plain.client(url, timeout=30) as client:
            answers = await asyncio.gather(*(client.get("/quote/7") for _ in range(40)))
            await behave(client, hang_share=1.0)
            await leave(client, "/quote/1")
            return [answer.json() for answer in answers], await settled(client, "abandoned", 1)

    with upstream_process({"UPSTREAM_WORK_MS": "5"}, server) as url:
        answers, seen = asyncio.run(run(url))
    assert answers == [{"id": 7, "price": "8.07", "currency": "EUR"}] * 40
    assert (seen["arrived"], seen["answered"], seen["busy_max"], seen["here"]) == (41, {"200": 40}, 4, 0)
    assert 1 < seen["connections"] <= 41
