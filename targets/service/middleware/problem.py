"""The innermost frame: whatever nobody handled becomes a 500 problem before the other frames see it."""

from __future__ import annotations

import logging
import traceback

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from targets.service import failure
from targets.service.log import Emit
from targets.service.problems import problem_response


class ProblemMiddleware:
    """Turns an unhandled exception into an answer that passes through all other middleware.

    Starlette would send its 500 outside of them, without security headers and ids.
    """

    def __init__(self, app: ASGIApp, emit: Emit) -> None:
        """Wrap the application; ``emit`` records the exception, since nobody else will see it."""
        self.app = app
        self._emit = emit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and catch what comes back."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def send_and_note(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        except Exception as error:
            fields = {"method": scope["method"], "path": scope["path"], "error": type(error).__name__}
            self._emit(logging.ERROR, "unhandled exception", fields | {"stack": traceback.format_exc()})
            failure.note(recorded=True)
            if started:
                raise
            detail = "The service failed; the trace id finds the reason in its log."
            await problem_response(scope["path"], 500, "internal-error", detail)(scope, receive, send)
