"""The practices of the standard as switches: one file each, listed here once.

A practice is a module with NAME (its setting), Setting (a union of frozen models told apart by ``kind``),
DEFAULT, and BUILDERS: from a setting's type to the Middleware that it means.  Off is a type that no table
holds, so its frame is absent and costs nothing.  Three more tables, by the same types, may be there: ROUTERS
(endpoints), RESOURCES (what the lifespan enters) and CHECKS (what is needed of the environment).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import AsyncExitStack
from functools import partial
from types import ModuleType
from typing import Any

from fastapi import APIRouter
from starlette.middleware import Middleware

from targets.serializers.web import Serializer
from targets.service.log import Emit
from targets.service.practices import (
    cache,
    correlation,
    cors,
    data,
    drain,
    health,
    idempotency,
    ledger,
    logging,
    rate_limit,
    retry,
    security_headers,
    shedding,
    upstream,
)

PRACTICES: tuple[ModuleType, ...] = (
    ledger,
    correlation,
    logging,
    security_headers,
    cors,
    drain,
    rate_limit,
    shedding,
    data,
    cache,
    idempotency,
    upstream,
    retry,
    health,
)
"""The order of the stack, outermost first: a log line must know the ids, and every answer gets headers.

CORS stands outside of all that refuses requests: a script must be able to read a 429 or 503, too.  A client beyond
its limit is refused before it takes a place among the requests that are inside (shedding).

Resources are entered in the same order: the cache wraps what the database brought, and health knows them all.
"""

Enter = Callable[[AsyncExitStack, MutableMapping[str, Any]], Awaitable[None]]
"""Opens a resource for the life of the process and puts into the state what requests need."""


def fields() -> dict[str, Any]:
    """Give the settings' fields that the practices bring, as pydantic's create_model takes them."""
    return {practice.NAME: (practice.Setting, practice.DEFAULT) for practice in PRACTICES}


def stack(choices: Mapping[str, Any], emit: Emit) -> list[Middleware]:
    """Build the frames that the chosen settings mean, outermost first."""
    chosen = [(practice.BUILDERS, choices[practice.NAME]) for practice in PRACTICES]
    return [table[type(choice)](choice, emit) for table, choice in chosen if type(choice) in table]


def routers(choices: Mapping[str, Any], serializer: Serializer) -> list[APIRouter]:
    """Build the endpoints that the chosen settings bring."""
    return [router for build, choice in _chosen("ROUTERS", choices) for router in build(choice, serializer)]


def resources(choices: Mapping[str, Any]) -> list[Enter]:
    """Give what the lifespan enters for the chosen settings, in this order."""
    return [partial(enter, choice) for enter, choice in _chosen("RESOURCES", choices)]


def complaints(choices: Mapping[str, Any], environment: Mapping[str, str]) -> list[str]:
    """Say what the chosen settings miss in the environment, a line each."""
    return [line for check, choice in _chosen("CHECKS", choices) for line in check(choice, environment)]


def _chosen(table: str, choices: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """Give the entries of one table for the chosen settings; a practice may be without the table."""
    chosen = [(getattr(practice, table, {}), choices[practice.NAME]) for practice in PRACTICES]
    return [(entries[type(choice)], choice) for entries, choice in chosen if type(choice) in entries]


def emitter(choices: Mapping[str, Any], environment: str) -> Emit:
    """Give the function that writes log lines as the settings say."""
    choice = choices[logging.NAME]
    return logging.EMITTERS[type(choice)](choice, environment)
