"""Turns: at most so many at once, the others in the order of their arrival."""

from __future__ import annotations

import asyncio
from collections import deque


class Gate:
    """Like asyncio's semaphore, but its width can change while requests wait."""

    def __init__(self, width: int) -> None:
        """Start empty."""
        self._width = width
        self._queue: deque[asyncio.Future[None]] = deque()
        self.inside = 0

    @property
    def waiting(self) -> int:
        """Those that wait for their turn."""
        return sum(not turn.done() for turn in self._queue)

    @property
    def full(self) -> bool:
        """Whether the next one has to wait."""
        return self.inside >= self._width or bool(self._queue)

    def widen(self, width: int) -> None:
        """Let so many in from now on; those that are inside stay."""
        self._width = width
        self._admit()

    def ask(self) -> asyncio.Future[None]:
        """Ask for a turn: done at once where there is room."""
        turn = asyncio.get_running_loop().create_future()
        if self.full:
            self._queue.append(turn)
        else:
            self.inside += 1
            turn.set_result(None)
        return turn

    async def enter(self, turn: asyncio.Future[None]) -> None:
        """Wait for the turn; a cancelled wait takes none."""
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                # The turn came in the same moment: it goes to the next one.
                self.leave()
            elif turn in self._queue:
                self._queue.remove(turn)
            raise

    def leave(self) -> None:
        """Give the turn back."""
        self.inside -= 1
        self._admit()

    def _admit(self) -> None:
        while self._queue and self.inside < self._width:
            turn = self._queue.popleft()
            if not turn.done():
                self.inside += 1
                turn.set_result(None)
