"""The three algorithms against models that anybody can check, on a clock that the test sets."""

from __future__ import annotations

import asyncio
import copy
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets.service.limiting import bucket, fixed, sliding
from targets.service.limiting.memory import MemoryLimiter
from targets.service.limiting.quota import SECOND_US, Quota

STEPS = {"fixed": fixed.step, "sliding": sliding.step, "bucket": bucket.step}
EPOCH_US = 1_790_000_000 * SECOND_US

quotas = st.builds(Quota, st.integers(1, 6), st.integers(1, 3).map(lambda seconds: seconds * SECOND_US))
gaps = st.lists(st.one_of(st.just(0), st.integers(0, 400_000), st.integers(0, 4 * SECOND_US)), min_size=1, max_size=40)


def walk(step, quota, waits, start_us=EPOCH_US):
    """Send requests with these waits before them; gives each decision with what was held after it."""
    held, now_us, seen = None, start_us, []
    for wait_us in waits:
        now_us += wait_us
        decision, held = step(quota, held, now_us)
        seen.append((decision, copy.copy(held)))
    return seen


def admitted_at_once(step, quota, held, now_us):
    """Count what one instant admits."""
    count, held = 0, copy.copy(held)
    while True:
        decision, held = step(quota, held, now_us)
        if not decision.allowed:
            return count
        count += 1


def fixed_model(quota, waits):
    """Count what was admitted since the window began."""
    now, admitted = EPOCH_US, []
    for wait in waits:
        now += wait
        allowed = sum(one // quota.window_us == now // quota.window_us for one in admitted) < quota.limit
        admitted += [now] * allowed
        yield allowed


def sliding_model(quota, waits):
    """Count what was admitted within a window's length."""
    now, admitted = EPOCH_US, []
    for wait in waits:
        now += wait
        allowed = sum(one > now - quota.window_us for one in admitted) < quota.limit
        admitted += [now] * allowed
        yield allowed


def bucket_model(quota, waits):
    """Drip and take, in fractions."""
    tokens = Fraction(quota.limit)
    for place, wait in enumerate(waits):
        tokens = min(Fraction(quota.limit), tokens + (Fraction(wait * quota.limit, quota.window_us) if place else 0))
        allowed = tokens >= 1
        tokens -= allowed
        yield allowed


MODELS = {"fixed": fixed_model, "sliding": sliding_model, "bucket": bucket_model}


@pytest.mark.parametrize("name", STEPS)
@given(quota=quotas, waits=gaps)
def test_an_algorithm_admits_what_its_model_does(name, quota, waits):
    """Without this a client would be refused what it may have, or be given more."""
    decided = [decision.allowed for decision, _ in walk(STEPS[name], quota, waits)]
    assert decided == list(MODELS[name](quota, waits))


@pytest.mark.parametrize("name", STEPS)
@given(quota=quotas, waits=gaps)
def test_remaining_reset_and_retry_are_true_to_the_request_and_to_the_microsecond(name, quota, waits):
    """Without this a client that does what it is told would be refused, or wait for nothing."""
    step = STEPS[name]
    for decision, held in walk(step, quota, waits):
        now_us = decision.now_us
        assert admitted_at_once(step, quota, held, now_us) == decision.remaining
        assert now_us < decision.reset_us <= now_us + quota.window_us
        assert admitted_at_once(step, quota, held, decision.reset_us) == quota.limit
        if not decision.allowed:
            assert decision.remaining == 0
            assert not step(quota, copy.copy(held), decision.retry_us - 1)[0].allowed
            assert step(quota, copy.copy(held), decision.retry_us)[0].allowed


@given(quota=quotas, waits=gaps)
def test_a_sliding_window_never_admits_more_than_the_limit_in_its_length(quota, waits):
    """Without this it would be no better than a fixed one, which admits twice the limit across its edge."""
    admitted = [decision.now_us for decision, _ in walk(sliding.step, quota, waits) if decision.allowed]
    for first in admitted:
        assert sum(first <= one < first + quota.window_us for one in admitted) <= quota.limit


def test_across_an_edge_a_fixed_window_admits_twice_the_limit():
    """Without this the reason to choose another algorithm would be hearsay."""
    quota = Quota(5, SECOND_US)
    waits = [SECOND_US - 1, *[0] * 9, 1, *[0] * 9]
    admitted = {name: sum(d.allowed for d, _ in walk(step, quota, waits)) for name, step in STEPS.items()}
    assert admitted == {"fixed": 10, "sliding": 5, "bucket": 5}


@pytest.mark.parametrize("name", STEPS)
@given(quota=quotas, waits=gaps, back_us=st.integers(1, 3 * SECOND_US))
def test_a_clock_that_is_set_back_gives_nothing_away(name, quota, waits, back_us):
    """Without this each correction of a machine's clock would open every limit once more."""
    step = STEPS[name]
    decision, held = walk(step, quota, [*waits, *[0] * quota.limit])[-1]
    later_us = decision.now_us - back_us
    assert decision.remaining == 0
    assert not step(quota, copy.copy(held), later_us)[0].allowed


@pytest.mark.parametrize("name", STEPS)
def test_memory_is_bounded_by_who_is_still_limited(name):
    """Without this a service would keep every address that ever asked, or be filled up by strangers."""
    now_us = EPOCH_US

    async def run():
        nonlocal now_us
        limiter = MemoryLimiter(Quota(2, SECOND_US), STEPS[name], lambda: now_us, clients_max=50)
        for number in range(200):
            assert (await limiter(f"stranger {number}")).allowed
        crowded = len(limiter)
        now_us += 2 * SECOND_US
        for _ in range(40):
            await limiter("resident")
        return crowded, len(limiter)

    assert asyncio.run(run()) == (50, 1)


@pytest.mark.parametrize("name", STEPS)
def test_clients_do_not_share_a_limit(name):
    """Without this one greedy client would be everybody's outage."""

    async def run():
        limiter = MemoryLimiter(Quota(3, SECOND_US), STEPS[name], lambda: EPOCH_US)
        greedy = [(await limiter("greedy")).allowed for _ in range(9)]
        return greedy, (await limiter("modest")).remaining

    assert asyncio.run(run()) == ([True] * 3 + [False] * 6, 2)
