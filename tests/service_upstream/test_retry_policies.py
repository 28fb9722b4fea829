"""Policies against a real upstream: how often they send, when they stop, and what they learn."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from targets.service.practices import retry
from targets.upstream.behaviour import Behaviour, fate
from tests.service_upstream.behind import (
    CALLS,
    FAST,
    FOUR_ATTEMPTS,
    TRACE,
    behave,
    calling,
    ledger,
    listening,
    many,
    outcome,
    settled,
    upstream,
)


@pytest.mark.parametrize("name", FOUR_ATTEMPTS)
def test_three_retries_are_four_attempts(name):
    """Without this a policy could load a service that is down more, or less, than its name says."""

    async def run():
        seen = []
        async with upstream() as client, calling(client.base_url, FOUR_ATTEMPTS[name]) as quotes:
            for share in (0.0, 1.0):
                await client.post("/ledger/reset")
                await behave(client, fail_share=share)
                outcomes = await many(quotes)
                seen.append((set(outcomes) == {"status"}, await ledger(client)))
            return seen, quotes.report()

    ((down, well), (up, failed)), report = asyncio.run(run())
    assert (down, up) == (False, True)
    assert (well["arrived"], well["logical"], well["attempts"]) == (CALLS, CALLS, {"1": CALLS})
    assert (failed["arrived"], failed["logical"]) == (4 * CALLS, CALLS)
    assert failed["attempts"] == {str(number): CALLS for number in (1, 2, 3, 4)}
    assert (report["logical"], report["attempts"], report["retries"]) == (2 * CALLS, 5 * CALLS, 3 * CALLS)
    assert (report["given_up"], report["hedges"], report["breaker_refused"]) == (CALLS, 0, 0)


@pytest.mark.parametrize("name", FOUR_ATTEMPTS)
def test_a_call_ends_with_its_first_answer(name):
    """Without this retries would go on behind an answer, or stop one short of it."""

    async def run():
        seen = []
        async with upstream() as client, calling(client.base_url, FOUR_ATTEMPTS[name]) as quotes:
            for fails in range(6):
                await client.post("/ledger/reset")
                await behave(client, fail_first=fails)
                seen.append((await outcome(quotes, 7), (await ledger(client))["arrived"]))
        return seen

    assert asyncio.run(run()) == [(7, 1), (7, 2), (7, 3), (7, 4), ("status", 4), ("status", 4)]


@pytest.mark.parametrize("name", FOUR_ATTEMPTS)
def test_only_what_may_pass_is_tried_again(name):
    """Without this a request that is wrong would be sent four times."""

    async def run():
        seen = {}
        async with upstream(fail_share=1) as client, calling(client.base_url, FOUR_ATTEMPTS[name]) as quotes:
            for status in (400, 404, 429, 500, 502, 503, 504):
                await client.post("/ledger/reset")
                await behave(client, fail_status=status)
                await outcome(quotes)
                seen[status] = (await ledger(client))["arrived"]
        return seen

    assert asyncio.run(run()) == {400: 1, 404: 1, 429: 4, 500: 1, 502: 4, 503: 4, 504: 4}


def test_a_silent_upstream_is_tried_again():
    """Without this the commonest failure of all, no answer, would have no second chance."""

    async def run():
        async with (
            upstream(hang_share=1) as client,
            calling(client.base_url, FOUR_ATTEMPTS["fixed"], read_timeout_s=0.05) as quotes,
        ):
            return await outcome(quotes), await settled(client, "abandoned", 4)

    found, seen = asyncio.run(run())
    assert (found, seen["arrived"], seen["answered"]) == ("time-out", 4, {})


def test_nobody_there_is_tried_again():
    """Without this a restart of the upstream would fail every call that meets it."""

    async def run():
        async with upstream() as client:
            url = str(client.base_url)
        async with calling(url, FOUR_ATTEMPTS["exponential_jitter"]) as quotes:
            return await outcome(quotes), quotes.report()

    found, report = asyncio.run(run())
    assert (found, report["attempts"]) == ("connection", 4)


@pytest.mark.parametrize(("healthy", "reserve", "ratio"), [(0, 10, 0.1), (50, 5, 0.1), (20, 0, 0.5)])
def test_a_budget_bounds_what_retries_add(healthy, reserve, ratio):
    """Without this retries would multiply the load exactly when the upstream is down."""
    calls = 60
    budget = retry.Budget(attempts=4, reserve=reserve, ratio=ratio, **FAST)

    async def run():
        async with upstream() as client, calling(client.base_url, budget) as quotes:
            for number in range(healthy):
                await outcome(quotes, number + 1)
            await behave(client, fail_share=1.0)
            for number in range(calls):
                await outcome(quotes, number + 1)
            return quotes.report(), await ledger(client)

    report, seen = asyncio.run(run())
    assert report["retries"] == reserve
    assert seen["arrived"] == healthy + calls + reserve
    # Every call that ended early was refused a token.
    assert report["budget_refused"] == calls - reserve // 3


def test_successes_pay_for_retries():
    """Without this a client would never try again after its first bad minute."""
    budget = retry.Budget(attempts=4, reserve=2, ratio=0.1, **FAST)

    async def run():
        async with upstream(fail_share=1) as client, calling(client.base_url, budget) as quotes:
            before = [await outcome(quotes), quotes.report()["retries"], await outcome(quotes)]
            emptied = quotes.report()["retries"]
            await behave(client, fail_share=0.0)
            for _ in range(10):
                await outcome(quotes)
            await behave(client, fail_share=1.0)
            await outcome(quotes)
            return before, emptied, quotes.report()["retries"]

    assert asyncio.run(run()) == (["status", 2, "status"], 2, 3)


def seed_with(*fates, **shares):
    """Find a seed under which the first requests meet these fates."""
    return next(
        seed
        for seed in itertools.count()
        if tuple(fate(Behaviour(seed=seed, **shares), number) for number in range(len(fates))) == fates
    )


def test_a_hedge_answers_for_one_that_hangs_and_the_loser_is_cancelled():
    """Without this hedging would double the connections instead of cutting the tail."""
    seed = seed_with("hang", "work", hang_share=0.5)

    async def run():
        async with (
            upstream(hang_share=0.5, seed=seed) as client,
            calling(client.base_url, retry.Hedging(hedge_ms=50), read_timeout_s=30.0) as quotes,
        ):
            # Far below the read time-out: a loser that is not cancelled would be waited for.
            found = await asyncio.wait_for(outcome(quotes), 10)
            return found, await settled(client, "abandoned", 1), quotes.report()

    found, seen, report = asyncio.run(run())
    assert (found, seen["arrived"], seen["here"], seen["logical"]) == (1, 2, 0, 1)
    assert seen["attempts"] == {"1": 1, "2": 1}
    assert (report["hedges"], report["retries"], report["given_up"]) == (1, 0, 0)


def test_no_hedge_follows_a_quick_answer():
    """Without this hedging would double the load of a service that is well."""

    async def run():
        async with upstream() as client, calling(client.base_url, retry.Hedging(hedge_ms=5_000)) as quotes:
            return await many(quotes), await ledger(client), quotes.report()["hedges"]

    found, seen, hedges = asyncio.run(run())
    assert (found, seen["arrived"], hedges) == (list(range(1, CALLS + 1)), CALLS, 0)


@pytest.mark.parametrize(("fails", "answer", "retries"), [(1, 1, 1), (2, "status", 1)])
def test_a_first_attempt_that_fails_early_is_tried_again_at_once(fails, answer, retries):
    """Without this a hedging client would wait for the clock with a failure in its hand."""

    async def run():
        async with (
            upstream(fail_first=fails) as client,
            calling(client.base_url, retry.Hedging(hedge_ms=60_000)) as quotes,
        ):
            return await outcome(quotes), await ledger(client), quotes.report()

    found, seen, report = asyncio.run(run())
    assert (found, seen["arrived"], report["hedges"], report["retries"]) == (answer, 2, 0, retries)


async def recorded(policy, headers_of_calls, **settings):
    """Call an upstream that answers 503 after 30 ms and keeps what it was sent."""
    seen = []

    async def app(scope, _receive, send):
        seen.append({name.decode(): value.decode() for name, value in scope["headers"]})
        await asyncio.sleep(0.03)
        await send({"type": "http.response.start", "status": 503, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    async with listening(app) as url, calling(url, policy, **settings) as quotes:
        found = [await outcome(quotes, **more) for more in headers_of_calls]
        return found, seen, quotes.report()


def test_the_deadline_shrinks_with_each_attempt():
    """Without this the upstream would work for a caller whose time is up."""
    found, seen, _ = asyncio.run(recorded(FOUR_ATTEMPTS["fixed"], [{}], deadline_ms=800.0))
    left_ms = [int(each["x-timeout-ms"]) for each in seen]
    assert (found, len(left_ms)) == (["status"], 4)
    assert all(later <= earlier - 30 for earlier, later in itertools.pairwise(left_ms))
    assert left_ms[0] <= 800


def test_attempts_of_one_call_share_its_id_and_are_numbered():
    """Without this amplification could not be counted at the upstream."""
    _, seen, _ = asyncio.run(recorded(FOUR_ATTEMPTS["exponential"], [{}, {}]))
    assert [each["x-attempt"] for each in seen] == ["1", "2", "3", "4"] * 2
    ids = [each["x-request-id"] for each in seen]
    assert len(set(ids[:4])) == len(set(ids[4:])) == 1
    assert ids[0] != ids[4]
    assert all("traceparent" not in each for each in seen)
    assert TRACE not in ids


@pytest.mark.parametrize(
    ("policy", "deadline_ms", "outcomes"),
    [
        (retry.Fixed(base_ms=20_000.0), 10_000.0, ["status"]),
        (retry.Exponential(base_ms=20_000.0, cap_ms=60_000.0), 10_000.0, ["status"]),
        # stamina falls asleep and has to be woken.
        (retry.Stamina(base_ms=20_000.0, cap_ms=60_000.0), 300.0, ["deadline"]),
    ],
    ids=["fixed", "exponential", "stamina"],
)
def test_no_attempt_follows_a_pause_that_outlasts_the_deadline(policy, deadline_ms, outcomes):
    """Without this a call would sleep through its deadline only to be told that it is over."""
    found, seen, report = asyncio.run(recorded(policy, [{}], deadline_ms=deadline_ms))
    assert (found, len(seen), report["given_up"]) == (outcomes, 1, 1)


@pytest.mark.parametrize("name", [*FOUR_ATTEMPTS, "hedging"])
def test_a_deadline_ends_a_call_under_every_policy(name):
    """Without this a caller would wait for all attempts of a service that says nothing."""
    policy = FOUR_ATTEMPTS.get(name, retry.Hedging(hedge_ms=10))

    async def run():
        async with (
            upstream(hang_share=1) as client,
            calling(client.base_url, policy, deadline_ms=80.0, read_timeout_s=30.0) as quotes,
        ):
            found = await asyncio.wait_for(outcome(quotes), 10)
            seen = await settled(client, "abandoned", 2 if name == "hedging" else 1)
            return found, seen, quotes.report()

    found, seen, report = asyncio.run(run())
    assert (found, seen["here"], report["cut"], report["given_up"]) == ("deadline", 0, 1, 1)


def test_a_callers_deadline_counts_and_binds_only_where_there_is_one():
    """Without this 'wasted' would mean another thing in each arm."""

    async def run(**settings):
        async with upstream(work_ms=100) as client, calling(client.base_url, **settings) as quotes:
            return await outcome(quotes, caller_ms=20), quotes.report()

    unbound, counted = asyncio.run(run())
    bound, cut = asyncio.run(run(deadline_ms=5_000.0))
    assert (unbound, counted["wasted"], counted["cut"]) == (1, 1, 0)
    assert (bound, cut["wasted"], cut["cut"]) == ("deadline", 0, 1)


@pytest.mark.parametrize("size", [1, 3])
def test_calls_that_are_cut_off_give_their_connections_back(size):
    """Without this a service would run out of connections some deadlines later."""

    async def run():
        async with upstream(hang_share=1) as client:
            settings = {"pool_size": size, "deadline_ms": 30.0, "read_timeout_s": 30.0, "pool_timeout_s": 30.0}
            async with calling(client.base_url, **settings) as quotes:
                cut = await many(quotes, 40)
                await behave(client, hang_share=0.0)
                return cut, await many(quotes, size)

    cut, after = asyncio.run(run())
    assert set(cut) == {"deadline"}
    assert after == list(range(1, size + 1))
