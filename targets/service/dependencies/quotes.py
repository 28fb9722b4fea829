"""What endpoints get of the upstream; async, because a plain function would go to a thread."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Request

from targets.service.repositories.keys import ID_MAX
from targets.service.upstream.quotes import Quotes

QuoteId = Annotated[int, Path(ge=1, le=ID_MAX)]


async def quotes_of(request: Request) -> Quotes:
    """Give the process's calls, under whatever the lifespan put around them."""
    quotes: Quotes = request.state.quotes
    return quotes


AnyQuotes = Annotated[Quotes, Depends(quotes_of)]
