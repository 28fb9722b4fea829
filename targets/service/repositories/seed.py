"""The items that every process starts with: the same ones for the same seed."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from uuid import UUID

from targets.service.repositories.records import Dimensions, Item

_WORDS = (  # noqa: SIM905  (words read better as a text)
    "oak steel linen copper amber quiet sturdy folding narrow round plain bright desk lamp chair shelf bench "
    "basket mirror drawer handle cover stand frame carries holds keeps turns fits closes opens slides"
).split()
_CATEGORIES = ("office", "kitchen", "garden", "workshop", "bedroom")
_FIRST = datetime(2026, 1, 1, 8, 0, tzinfo=UTC)
_DESCRIPTION_WORDS = 90
"""Makes one item about 1 KB of JSON."""


def item_id(number: int) -> UUID:
    """Give the id of the seeded item with this number, from 1: scenarios can name items in advance."""
    return UUID(f"00000000-0000-4000-8000-{number:012x}")


@lru_cache(maxsize=4)
def seeded_items(count: int, seed: int) -> tuple[Item, ...]:
    """Draw the items 1 … count; three at a time share a creation time, so that order needs the id too.

    Drawn once a process: who makes many applications in one, as tests do, would mostly wait for this.
    """
    draw = random.Random(seed)
    return tuple(_item(number, draw) for number in range(1, count + 1))


def _item(number: int, draw: random.Random) -> Item:
    created = _FIRST + timedelta(minutes=number // 3)
    price = Decimal(draw.randrange(199, 99_999)) / 100
    return Item(
        id=item_id(number),
        name=" ".join(draw.sample(_WORDS, 3)).capitalize(),
        description=" ".join(draw.choices(_WORDS, k=_DESCRIPTION_WORDS)),
        category=draw.choice(_CATEGORIES),
        tags=tuple(draw.sample(_WORDS, 5)),
        price=price,
        cost=(price / 2).quantize(Decimal("0.01")),
        currency="EUR",
        stock=draw.randrange(0, 500),
        rating=draw.randrange(10, 51) / 10,
        active=draw.random() < 0.95,  # noqa: PLR2004  (a few inactive ones)
        dimensions=Dimensions(draw.randrange(50, 2000), draw.randrange(50, 2000), draw.randrange(50, 900)),
        attributes={word: draw.choice(_WORDS) for word in draw.sample(_WORDS, 4)},
        created_at=created,
        updated_at=created + timedelta(hours=draw.randrange(1, 500)),
    )
