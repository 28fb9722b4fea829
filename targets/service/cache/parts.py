"""A cache that is put together: what the lifespan keeps and the instrument sees."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from targets.service.cache.level import Administered
from targets.service.cache.metrics import Metrics
from targets.service.repositories.products import Products


@dataclass(frozen=True, slots=True)
class Parts:
    """One process's cache."""

    kind: str
    wrap: Callable[[Products], Products]
    key_of: Callable[[int], str]
    levels: Mapping[str, Administered]
    metrics: Metrics
    ping: Callable[[], Awaitable[str]]
    """``ok`` or ``degraded``; without its cache the service is slower, not unready."""

    def report(self) -> dict[str, Any]:
        """Give what happened so far as JSON can carry it."""
        return {"kind": self.kind, **self.metrics.report()}

    async def expire(self, product_id: int) -> dict[str, bool]:
        """Let one product expire now; tells of each level whether it could be reached."""
        key = self.key_of(product_id)
        return {name: await level.expire(key) for name, level in reversed(list(self.levels.items()))}

    async def clear(self) -> dict[str, bool]:
        """Forget every entry of the namespace; tells of each level whether it could be reached."""
        return {name: await level.clear() for name, level in reversed(list(self.levels.items()))}
