"""What the upstream was told to do, by its environment or at run time."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

PREFIX = "UPSTREAM_"

_NOT_BEHAVIOUR = {"URL"}
"""UPSTREAM_URL names this service to others, and may stand in the environment of both."""

Share = Annotated[float, Meta(ge=0, le=1)]
Fate = Literal["hang", "fail", "work"]


class Behaviour(Struct, frozen=True, forbid_unknown_fields=True):
    """Frozen: what changes it makes another one."""

    work_ms: Annotated[float, Meta(ge=0, le=60_000)] = 20.0
    """Slept, not burned: capacity is ``capacity`` ÷ ``work_ms`` on any core."""
    capacity: Annotated[int, Meta(ge=1, le=10_000)] = 4
    """Requests that are worked on at once; the others wait in the order of their arrival."""
    queue_max: Annotated[int, Meta(ge=0)] | None = None
    """Requests that may wait; one more is turned away at once.  None: all may."""
    fail_share: Share = 0.0
    fail_first: Annotated[int, Meta(ge=0)] = 0
    """So many requests fail from the last change of behaviour on, whatever the share."""
    fail_status: Annotated[int, Meta(ge=400, le=599)] = 503
    fail_after_work: bool = True
    """Whether a failure has taken its turn and its work, or comes at once."""
    hang_share: Share = 0.0
    """Requests that are never answered and take no turn: their client has to give up."""
    abandon: bool = False
    """Whether work stops when its client has gone; most services do not notice."""
    deadlines: bool = False
    """Whether a request whose time is up before its turn comes is answered 504 without work."""
    seed: Annotated[int, Meta(ge=0)] = 0

    def __post_init__(self) -> None:
        """Refuse shares that do not add up: ValueError, which msgspec makes its own."""
        if not self.fail_share + self.hang_share <= 1:
            raise ValueError("fail_share and hang_share must be at most 1 together")


def read_behaviour(environment: Mapping[str, str]) -> Behaviour:
    """Read UPSTREAM_WORK_MS and its like; ValueError names an unknown variable or one that cannot be."""
    given = {
        name.removeprefix(PREFIX).lower(): text
        for name, text in environment.items()
        if name.startswith(PREFIX) and name.removeprefix(PREFIX) not in _NOT_BEHAVIOUR
    }
    return _converted(given, strict=False)


def changed(behaviour: Behaviour, changes: Mapping[str, Any]) -> Behaviour:
    """Give the behaviour with these fields replaced; ValueError names what cannot be."""
    return _converted({**msgspec.structs.asdict(behaviour), **changes}, strict=True)


def fate(behaviour: Behaviour, number: int) -> Fate:
    """Decide what becomes of the request with this number, from 0: the same for the same seed, share and number."""
    if number < behaviour.fail_first:
        return "fail"
    hang, fail = behaviour.hang_share, behaviour.fail_share
    drawn = random.Random(f"{behaviour.seed} {number}").random() if hang or fail else 1.0
    if drawn < hang:
        return "hang"
    return "fail" if drawn < hang + fail else "work"


def _converted(given: Mapping[str, Any], *, strict: bool) -> Behaviour:
    try:
        return msgspec.convert(given, Behaviour, strict=strict)
    except msgspec.ValidationError as error:
        raise ValueError(f"{error}; known are {', '.join(Behaviour.__struct_fields__)}") from error
