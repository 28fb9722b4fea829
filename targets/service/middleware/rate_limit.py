"""Rate limits as a pure ASGI frame: each request is counted, and each answer tells what is left."""

from __future__ import annotations

import logging

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from targets.service.limiting.client import ReadClient
from targets.service.limiting.quota import SECOND_US, Decision, Limiter, Quota, UnavailableError
from targets.service.limiting.styles import Style, retry_after_s
from targets.service.log import Emit
from targets.service.problems import problem_response

RETRY_AFTER_S = "1"
"""Of a limiter without its store: the shortest that the field can say, and how long the store is left alone."""


class RateLimitMiddleware:
    """Admits or refuses; the limiter is in the state, where the lifespan put it."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        quota: Quota,
        client: ReadClient,
        style: Style,
        exempt: tuple[str, ...],
        fail_open: bool,
        emit: Emit,
    ) -> None:
        """Wrap the application; ``fail_open``: without the store everyone is admitted, instead of nobody."""
        self.app = app
        self._quota, self._client, self._style = quota, client, style
        self._exempt, self._below = frozenset(exempt), tuple(f"{path}/" for path in exempt)
        self._fail_open, self._emit = fail_open, emit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its limit in the answer's head, or answer 429."""
        if scope["type"] != "http" or self._is_exempt(scope["path"]):
            await self.app(scope, receive, send)
            return
        # Granian empties the state before the last requests have ended.
        limiter: Limiter | None = scope["state"].get("rate_limit")
        if limiter is None:
            await self.app(scope, receive, send)
            return
        try:
            decision = await limiter(self._client(scope))
        except UnavailableError as error:
            await self._answer_without(error, scope, receive, send)
            return
        fields = self._style.fields(self._quota, decision)

        async def send_with_fields(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *fields]
            await send(message)

        if decision.allowed:
            await self.app(scope, receive, send_with_fields)
        else:
            refusal = problem_response(
                scope["path"], 429, self._style.code, self._detail(decision), members=self._style.members
            )
            await refusal(scope, receive, send_with_fields)

    def _is_exempt(self, path: str) -> bool:
        return path in self._exempt or path.startswith(self._below)

    def _detail(self, decision: Decision) -> str:
        limit, window_s = self._quota.limit, self._quota.window_us // SECOND_US
        return f"{limit} requests in {window_s} s are the limit; one more is taken in {retry_after_s(decision)} s."

    async def _answer_without(self, error: UnavailableError, scope: Scope, receive: Receive, send: Send) -> None:
        """Go on without limits and without their fields, or refuse: as the settings say."""
        if error.reason is not None:
            way = "everyone is admitted" if self._fail_open else "everyone is refused"
            self._emit(logging.WARNING, "rate limits unavailable", {"without": way, "error": error.reason})
        if self._fail_open:
            await self.app(scope, receive, send)
            return
        detail = "The store of the rate limits cannot be reached; no request is taken without it."
        headers = {"Retry-After": RETRY_AFTER_S}
        await problem_response(scope["path"], 503, "rate-limit-unavailable", detail, headers=headers)(
            scope, receive, send
        )
