"""Places orders under idempotency keys, and sends some of them again with the same key and body."""

from __future__ import annotations

from uuid import uuid4

from support.orders import new_order
from support.wire.connection import Flow
from support.wire.engine import Session
from support.wire.request import request
from support.wire.user import WireUser

PATH = "/api/v1/orders"


class Idempotency(WireUser):
    """Parameters: ``repeats`` (share of orders that are sent twice), ``users``, ``products``."""

    parameters = {"repeats": 0.2, "users": 100, "products": 100}

    def flow(self, session: Session) -> Flow:
        """Place one order, and perhaps repeat it."""
        given = {**self.parameters, **session.parameters}
        order = new_order(session.random, users=int(given["users"]), products=int(given["products"]))
        # Not drawn from the seed: the next run with it would find all of its keys used.
        headers = {"Idempotency-Key": f'"{uuid4()}"'}
        yield request("POST", PATH, headers=headers, json=order, name=f"POST {PATH} (new)", expect=201)
        if session.random.random() < float(given["repeats"]):
            yield request("POST", PATH, headers=headers, json=order, name=f"POST {PATH} (repeated)", expect=201)
