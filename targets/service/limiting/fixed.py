"""Fixed windows: each begins at a multiple of its length, with the whole limit.

Cheap, and open to bursts: the end of one window and the beginning of the next together admit twice the limit.
"""

from __future__ import annotations

from targets.service.limiting.quota import Decision, Quota

Used = tuple[int, int]
"""When the window began (µs since 1970), and how many requests it has admitted."""


def step(quota: Quota, held: Used | None, now_us: int) -> tuple[Decision, Used]:
    """Decide one request, from what is held of its client to what is held next."""
    start_us, used = now_us - now_us % quota.window_us, 0
    # A clock that is set back opens no new window.
    if held is not None and held[0] >= start_us:
        start_us, used = held
    reset_us = start_us + quota.window_us
    allowed = used < quota.limit
    used += allowed
    return Decision(allowed, quota.limit - used, now_us, reset_us, now_us if allowed else reset_us), (start_us, used)


LUA = """
local start, used, held = now - now % window, 0, redis.call('GET', KEYS[1])
if held then
    local began, count = string.match(held, '(%d+) (%d+)')
    if tonumber(began) >= start then start, used = tonumber(began), tonumber(count) end
end
local reset = start + window
if used >= limit then return {0, 0, now, reset, reset} end
used = used + 1
redis.call('SET', KEYS[1], string.format('%.0f %d', start, used), 'PX', math.ceil((reset - now) / 1000))
return {1, limit - used, now, reset, now}
"""
"""The same step in Valkey, on ``now``, ``limit`` and ``window``; KEYS[1] is the client."""
