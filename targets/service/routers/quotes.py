"""/api/v1/quotes."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header

from targets.serializers.web import Serializer
from targets.service.dependencies.quotes import AnyQuotes, QuoteId
from targets.service.problems import documented
from targets.service.schemas.quotes import QuoteResponse
from targets.service.services.quotes import read_quote

Budget = Annotated[
    float | None, Header(alias="X-Timeout-Ms", gt=0, le=3_600_000, description="How long the caller waits, in ms")
]


def build_router(serializer: Serializer) -> APIRouter:
    """Give the route."""
    router = APIRouter(prefix="/api/v1/quotes", tags=["quotes"])
    one = serializer.respond(QuoteResponse, 200)

    @router.get("/{quote_id}", response_model=QuoteResponse, responses=documented(422, 502, 503, 504))
    async def read(quote_id: QuoteId, quotes: AnyQuotes, caller_ms: Budget = None) -> Any:
        """Give one quote, which is asked of the upstream."""
        return one(await read_quote(quotes, quote_id, caller_ms))

    return router
