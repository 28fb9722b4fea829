"""What the service asks of whoever keeps users, orders and events in the database."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from targets.service.repositories.records import Event, NewStoredOrder, StoredOrder, User
from targets.service.repositories.window import Window


class Users(Protocol):
    """Keeps users; a deleted one is as if it were not there."""

    async def get(self, user_id: int, /) -> User | None:
        """Give the user, or None."""

    async def after(self, user_id: int, limit: int, /) -> Sequence[User]:
        """Give up to ``limit`` users with a higher id, in order."""

    async def add(self, email: str, name: str, /) -> User:
        """Keep a new user; 409 if the address is taken."""

    async def change(self, user_id: int, changes: Mapping[str, Any], /) -> User | None:
        """Set ``email`` or ``name``; None if there is no such user, 409 if the address is taken."""

    async def remove(self, user_id: int, /) -> bool:
        """Mark the user as deleted; False if there was none."""


class StoredOrders(Protocol):
    """Keeps orders; a deleted one is as if it were not there."""

    async def page(self, window: Window, /, *, lines: bool) -> Sequence[StoredOrder]:
        """Give the orders of the window, with their lines if wanted."""

    async def get(self, order_id: int, /) -> StoredOrder | None:
        """Give the order with its lines and its user, or None."""

    async def add(self, new: NewStoredOrder, /) -> StoredOrder:
        """Keep the order and its lines together, and give it back with its lines and no user."""

    async def remove(self, order_id: int, /) -> bool:
        """Mark the order as deleted; False if there was none."""

    async def count(self, user_id: int | None, /) -> int:
        """Count the orders, of one user or of all."""

    async def estimate(self, user_id: int | None, /) -> int:
        """Give the planner's guess of the same number: no row is read for it."""

    async def known_products(self, product_ids: Collection[int], /) -> set[int]:
        """Give those of the ids that are products."""


class Events(Protocol):
    """Keeps events."""

    async def add(self, kind: str, payload: dict[str, Any], /) -> Event:
        """Keep an event and give it back with its id."""


@dataclass(frozen=True, slots=True)
class Work:
    """What one request does with the database: all of it or nothing is kept."""

    users: Users
    orders: StoredOrders
    events: Events
    run: Callable[[Any], Awaitable[Any]] | None = None
    """Runs one more statement of SQLAlchemy in the same transaction; None where each statement stands alone."""
