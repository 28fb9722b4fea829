"""How repositories over tables run their statements: on a connection that is opened when it is first needed."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any, Protocol

from sqlalchemy import CursorResult, Executable
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

Rows = CursorResult[*tuple[Any, ...]]
"""Rows of any width."""


class Run(Protocol):
    """Runs one statement."""

    async def __call__(self, statement: Executable, values: Any = None, /) -> Rows:
        """Give the rows; ``values`` may be a list, which then is one statement for many rows."""


class Connected:
    """Runs statements on one connection of the engine, in one transaction."""

    def __init__(self, engine: AsyncEngine, stack: AsyncExitStack) -> None:
        """Keep the engine; ``stack`` gives the connection back."""
        self._engine, self._stack = engine, stack
        self._connection: AsyncConnection | None = None

    async def __call__(self, statement: Executable, values: Any = None, /) -> Rows:
        """Run a statement; the first one opens the connection."""
        if self._connection is None:
            self._connection = await self._stack.enter_async_context(self._engine.begin())
        return await self._connection.execute(statement, values)
