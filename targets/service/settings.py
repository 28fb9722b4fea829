"""The settings of the service, read from SERVICE_… in the environment and checked before anything starts."""

from __future__ import annotations

import difflib
import hashlib
import json
import pkgutil
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, ValidationError, create_model, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

import targets.serializers
from targets.service import practices

PREFIX = "SERVICE_"

_NOT_SERIALIZERS = {"corpus", "differences", "web"}
"""Modules of the serializers' folder that are no serializer."""


class SettingsError(Exception):
    """The environment cannot be accepted; the lines name each variable that is wrong."""

    def __init__(self, lines: list[str]) -> None:
        """Keep one line for each variable."""
        super().__init__("\n".join(lines))
        self.lines = lines


class Core(BaseSettings):
    """What the service itself needs; the practices add a field each."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__", frozen=True, extra="forbid")

    environment: Literal["development", "production"] = Field(
        default="development", description="production writes JSON logs"
    )
    serializer: str = Field(default="pydantic", description="A module of targets/serializers")
    nonce: str | None = Field(default=None, description="Echoed by /internal/arm: who answers is who was started")
    items: int = Field(default=1000, ge=1, le=100_000, description="Items in memory at the start")
    items_seed: int = Field(default=7, ge=0, description="Seed of the items")

    @field_validator("serializer")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in serializers():
            raise ValueError(f"there is no serializer {name!r}; choose from {', '.join(serializers())}")
        return name


Settings: type[Core] = create_model("Settings", __base__=Core, **practices.fields())


def serializers() -> list[str]:
    """Give the names of the serializers: the modules of their folder."""
    names = {module.name for module in pkgutil.iter_modules(targets.serializers.__path__)}
    return sorted(names - _NOT_SERIALIZERS)


def read_settings(environment: Mapping[str, str]) -> Core:
    """Read and check the process environment; SettingsError names every variable that is wrong.

    ``environment`` is searched for names that no setting has, which pydantic-settings would pass over.
    """
    lines = _unknown(environment)
    try:
        settings = Settings()
    except ValidationError as error:
        lines += [_complaint(dict(e)) for e in error.errors(include_url=False)]
    if not lines:
        lines = practices.complaints(choices(settings), environment)
    if lines:
        raise SettingsError(lines)
    return settings


def _unknown(environment: Mapping[str, str]) -> list[str]:
    known = [f"{PREFIX}{name.upper()}" for name in Settings.model_fields]
    given = sorted(name for name in environment if name.upper().startswith(PREFIX))
    wrong = [name for name in given if name.upper().partition("__")[0] not in known]
    return [f"{name}: no such setting; {_nearest(name.upper().partition('__')[0], known)}" for name in wrong]


def _nearest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=3)
    return f"did you mean {' or '.join(near)}?" if near else f"known are {', '.join(sorted(known))}"


def _complaint(error: Mapping[str, Any]) -> str:
    """Say what is wrong with a variable, and which one is missing where a practice is set without its kind."""
    variable = _variable(error["loc"])
    if error["type"] == "union_tag_not_found":
        return f"{variable}__KIND: not set, and the other settings of {variable} depend on it"
    return f"{variable}: {error['msg']}"


def _variable(loc: tuple[str | int, ...]) -> str:
    # In a union of practices the second part is the kind, which no variable's name carries.
    parts = [loc[0], *loc[2:]]
    return PREFIX + "__".join(str(part).upper() for part in parts)


def fingerprint(settings: Core) -> str:
    """Give a short hash of everything that makes an arm what it is; the nonce only names its process."""
    dump = settings.model_dump(mode="json", exclude={"nonce"})
    return hashlib.sha256(json.dumps(dump, sort_keys=True).encode()).hexdigest()[:16]


def choices(settings: Core) -> dict[str, Any]:
    """Give the practices' settings by name."""
    return {name: getattr(settings, name) for name in practices.fields()}
