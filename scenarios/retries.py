"""Quotes that the service fetches from another one: what its retries do shows in who answers in time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from support.popularity import zipf
from support.wire.request import Request, request
from support.wire.user import WireUser

CYCLE = 500


class Retries(WireUser):
    """Parameters: ``quotes``: ids go from 1 to there; a few are asked for much more often than others.

    The client itself never tries again: every retry that arrives at the service behind is the service's own.
    For an overload that outlives its trigger let it run at two thirds of what the service behind can do, slow that one
    down for some seconds (``POST /control {"work_ms": 200}``), and watch whether the answers come back.
    """

    parameters = {"quotes": 100}

    def requests(self, parameters: Mapping[str, Any], seed: int) -> Sequence[Request]:
        """Draw the quotes that this seed gives; an answer that the service refuses is a failure, not a surprise."""
        random = Random(f"retries {seed}")
        return [
            request("GET", f"/api/v1/quotes/{number}", name="GET /api/v1/quotes/{id}")
            for number in zipf(random, int(parameters["quotes"]), 1.0, CYCLE)
        ]
