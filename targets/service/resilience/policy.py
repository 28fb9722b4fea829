"""What every policy is: one method that makes attempts until one succeeds or it gives up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from targets.service.resilience.counts import Counts
from targets.service.resilience.deadline import Deadline

R = TypeVar("R")
Attempt = Callable[[], Awaitable[R]]
"""Sends one request; CallError says whether another one may fare better."""


class Policy(Protocol):
    """How often and when to try."""

    async def call(self, attempt: Attempt[R], deadline: Deadline) -> R:
        """Give the first success; CallError of the last attempt where there is none.

        A policy should begin no pause that would end after the deadline; the caller cuts off what lasts longer.
        """


@dataclass(frozen=True, slots=True)
class Given:
    """What a policy is built with besides its settings."""

    counts: Counts
    clock: Callable[[], float]
    """Monotonic, in s."""
