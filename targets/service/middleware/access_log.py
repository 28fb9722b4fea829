"""Two log lines for each request: received, completed; and a third with the reason where the service failed."""

from __future__ import annotations

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from targets.service.failure import Failure, noted
from targets.service.log import Emit

FAILED = 500
"""From this status on it is the service that failed, and its log must say why."""


class AccessLogMiddleware:
    """Logs method and path when a request comes, status and duration when it is answered."""

    def __init__(self, app: ASGIApp, emit: Emit) -> None:
        """Wrap the application."""
        self.app = app
        self._emit = emit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on between the two lines."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        asked = {"method": scope["method"], "path": scope["path"]}
        self._emit(logging.INFO, "request received", asked)
        start_ns = time.perf_counter_ns()
        # Stands if the application raises before it answers: the server will send 500.
        status = 500

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with noted() as failure:
            try:
                await self.app(scope, receive, send_and_note)
            finally:
                duration_ms = (time.perf_counter_ns() - start_ns) / 1e6
                if status >= FAILED and not failure.recorded:
                    self._emit_reason(asked, status, failure)
                self._emit(logging.INFO, "request completed", asked | {"status": status, "duration_ms": duration_ms})

    def _emit_reason(self, asked: dict[str, str], status: int, failure: Failure) -> None:
        """Log what was told as 500 as an error, and what will pass (502, 503, 504) as a warning."""
        level = logging.ERROR if status == FAILED else logging.WARNING
        reason = {"status": status, "code": failure.code, "error": failure.error}
        self._emit(level, "request failed", asked | reason)
