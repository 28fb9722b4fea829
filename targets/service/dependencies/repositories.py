"""The repositories that the lifespan made; async, because a plain function would go to a thread."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from targets.service.repositories.items import ItemRepository
from targets.service.repositories.orders import OrderRepository


async def items_of(request: Request) -> ItemRepository:
    """Give the items."""
    repository: ItemRepository = request.state.items
    return repository


async def orders_of(request: Request) -> OrderRepository:
    """Give the orders."""
    repository: OrderRepository = request.state.orders
    return repository


Items = Annotated[ItemRepository, Depends(items_of)]
Orders = Annotated[OrderRepository, Depends(orders_of)]
