"""All endpoints over the database, and what they are given of the settings."""

from __future__ import annotations

from fastapi import APIRouter

from targets.serializers.web import Serializer
from targets.service.database.options import Postgres
from targets.service.routers import events, internal_data, products, stored_orders, users
from targets.service.services.order_pages import TOTALS, Pager
from targets.service.services.signed_cursors import cursors


def build_routers(serializer: Serializer, chosen: Postgres) -> list[APIRouter]:
    """Give the routers; the cursors of one order of rows are foreign to the other."""
    signed = cursors(chosen.cursor_secret.get_secret_value(), chosen.cursor_key)
    pager = Pager(signed, TOTALS[chosen.total])
    nouns = (users.build_router(serializer), products.build_router(serializer), events.build_router(serializer))
    return [stored_orders.build_router(serializer, pager), *nouns, internal_data.build_router(signed)]
