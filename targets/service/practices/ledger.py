"""Ledger: off, or a record of each arrival and answer on disk, for comparisons with what clients saw."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.middleware import Middleware

from targets.service.log import Emit

NAME = "ledger"

VARIABLE = "LEDGER_DIR"


class Off(BaseModel):
    """No record."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["off"] = "off"


class On(BaseModel):
    """Each process appends to ``<LEDGER_DIR>/<pid>.bin``."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["on"] = "on"


Setting = Annotated[Off | On, Field(discriminator="kind")]
DEFAULT = Off()


def _on(_: On, __: Emit) -> Middleware:
    from targets.service.middleware.ledger import LedgerMiddleware  # noqa: PLC0415  (off pays nothing)
    from targets.truth.ledger import Ledger  # noqa: PLC0415  (off pays nothing)

    return Middleware(LedgerMiddleware, ledger=Ledger(Path(os.environ[VARIABLE])))


def _check(_: On, environment: Mapping[str, str]) -> list[str]:
    if environment.get(VARIABLE):
        return []
    return [f"{VARIABLE}: missing; SERVICE_LEDGER__KIND=on needs a folder to write to"]


BUILDERS: Mapping[type[Any], Callable[[Any, Emit], Middleware]] = {On: _on}

CHECKS: Mapping[type[Any], Callable[[Any, Mapping[str, str]], list[str]]] = {On: _check}
"""What a setting needs of the environment besides itself: one line for each complaint."""
