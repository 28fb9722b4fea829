"""The practices of the standard as switches: one file each, listed here once.

A practice is a module with NAME (its setting), Setting (a union of frozen models told apart by ``kind``),
DEFAULT, and BUILDERS: from a setting's type to the Middleware that it means.  Off is a type that no table
holds, so its frame is absent and costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from starlette.middleware import Middleware

from targets.service.log import Emit
from targets.service.practices import correlation, logging, security_headers

PRACTICES: tuple[ModuleType, ...] = (correlation, logging, security_headers)
"""The order of the stack, outermost first: a log line must know the ids, and every answer gets headers."""


def fields() -> dict[str, Any]:
    """Give the settings' fields that the practices bring, as pydantic's create_model takes them."""
    return {practice.NAME: (practice.Setting, practice.DEFAULT) for practice in PRACTICES}


def stack(choices: Mapping[str, Any], emit: Emit) -> list[Middleware]:
    """Build the frames that the chosen settings mean, outermost first."""
    chosen = [(practice.BUILDERS, choices[practice.NAME]) for practice in PRACTICES]
    return [table[type(choice)](choice, emit) for table, choice in chosen if type(choice) in table]


def emitter(choices: Mapping[str, Any], environment: str) -> Emit:
    """Give the function that writes log lines as the settings say."""
    choice = choices[logging.NAME]
    return logging.EMITTERS[type(choice)](choice, environment)
