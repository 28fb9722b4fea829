"""How L2 is written: as it comes, or never backwards."""

from __future__ import annotations

from typing import Protocol

from redis.asyncio import Redis
from redis.commands.core import AsyncScript

from targets.service.cache import scripts
from targets.service.cache.codec import digits
from targets.service.cache.link import Link

MARK_MS = 10_000
"""How long an invalidation is remembered: longer than any load that began before it should last."""


class Writing(Protocol):
    """Sets and forgets entries; UnavailableError if Valkey gives no answer."""

    async def set(self, link: Link, key: str, version: int, payload: bytes, ttl_ms: int, /) -> bool:
        """Keep the payload; False if it came too late."""

    async def delete(self, link: Link, key: str, version: int | None, /) -> None:
        """Forget what is older than the version."""


class AsItComes:
    """The textbook's way: the last one to write wins, also with what is older."""

    async def set(self, link: Link, key: str, version: int, payload: bytes, ttl_ms: int) -> bool:
        """Keep the payload."""
        await link.ask(lambda client: client.set(key, digits(version) + payload, px=ttl_ms))
        return True

    async def delete(self, link: Link, key: str, _: int | None) -> None:
        """Forget the key."""
        await link.ask(lambda client: client.unlink(key))


class NeverBackwards:
    """Valkey compares versions; an invalidation leaves a mark for 10 s."""

    def __init__(self, client: Redis) -> None:
        """Name the scripts; they are sent when Valkey does not know them."""
        self._set: AsyncScript = client.register_script(scripts.SET_UNLESS_NEWER)
        self._mark: AsyncScript = client.register_script(scripts.MARK_UNLESS_NEWER)

    async def set(self, link: Link, key: str, version: int, payload: bytes, ttl_ms: int) -> bool:
        """Keep the payload unless something newer is there."""
        return bool(await link.ask(lambda _: self._set([key], [digits(version), payload, ttl_ms])))

    async def delete(self, link: Link, key: str, version: int | None) -> None:
        """Put the mark of the version there; None forgets whatever is there."""
        if version is None:
            await link.ask(lambda client: client.unlink(key))
        else:
            await link.ask(lambda _: self._mark([key], [digits(version), MARK_MS]))
