"""The faults: one small slip each, as people make them, in SQL and in the code around it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

CORE = "targets.service.repositories.core"


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
        "a cursor repeats its own row": Fault(
            "targets.service.repositories.places", "else columns > key", "else columns >= key"
        ),
        "a cursor forgets rows that share a time": Fault(
            "targets.service.repositories.places",
            "    return columns < key if backward else columns > key",
            "    return by_time(orders, place, backward)",
        ),
        "orders of one user are those of all": Fault(
            "targets.service.repositories.places", "else condition & (", "else condition | ("
        ),
        "pages by number are all the first": Fault(
            "targets.service.repositories.places",
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
        "nothing is committed": Fault(f"{CORE}.execution", "self._engine.begin()", "self._engine.connect()"),
    }
)


def seed(name: str) -> None:
    """Load the fault's module with the slip in it, in this process alone; ValueError where it does not fit once."""
    fault = FAULTS[name]
    spec = importlib.util.find_spec(fault.module)
    if spec is None or spec.origin is None:
        raise ValueError(f"there is no module {fault.module}")
    with open(spec.origin, encoding="utf-8") as file:  # noqa: PTH123  (a module's origin is text)
        source = file.read()
    if source.count(fault.right) != 1:
        raise ValueError(f"{name}: its place stands {source.count(fault.right)} times in {fault.module}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[fault.module] = module
    parent, _, last = fault.module.rpartition(".")
    exec(compile(source.replace(fault.right, fault.wrong), spec.origin, "exec"), module.__dict__)  # noqa: S102  (our own source)
    setattr(importlib.import_module(parent), last, module)
