"""The outermost frame: notes each arrival, answer and end without an answer in a ledger that outlives SIGKILL."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from targets.truth.ledger import Ledger
from targets.truth.noting import noted

UNSEEN = ("/health", "/internal")
"""What orchestrators and the instrument ask, on their own account."""


class LedgerMiddleware:
    """Notes requests and lifespan; ``targets.truth.ledger`` says what its records mean."""

    def __init__(self, app: ASGIApp, ledger: Ledger) -> None:
        """Wrap the application; the ledger opens its file at the first record."""
        self.app = app
        self._ledger = ledger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, noted."""
        if scope["type"] == "http" and scope["path"].startswith(UNSEEN):
            await self.app(scope, receive, send)
            return
        await noted(self.app, self._ledger, scope, receive, send)
