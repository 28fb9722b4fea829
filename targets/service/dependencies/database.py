"""What endpoints get of the database: async, because a plain function would go to a thread."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Path, Request

from targets.service.database.backend import Backend
from targets.service.repositories.keys import ID_MAX
from targets.service.repositories.products import Products
from targets.service.repositories.stored import Work

RowId = Annotated[int, Path(ge=1, le=ID_MAX)]


async def work_of(request: Request) -> AsyncIterator[Work]:
    """Give the work of one request: kept when the endpoint returns, undone when it raises."""
    async with request.state.work() as work:
        yield work


async def products_of(request: Request) -> Products:
    """Give the products, wrapped in whatever the lifespan put around them."""
    products: Products = request.state.products
    return products


async def backend_of(request: Request) -> Backend:
    """Give the process's way to the database."""
    backend: Backend = request.state.database
    return backend


# The function's scope ends before the answer is sent: a commit that fails must not follow a 201.
AnyWork = Annotated[Work, Depends(work_of, scope="function")]
AnyProducts = Annotated[Products, Depends(products_of)]
AnyBackend = Annotated[Backend, Depends(backend_of)]
