"""What repositories of SQL texts need of a driver."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from targets.service.repositories.folding import Row


class Sql(Protocol):
    """One connection, taken from the pool when it is first needed."""

    async def fetch(self, text: str, /, *values: Any) -> Sequence[Row]:
        """Give the rows of a statement whose parameters are $1, $2 and so on."""

    def transaction(self) -> AbstractAsyncContextManager[Any]:
        """Keep all statements of the block or none; outside of one each statement stands alone."""
