"""Keys in Valkey: claimed before the operation, answered after it, and so apart from what the operation commits.

A process that dies between the commit and the saving leaves an order without an answer: once the claim has ended, a
retry makes a second order.  No order of the two steps mends that; one transaction for both does (``rows``).
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import RedisError

from targets.service.cache.scripts import RELEASE
from targets.service.cache.url import VARIABLE
from targets.service.idempotency.answer import Answer, Kept
from targets.service.idempotency.asked import Asked
from targets.service.idempotency.faults import FAULTS, Fault
from targets.service.idempotency.keeper import Life, Process
from targets.service.idempotency.rules import RULES, Rules, expired, in_progress
from targets.service.practices.idempotency import Valkey
from targets.service.problems import Problem

SOCKET_S = 2.0
"""Longer than a cache is waited for: going on without the store would be to process twice."""
CONNECTIONS_MAX = 64

SAVE = """
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
if ARGV[4] ~= '0' then redis.call('SET', KEYS[2], '', 'PX', ARGV[4]) end
return 1
"""
"""KEYS entry, tombstone; ARGV claim, answer, its life and that of the tombstone in ms (0: none).

A claim that somebody else has taken over since is left alone.
"""

_CLAIM = b"claim "
_SCAN = 1000


@asynccontextmanager
async def opened(chosen: Valkey) -> AsyncIterator[ValkeyKeeper]:
    """Give the keeper of keys at REDIS_URL until the block ends; nothing is connected before the first command.

    A command is never tried twice: a claim whose answer was lost would be taken for somebody else's.
    """
    pool = BlockingConnectionPool.from_url(
        os.environ.get(VARIABLE, ""),
        max_connections=CONNECTIONS_MAX,
        timeout=SOCKET_S,
        socket_timeout=SOCKET_S,
        socket_connect_timeout=SOCKET_S,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
        driver_info=None,
    )
    client = Redis.from_pool(pool)
    life = Life(chosen.ttl_s, chosen.tombstone_s)
    try:
        yield ValkeyKeeper(client, chosen.namespace, chosen.lock_s, RULES[chosen.rules], life, FAULTS[chosen.faults])
    finally:
        await client.aclose()


class ValkeyKeeper:
    """Keys of one namespace; a claim lives for ``lock_s``, which bounds how long a dead process blocks its key."""

    def __init__(self, client: Redis, namespace: str, lock_s: float, rules: Rules, life: Life, fault: Fault) -> None:
        """Keep the client and the rules."""
        self._client, self._rules, self._fault = client, rules, fault
        self._entries, self._gone = f"{namespace}:key:", f"{namespace}:gone:"
        self._lock_ms, self._ttl_ms = _ms(lock_s), _ms(life.ttl_s)
        self._gone_ms = _ms(life.ttl_s + life.tombstone_s) if rules.remembers_expired else 0
        self._save: AsyncScript = client.register_script(SAVE)
        self._release: AsyncScript = client.register_script(RELEASE)

    async def __call__(self, asked: Asked, process: Process, /) -> Answer:
        """Claim the key, process, then save the answer; whatever fails in between gives the claim back."""
        name, claim = self._entries + asked.digest.hex(), _CLAIM + secrets.token_hex(16).encode()
        with _required():
            held = await self._client.set(name, claim, nx=True, get=True, px=self._lock_ms)
        if isinstance(held, bytes):
            return self._rules.again(_read(held), asked.payload)
        try:
            await self._refuse_expired(asked)
            answer = await process({})
        except BaseException:
            await self._give_back(name, claim)
            raise
        await (self._keep(asked, claim, answer) if self._rules.keeps(answer) else self._give_back(name, claim))
        await self._fault(asked.fault, "after_save")
        return answer

    async def ping(self) -> str:
        """Say ``ok`` or ``degraded``: without keys only what needs them is refused."""
        with contextlib.suppress(RedisError, OSError):
            await self._client.ping()
            return "ok"
        return "degraded"

    async def report(self) -> Mapping[str, int]:
        """Count the keys; a tombstone stands beside its answer from the beginning."""
        found = {prefix: [key async for key in self._scan(prefix)] for prefix in (self._entries, self._gone)}
        sizes = [await self._client.memory_usage(key) or 0 for keys in found.values() for key in keys]
        return {"answers": len(found[self._entries]), "tombstones": len(found[self._gone]), "bytes": sum(sizes)}

    async def age(self, seconds: float, /) -> None:
        """Shorten every life."""
        for prefix in (self._entries, self._gone):
            async for key in self._scan(prefix):
                # A life of 1 ms, since Valkey refuses one that is over.
                await self._client.pexpire(key, max(1, await self._client.pttl(key) - _ms(seconds)))

    async def purge(self) -> int:
        """Do nothing: Valkey lets keys expire by itself."""
        return 0

    async def _refuse_expired(self, asked: Asked) -> None:
        if self._gone_ms:
            with _required():
                if await self._client.exists(self._gone + asked.digest.hex()):
                    raise expired()

    async def _keep(self, asked: Asked, claim: bytes, answer: Answer) -> None:
        name = asked.digest.hex()
        # The effect is there: an answer that cannot be saved is still the right one for this client.
        with contextlib.suppress(RedisError, OSError):
            await self._save(
                [self._entries + name, self._gone + name],
                [claim, _written(asked.payload, answer), self._ttl_ms, self._gone_ms],
            )

    async def _give_back(self, name: str, claim: bytes) -> None:
        # What cannot be given back ends by itself.
        with contextlib.suppress(RedisError, OSError):
            await self._release([name], [claim])

    async def _scan(self, prefix: str) -> AsyncIterator[bytes]:
        async for key in self._client.scan_iter(f"{prefix}*", count=_SCAN):
            yield key


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))


@contextlib.contextmanager
def _required() -> Iterator[None]:
    """Turn a store that gives no answer into a 503: without it nobody knows whether the operation was done."""
    try:
        yield
    except (RedisError, OSError) as error:
        detail = "The store of idempotency keys cannot be reached; repeat the request with the same key."
        raise Problem(503, "idempotency-unavailable", detail) from error


def _written(payload: bytes, answer: Answer) -> bytes:
    head = {"payload": payload.hex(), "status": answer.status, "content_type": answer.content_type}
    return json.dumps(head).encode() + b"\n" + answer.body


def _read(held: bytes) -> Kept:
    """Read what is kept; a 409 Problem while it is a claim."""
    if held.startswith(_CLAIM):
        raise in_progress()
    head, _, body = held.partition(b"\n")
    said = json.loads(head)
    return Kept(bytes.fromhex(said["payload"]), said["status"], said["content_type"], body)
