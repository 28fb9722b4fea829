"""The faults: one small slip each, as people make them, in SQL and in the code around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

CORE = "targets.service.repositories.core"
PLACES = "targets.service.repositories.places"


@dataclass(frozen=True, slots=True)
class Fault:
    """In the source of ``module``, ``right`` becomes ``wrong``; it stands there once."""

    module: str
    right: str
    wrong: str


_REMOVE_USER = """            .where(_USERS.c.id == user_id, _LIVE)
            .values(deleted_at=func.now(), """

FAULTS: Mapping[str, Fault] = MappingProxyType(
    {
        "a deleted user is still found": Fault(
            f"{CORE}.users", "_USERS.c.id == user_id, _LIVE))).one_or_none()", "_USERS.c.id == user_id))).one_or_none()"
        ),
        "a list repeats the last user of the page before": Fault(
            f"{CORE}.users", "_USERS.c.id > user_id)", "_USERS.c.id >= user_id)"
        ),
        "a list runs backward": Fault(f"{CORE}.users", "order_by(_USERS.c.id)", "order_by(_USERS.c.id.desc())"),
        "a change reaches every user": Fault(
            f"{CORE}.users",
            "            .where(_USERS.c.id == user_id, _LIVE)\n            .values(**changes,",
            "            .where(_LIVE)\n            .values(**changes,",
        ),
        "a removal reaches every user": Fault(
            f"{CORE}.users", _REMOVE_USER, _REMOVE_USER.replace("_USERS.c.id == user_id, _LIVE", "_LIVE")
        ),
        "a removal marks nothing": Fault(
            f"{CORE}.users", _REMOVE_USER, _REMOVE_USER.replace("deleted_at=func.now(), ", "")
        ),
        "name and address are exchanged": Fault(
            f"{CORE}.users", "_USERS.c.email, _USERS.c.name,", "_USERS.c.name, _USERS.c.email,"
        ),
        "a new user's name goes into the address": Fault(
            f"{CORE}.users", "values(email=email, name=name)", "values(email=name, name=name)"
        ),
        "a cursor repeats its own row": Fault(PLACES, "else columns > key", "else columns >= key"),
        "a cursor forgets rows that share a time": Fault(
            PLACES,
            "    return columns < key if backward else columns > key",
            "    return by_time(orders, place, backward)",
        ),
        "orders of one user are those of all": Fault(PLACES, "else condition & (", "else condition | ("),
        "pages by number are all the first": Fault(
            PLACES,
            "if window.offset else statement",
            "if not window.offset else statement",
        ),
        "lines are joined by the wrong column": Fault(
            f"{CORE}.orders", "_LINES.c.order_id == found.c.id", "_LINES.c.product_id == found.c.id"
        ),
        "a count includes what is deleted": Fault(
            f"{CORE}.orders", ".select_from(_ORDERS).where(live(_ORDERS.c, user_id))", ".select_from(_ORDERS)"
        ),
        "a removal always succeeds": Fault(
            f"{CORE}.users",
            "return (await self._run(gone)).rowcount > 0",
            "return (await self._run(gone)).rowcount >= 0",
        ),
        "a change of nobody is an error": Fault(
            f"{CORE}.users",
            "(await self._run(changed.returning(*_COLUMNS))).one_or_none()",
            "(await self._run(changed.returning(*_COLUMNS))).one()",
        ),
        "lines do not know their order": Fault(
            f"{CORE}.orders", '{"order_id": order_id, **line} for line', '{"order_id": 0, **line} for line'
        ),
        "every statement opens a connection": Fault(
            f"{CORE}.execution", "if self._connection is None:", "if self._connection is not self:"
        ),
        "a product's version stands still": Fault(
            f"{CORE}.products", '"version": columns.version + 1', '"version": columns.version'
        ),
        "a page has one row too many": Fault(
            PLACES, 'bindparam("rows", window.limit, BigInteger)', 'bindparam("rows", window.limit + 1, BigInteger)'
        ),
        "a page backward comes in reverse": Fault(
            "targets.service.repositories.row_orders",
            "return found[::-1] if window.backward else found",
            "return found",
        ),
        "a cursor drops the time zone": Fault(
            PLACES,
            "key = tuple_(literal(place.placed_at, DateTime(timezone=True))",
            "key = tuple_(literal(place.placed_at, DateTime())",
        ),
        "money becomes a float": Fault(
            "targets.service.models.base",
            "mapped_column(Numeric(12, 2))",
            "mapped_column(Numeric(12, 2, asdecimal=False))",
        ),
        "an address given twice is no conflict": Fault(
            "targets.service.database.errors", '{"23505": _CONFLICT,', '{"23506": _CONFLICT,'
        ),
        "a reference to nobody is a conflict": Fault(
            "targets.service.database.errors", '"23503": _UNKNOWN', '"23503": _CONFLICT'
        ),
        "a lock that is held is an error of ours": Fault(
            "targets.service.database.errors", '"55": _UNAVAILABLE', '"56": _UNAVAILABLE'
        ),
        "every statement commits by itself": Fault(
            "targets.service.database.engine",
            "pool_recycle=chosen.recycle_s,",
            'pool_recycle=chosen.recycle_s, isolation_level="AUTOCOMMIT",',
        ),
        "nothing is committed": Fault(f"{CORE}.execution", "self._engine.begin()", "self._engine.connect()"),
    }
)
