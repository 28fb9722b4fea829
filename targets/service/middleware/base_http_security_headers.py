"""The same security headers through Starlette's BaseHTTPMiddleware, to measure what that class costs."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp


class BaseHTTPSecurityHeadersMiddleware(BaseHTTPMiddleware):
    """Adds a fixed list of headers to each answer."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        """Wrap the application."""
        super().__init__(app)
        self._added = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        """Pass the request on and add the headers to what comes back."""
        response = await call_next(request)
        response.raw_headers.extend(self._added)
        return response
