"""What the dependencies say of themselves, and whether the service can serve with that."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from targets.service.lifespan import Ping

Pings = Mapping[str, Ping]


@dataclass(frozen=True, slots=True)
class Found:
    """One look at the dependencies."""

    checks: Mapping[str, str]
    """A word for each that was asked."""
    failed: Mapping[str, str]
    """Those without which the service cannot serve."""
    degraded: bool = False
    """Whether an optional one failed."""


Ask = Callable[[Pings], Awaitable[Found]]

NOTHING = Found({}, {})


async def nobody(_: Pings) -> Found:
    """Look at nothing: the process that answers is alive."""
    return NOTHING


@dataclass(frozen=True, slots=True)
class Asking:
    """Asks every dependency, one after the other, afresh."""

    optional: frozenset[str]
    required: frozenset[str]
    timeout_s: float
    """For each of them."""

    async def __call__(self, pings: Pings) -> Found:
        """Give a word of each, and what follows from them."""
        found = {name: await _check(ping, self.timeout_s) for name, ping in pings.items()}
        checks = {name: text for name, (text, _) in found.items()}
        unwell = {name for name in checks if self._unwell(name, *found[name])}
        failed = {name: checks[name] for name in checks if name in unwell - self.optional}
        return Found(checks, failed, degraded=bool(unwell & self.optional))

    def _unwell(self, name: str, text: str, usable: bool) -> bool:  # noqa: FBT001  (a pair's second half)
        """Tell what is not as it should be; a word other than ok counts where the settings name the dependency."""
        strict = name in self.optional or name in self.required
        return not usable or (strict and text != "ok")


def keeping(ask: Ask, kept_s: float) -> Ask:
    """Give the same answer for so long: the mistake that makes a check late."""
    kept: list[tuple[float, Found]] = []

    async def ask_seldom(pings: Pings) -> Found:
        if not kept or time.monotonic() - kept[0][0] >= kept_s:
            kept[:] = [(time.monotonic(), await ask(pings))]
        return kept[0][1]

    return ask_seldom


async def _check(ping: Ping, timeout_s: float) -> tuple[str, bool]:
    """Say how the resource is, and whether the service can be used."""
    try:
        word = await asyncio.wait_for(ping(), timeout_s)
    except TimeoutError:
        return f"no answer within {timeout_s} s", False
    except Exception as error:  # noqa: BLE001  (whatever a resource raises, it is not ready)
        return type(error).__name__, False
    return word or "ok", True
