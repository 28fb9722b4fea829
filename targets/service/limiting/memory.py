"""Limits in the process: nothing to wait for, and nothing that other processes know of.

Several processes behind one port admit the limit each, so a client gets up to workers times the limit.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from targets.service.limiting.quota import Clock, Decision, Quota

S = TypeVar("S")

Step = Callable[[Quota, S | None, int], tuple[Decision, S]]
"""An algorithm: quota, what is held of the client, now; the decision, and what is held next."""

CLIENTS_MAX = 100_000
"""Some 30 MB with fixed windows.  Beyond it whoever was silent longest is forgotten, and with that may begin anew:
strangers cannot fill the memory, at the price that very many of them at once are limited less."""

SWEEP = 2
"""Forgotten with each request, if their time is over: more than the one that a request may add."""


class MemoryLimiter(Generic[S]):
    """Keeps what an algorithm holds of each client."""

    def __init__(self, quota: Quota, step: Step[S], clock: Clock, clients_max: int = CLIENTS_MAX) -> None:
        """Start with nobody."""
        self._quota, self._step, self._clock, self._clients_max = quota, step, clock, clients_max
        self._held: OrderedDict[str, tuple[int, S]] = OrderedDict()

    async def __call__(self, client: str, /) -> Decision:
        """Decide; nothing can fail here."""
        now_us = self._clock()
        _, before = self._held.get(client, (0, None))
        decision, after = self._step(self._quota, before, now_us)
        self._held[client] = decision.reset_us, after
        self._held.move_to_end(client)
        self._forget(now_us)
        return decision

    def __len__(self) -> int:
        """Count the clients that are remembered."""
        return len(self._held)

    def _forget(self, now_us: int) -> None:
        """Drop clients whose whole limit is there again: of them nothing need be known."""
        for _ in range(SWEEP):
            oldest = next(iter(self._held))
            if self._held[oldest][0] > now_us and len(self._held) <= self._clients_max:
                return
            del self._held[oldest]
