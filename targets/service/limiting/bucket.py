"""Token bucket: it holds up to the limit, a request takes one token, and a window's length fills it.

A client that was silent may spend the whole limit at once and what drips in meanwhile.
"""

from __future__ import annotations

import math

from targets.service.limiting.quota import Decision, Quota

Level = tuple[float, int]
"""Tokens that were left, and when (µs since 1970)."""

TINY = 1e-9
"""Tokens: what is lost by rounding must not cost a client its request at the instant it was told."""


def step(quota: Quota, held: Level | None, now_us: int) -> tuple[Decision, Level]:
    """Decide one request, from what is held of its client to what is held next."""
    limit, window_us = quota.limit, quota.window_us
    before, at_us = (float(limit), now_us) if held is None else held
    # A clock that is set back gives no token twice.
    tokens = min(float(limit), before + max(0, now_us - at_us) * limit / window_us)
    if tokens + TINY < 1:
        reset_us = now_us + math.ceil((limit - tokens) * window_us / limit)
        retry_us = now_us + math.ceil((1 - TINY - tokens) * window_us / limit)
        refused = Decision(allowed=False, remaining=0, now_us=now_us, reset_us=reset_us, retry_us=retry_us)
        return refused, (before, at_us)
    left = max(0.0, tokens - 1)
    reset_us = now_us + math.ceil((limit - left) * window_us / limit)
    taken = Decision(allowed=True, remaining=int(left + TINY), now_us=now_us, reset_us=reset_us, retry_us=now_us)
    return taken, (left, max(now_us, at_us))


LUA = """
local before, at, held = limit, now, redis.call('GET', KEYS[1])
if held then
    before, at = string.match(held, '(%S+) (%S+)')
    before, at = tonumber(before), tonumber(at)
end
local tokens = math.min(limit, before + math.max(0, now - at) * limit / window)
if tokens + 1e-9 < 1 then
    local reset = now + math.ceil((limit - tokens) * window / limit)
    return {0, 0, now, reset, now + math.ceil((1 - 1e-9 - tokens) * window / limit)}
end
local left = math.max(0, tokens - 1)
local reset = now + math.ceil((limit - left) * window / limit)
local life = math.max(1, math.ceil((reset - now) / 1000))
redis.call('SET', KEYS[1], string.format('%.17g %.0f', left, math.max(now, at)), 'PX', life)
return {1, math.floor(left + 1e-9), now, reset, now}
"""
"""The same step in Valkey, on ``now``, ``limit`` and ``window``; KEYS[1] is the client."""
