"""Load shedding: so many are taken and not one more, and who watches the service always gets in."""

from __future__ import annotations

import asyncio

import pytest

from targets.service.practices.shedding import Limit
from tests.support import serving

HELD = "/held"


def together(paths, limit, release_after=1):
    """Send requests at once; those to HELD wait until so many of them have arrived and a moment has passed."""

    async def run():
        arrived, go = asyncio.Semaphore(0), asyncio.Event()

        async def held():
            arrived.release()
            await go.wait()

        async with serving.service(shedding=Limit(in_flight_max=limit)) as client:
            client.app.add_api_route(HELD, held)
            calls = [asyncio.ensure_future(client.get(path)) for path in paths]
            for _ in range(release_after):
                await arrived.acquire()
            done, _ = await asyncio.wait(calls, timeout=0.2)
            go.set()
            early = {calls.index(call) for call in done}
            return await asyncio.gather(*calls), early, await client.get(HELD)

    return asyncio.run(run())


@pytest.mark.parametrize("limit", [1, 5, 20])
def test_exactly_the_limit_is_taken(limit):
    """Without this 'at most n' would let in one more, or turn one away too early."""
    answers, early, after = together([HELD] * 30, limit, limit)
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(200), statuses.count(503)) == (limit, 30 - limit)
    # Refusals did not wait for those inside, and a place is free again.
    assert early == {number for number, status in enumerate(statuses) if status == 503}
    assert after.status_code == 200


def test_a_refusal_is_a_problem_with_ids_and_headers():
    """Without this a client would meet the one error that it cannot read just when all is full."""
    answers, _, _ = together([HELD, HELD], 1)
    (refused,) = [answer for answer in answers if answer.status_code == 503]
    assert (refused.headers["content-type"], refused.headers["retry-after"]) == ("application/problem+json", "1")
    assert refused.json()["code"] == "overloaded"
    assert refused.headers["x-request-id"] == refused.json()["trace_id"]
    assert refused.headers["x-content-type-options"] == "nosniff"


def test_who_watches_gets_in_when_it_is_full():
    """Without this an orchestrator would restart a service for being busy."""
    watching = ["/health/live", "/health/ready", "/internal/arm"]
    answers, early, _ = together([HELD, *watching, "/ping"], 1)
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 503]
    assert early == {1, 2, 3, 4}


def test_a_request_that_fails_leaves_its_place():
    """Without this each failure would take a place away for good."""

    async def run():
        async with serving.service(shedding=Limit(in_flight_max=1)) as client:
            client.app.add_api_route("/broken", _fail)
            return [(await client.get(path)).status_code for path in ("/broken", "/nowhere", "/broken", "/ping")]

    assert asyncio.run(run()) == [500, 404, 500, 200]


async def _fail():
    raise ZeroDivisionError
