"""Reads products whose popularity follows Zipf's law, and changes one now and then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from support.popularity import zipf
from support.wire.request import Request, request
from support.wire.user import WireUser

CYCLE = 4_000
"""Requests before the sequence repeats: long against the number of hot products, short to encode."""


class Caching(WireUser):
    """Parameters: ``products`` (ids go from 1 to there), ``exponent`` (0: all alike; 1.1: a few hot), ``writes``."""

    parameters = {"products": 1_000, "exponent": 1.1, "writes": 0.02}

    def requests(self, parameters: Mapping[str, Any], seed: int) -> Sequence[Request]:
        """Draw the sequence that this seed gives."""
        random = Random(f"caching {seed}")
        ids = zipf(random, int(parameters["products"]), float(parameters["exponent"]), CYCLE)
        return [_one(random, number, float(parameters["writes"])) for number in ids]


def _one(random: Random, number: int, writes: float) -> Request:
    path, name = f"/api/v1/products/{number}", "/api/v1/products/{id}"
    if random.random() < writes:
        price = f"{random.randrange(100, 99_999) / 100:.2f}"
        return request("PATCH", path, json={"price": price}, name=f"PATCH {name}")
    return request("GET", path, name=f"GET {name}")
