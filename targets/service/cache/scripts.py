"""What Valkey decides by itself, because between a look and a set of ours another process may come."""

RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""
"""Release a lock that is still one's own: KEYS lock, ARGV token."""

_HELD = """
local held = redis.call('GET', KEYS[1])
local version = held and string.match(string.sub(held, 1, 20), '^%d+$')
"""

SET_UNLESS_NEWER = (
    _HELD
    + """
if version and #version == 20 and version > ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1] .. ARGV[2], 'PX', ARGV[3])
return 1
"""
)
"""KEYS entry, ARGV version, payload, time to live in ms; gives 0 if something newer is there."""

MARK_UNLESS_NEWER = (
    _HELD
    + """
if version and #version == 20 and version >= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
)
"""KEYS entry, ARGV version, time to live of the mark in ms; leaves alone what has the version already."""
