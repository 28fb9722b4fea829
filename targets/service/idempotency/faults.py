"""Failures and crashes at known points, ordered by the field X-Fault: for measurement only, and off by default.

``X-Fault: crash after_effect`` kills the process with SIGKILL, ``fail`` makes the request a 500, ``wait`` holds it up
for ``HOLD_S``; the points are ``before_effect``, ``after_effect`` (with rows: before the commit; with Valkey: after
it) and ``after_save`` (the answer is kept, and not yet sent).  A service that obeys must not be reachable by others.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Literal

from targets.service.problems import Problem

FIELD = "x-fault"
HOLD_S = 0.5

Point = Literal["before_effect", "after_effect", "after_save"]

Fault = Callable[[str, Point], Awaitable[None]]
"""Called at each point with the request's order."""


async def disobeyed(_: str, __: Point) -> None:
    """Do nothing, whatever is ordered."""


async def obeyed(order: str, point: Point) -> None:
    """Do what was ordered for this point; a 500 Problem where that is to fail."""
    act, _, place = order.partition(" ")
    if place == point and act in _ACTS:
        await _ACTS[act]()


async def _crash() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def _fail() -> None:
    raise Problem(500, "ordered-failure", "The request failed because its X-Fault ordered it to.")


async def _wait() -> None:
    await asyncio.sleep(HOLD_S)


_ACTS: Mapping[str, Callable[[], Awaitable[None]]] = MappingProxyType({"crash": _crash, "fail": _fail, "wait": _wait})

FAULTS: Mapping[str, Fault] = MappingProxyType({"off": disobeyed, "on": obeyed})
