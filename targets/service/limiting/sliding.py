"""Sliding window: no span of a window's length ever holds more admitted requests than the limit.

Exact, by remembering when each of them was admitted: memory for up to ``limit`` instants of each client.
"""

from __future__ import annotations

from collections import deque

from targets.service.limiting.quota import Decision, Quota

Admitted = deque[int]
"""When requests were admitted (µs since 1970), the oldest first; the step changes it in place."""


def step(quota: Quota, held: Admitted | None, now_us: int) -> tuple[Decision, Admitted]:
    """Decide one request, from what is held of its client to what is held next."""
    admitted: Admitted = deque() if held is None else held
    while admitted and admitted[0] <= now_us - quota.window_us:
        admitted.popleft()
    if len(admitted) >= quota.limit:
        reset_us, retry_us = admitted[-1] + quota.window_us, admitted[0] + quota.window_us
        return Decision(allowed=False, remaining=0, now_us=now_us, reset_us=reset_us, retry_us=retry_us), admitted
    admitted.append(now_us)
    left, reset_us = quota.limit - len(admitted), now_us + quota.window_us
    return Decision(allowed=True, remaining=left, now_us=now_us, reset_us=reset_us, retry_us=now_us), admitted


LUA = """
local first = redis.call('LINDEX', KEYS[1], 0)
while first and tonumber(first) <= now - window do
    redis.call('LPOP', KEYS[1])
    first = redis.call('LINDEX', KEYS[1], 0)
end
local used = redis.call('LLEN', KEYS[1])
if used >= limit then
    local last = redis.call('LINDEX', KEYS[1], -1)
    return {0, 0, now, tonumber(last) + window, tonumber(first) + window}
end
redis.call('RPUSH', KEYS[1], string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil(window / 1000))
return {1, limit - used - 1, now, now + window, now}
"""
"""The same step in Valkey, on ``now``, ``limit`` and ``window``; KEYS[1] is the client."""
