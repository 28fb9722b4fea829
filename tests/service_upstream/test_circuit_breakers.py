"""Breakers before a real upstream: when they open, whom they let through, and what closes them again."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets.service.practices import retry
from targets.service.resilience.circuit import Circuit
from targets.service.resilience.counts import Counts
from tests.service_upstream.behind import (
    FAST,
    Hand,
    behave,
    calling,
    ledger,
    many,
    outcome,
    upstream,
)


def breaker(**settings):
    """Give a breaker that tries once and opens after five."""
    return retry.Breaker(**{"attempts": 1, "threshold": 5, "cooldown_s": 0.2, **FAST, **settings})


def test_a_breaker_opens_tries_one_and_closes():
    """Without this a service that is down would be asked for ever, or one that is back never again."""

    async def run():
        async with upstream(fail_share=1) as client, calling(client.base_url, breaker()) as quotes:
            seen = [[await outcome(quotes) for _ in range(8)]]
            counts = [(await ledger(client))["arrived"]]
            await asyncio.sleep(0.25)
            # It failed at its one try: open again.
            seen.append(await many(quotes, 6))
            counts.append((await ledger(client))["arrived"])
            await behave(client, fail_share=0.0)
            await asyncio.sleep(0.25)
            seen.append([await outcome(quotes) for _ in range(3)])
            counts.append((await ledger(client))["arrived"])
            return seen, counts, quotes.report()

    seen, counts, report = asyncio.run(run())
    assert seen == [["status"] * 5 + ["open"] * 3, ["status"] + ["open"] * 5, [1, 1, 1]]
    assert counts == [5, 6, 9]
    assert report["breaker_refused"] == 8
    times, states = zip(*report["transitions"], strict=True)
    assert states == ("open", "half-open", "open", "half-open", "closed")
    assert list(times) == sorted(times)
    assert report["breaker"] == "closed"


def test_a_breaker_that_opens_between_two_attempts_stops_the_call():
    """Without this each call under way would still send all its attempts to a service that is down."""

    async def run():
        async with upstream(fail_share=1) as client, calling(client.base_url, breaker(attempts=20)) as quotes:
            return await outcome(quotes), await ledger(client)

    found, seen = asyncio.run(run())
    assert (found, seen["arrived"]) == ("open", 5)


def test_a_breaker_leaves_alone_what_refuses_in_words():
    """Without this one client's bad requests would shut out all others."""

    async def run():
        async with upstream(fail_share=1, fail_status=404) as client, calling(client.base_url, breaker()) as quotes:
            return [await outcome(quotes) for _ in range(8)], quotes.report()["breaker"]

    assert asyncio.run(run()) == (["refused"] * 8, "closed")


@pytest.mark.parametrize(("behaviour", "kinds"), [({"fail_status": 500}, {"status"}), ({}, {"time-out", "busy"})])
def test_a_breaker_opens_for_whatever_is_the_upstreams_fault(behaviour, kinds):
    """Without this calls that find no free connection would pass for a service that is well."""

    async def run():
        share = "fail_share" if behaviour else "hang_share"
        settings = {"pool_size": 1, "read_timeout_s": 0.3, "pool_timeout_s": 0.02}
        async with (
            upstream(**{share: 1}, **behaviour) as client,
            calling(client.base_url, breaker(cooldown_s=60.0), **(settings if kinds != {"status"} else {})) as quotes,
        ):
            return await many(quotes, 10), await outcome(quotes), quotes.report()["breaker"]

    found, after, state = asyncio.run(run())
    assert (set(found) - {"open"}, after, state) == (kinds, "open", "open")


def test_a_trial_that_the_deadline_cuts_opens_the_breaker_again():
    """Without this one hanging trial would keep a breaker half-open, and everybody out, for ever."""

    async def run():
        async with upstream(hang_share=1) as client:
            settings = {"deadline_ms": 50.0, "read_timeout_s": 30.0}
            async with calling(client.base_url, breaker(threshold=1, cooldown_s=0.1), **settings) as quotes:
                first = [await outcome(quotes), await outcome(quotes)]
                await asyncio.sleep(0.12)
                second = [await outcome(quotes), await outcome(quotes)]
                await behave(client, hang_share=0.0)
                await asyncio.sleep(0.12)
                return first, second, await outcome(quotes)

    assert asyncio.run(run()) == (["deadline", "open"], ["deadline", "open"], 1)


def circuit(clock, **settings):
    """Give a circuit and its counts."""
    counts = Counts()
    return Circuit(clock, counts, **{"threshold": 3, "cooldown_s": 1.0, **settings}), counts


def test_a_circuit_opens_at_a_share_too():
    """Without this a service that fails every other time would never be given a rest."""
    clock = Hand()
    half, counts = circuit(clock, threshold=100, share=0.5, window=10)
    for number in range(10):
        assert counts.breaker == "closed"
        half.ended(half.permit(), failed=number % 2 == 1)
    assert counts.breaker == "open"
    assert half.left_s() == pytest.approx(1.0)


def test_what_began_before_it_opened_does_not_close_it():
    """Without this a slow success of the old days would let everybody in at once."""
    clock = Hand()
    one, counts = circuit(clock)
    early = [one.permit() for _ in range(5)]
    for permit in early[:3]:
        one.ended(permit, failed=True)
    clock.now_s += 1
    trial = one.permit()
    one.ended(early[3], failed=False)
    one.ended(early[4], failed=True)
    assert (counts.breaker, one.permit()) == ("half-open", None)
    one.ended(trial, failed=False)
    assert counts.breaker == "closed"


@given(st.lists(st.tuples(st.sampled_from(["ask", "worked", "failed", "wait"]), st.integers(0, 5)), max_size=60))
def test_one_at_a_time_while_half_open(steps):
    """Without this a service that is just coming back would be run over by all who waited."""
    clock = Hand()
    one, counts = circuit(clock)
    out = []
    for word, number in steps:
        if word == "wait":
            clock.now_s += number / 4
        elif word == "ask":
            before = counts.breaker
            permit = one.permit()
            if permit is not None:
                assert not (before == "half-open" and any(each == permit for each in out))
                out.append(permit)
        elif out:
            one.ended(out.pop(number % len(out)), failed=word == "failed")
        assert all(a != b for (_, a), (_, b) in itertools.pairwise(counts.transitions))
