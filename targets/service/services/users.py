"""What can be done with users."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from targets.service.problems import Problem
from targets.service.repositories.records import User
from targets.service.repositories.stored import Users
from targets.service.services.order_pages import Links, Meta


@dataclass(frozen=True, slots=True)
class UserPage:
    """A page of users."""

    data: Sequence[User]
    meta: Meta
    links: Links


async def list_users(users: Users, path: str, limit: int, after_id: int) -> UserPage:
    """Give a page by id; this list goes forward only."""
    found = await users.after(after_id, limit + 1)
    shown = found[:limit]
    following = f"{path}?{urlencode({'limit': limit, 'after_id': shown[-1].id})}" if len(found) > limit else None
    return UserPage(shown, Meta(None, None, None, limit), Links(following, None))


async def read_user(users: Users, user_id: int) -> User:
    """Give the user; a 404 Problem if there is none."""
    return _found(await users.get(user_id), user_id)


async def change_user(users: Users, user_id: int, changes: Mapping[str, Any]) -> User:
    """Change what is named; a 404 Problem if there is no such user."""
    return _found(await users.change(user_id, changes), user_id)


async def delete_user(users: Users, user_id: int) -> None:
    """Mark the user as deleted; a 404 Problem if there is none."""
    if not await users.remove(user_id):
        raise _none(user_id)


def _found(user: User | None, user_id: int) -> User:
    if user is None:
        raise _none(user_id)
    return user


def _none(user_id: int) -> Problem:
    return Problem(404, "user-not-found", f"There is no user {user_id}.")
