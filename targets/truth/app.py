"""A raw ASGI application that burns CPU time, stalls and fails exactly as its environment says.

TRUTH_WORK_US      CPU work of each request in nominal µs (default 100)
TRUTH_BURN_US      extra burn of each request in nominal µs (unset: the code path is absent; 0: metered, but nothing
                   burned); both are amounts of work, which take longer while the core is slow, as software does
TRUTH_STALL_MS     how long the event loop is blocked at each stall (default 0: no stalls)
TRUTH_STALL_FIRST_S  seconds from the first counted request to the first stall (default: EVERY, else 1)
TRUTH_STALL_EVERY_S  seconds between the starts of stalls (default 0: one stall only)
TRUTH_STATUS       status of each answer (default 200)
TRUTH_NONCE        echoed by ``GET /truth``

``GET /truth`` tells what was really done and is itself neither counted nor burdened; ``GET /big?bytes=N``
answers N bytes; any other path answers a small JSON document.  Figures are those of the answering process:
with several workers each knows only its own.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Step = Callable[[], None]
Burden = Callable[[], int | None]
"""Does a request's work; gives the thread's CPU clock at the end of a burn, None where nothing is metered."""

BIG_MAX_BYTES = 64 * 1024 * 1024
"""Bound of ``/big``: no client can make the process allocate without end."""

STEPS_PER_US = 150
"""Turns of an empty loop in a nominal µs: on a calm core of 2026 under CPython 3.11.  What a burn really took is
metered."""

_SMALL = b'{"message":"true"}'


@dataclass(frozen=True, slots=True)
class Truths:
    """What the application was told to do; durations in ns, work in turns of a loop, status as in HTTP."""

    work_steps: int
    burn_steps: int | None
    """None: neither burned nor metered."""
    stall_ns: int
    stall_first_ns: int
    stall_every_ns: int
    status: int
    nonce: str | None


@dataclass(slots=True)
class Done:
    """What one process has done; the only mutable thing here."""

    requests: int = 0
    burned_ns: int = 0
    burned_cpu_ns: int = 0
    behind_cpu_ns: int = 0
    """CPU time of the answers behind metered burns: a server that suspends while it sends counts others' work here."""
    stalls: list[tuple[int, int]] = field(default_factory=list)
    handled_ns: list[int] = field(default_factory=list)
    """When each request was answered (CLOCK_MONOTONIC), kept only by an application that stalls."""


def read_truths(environment: Mapping[str, str]) -> Truths:
    """Parse the TRUTH_ variables; ValueError names an unknown, negative or unreadable one."""
    known = {"WORK_US", "BURN_US", "STALL_MS", "STALL_FIRST_S", "STALL_EVERY_S", "STATUS", "NONCE"}
    unknown = sorted(n for n in environment if n.startswith("TRUTH_") and n.removeprefix("TRUTH_") not in known)
    if unknown:
        raise ValueError(f"unknown: {', '.join(unknown)}; known: TRUTH_ + {', '.join(sorted(known))}")
    every_ns = _scaled(environment, "TRUTH_STALL_EVERY_S", 0.0, 1_000_000_000)
    return Truths(
        work_steps=_scaled(environment, "TRUTH_WORK_US", 100.0, STEPS_PER_US),
        burn_steps=_scaled(environment, "TRUTH_BURN_US", 0.0, STEPS_PER_US) if "TRUTH_BURN_US" in environment else None,
        stall_ns=_scaled(environment, "TRUTH_STALL_MS", 0.0, 1_000_000),
        stall_first_ns=_scaled(environment, "TRUTH_STALL_FIRST_S", every_ns / 1e9 or 1.0, 1_000_000_000),
        stall_every_ns=every_ns,
        status=_scaled(environment, "TRUTH_STATUS", 200.0, 1),
        nonce=environment.get("TRUTH_NONCE"),
    )


def _scaled(environment: Mapping[str, str], name: str, default: float, scale: int) -> int:
    try:
        value = float(environment.get(name, default))
    except ValueError as error:
        raise ValueError(f"{name} must be a number, not {environment[name]!r}") from error
    if not 0 <= value < 1e9:  # noqa: PLR2004  (a bound that also refuses NaN and infinity)
        raise ValueError(f"{name} must be between 0 and 1e9, not {value}")
    return round(value * scale)


def create_app(environment: Mapping[str, str]) -> App:
    """Build the application for one environment; ValueError if a TRUTH_ variable is wrong."""
    truths, done = read_truths(environment), Done()
    burden = _burden(truths, done)
    begin = _stalls(truths, done)

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            await _http(scope, send)

    async def _http(scope: Scope, send: Send) -> None:
        if scope["path"] == "/truth":
            await _answer(send, 200, _report(truths, done), b"application/json")
            return
        if done.requests == 0:
            begin()
        done.requests += 1
        burned_at_ns = burden()
        if scope["path"] == "/big":
            await _big(scope, send, truths.status)
            return
        await _answer(send, truths.status, _SMALL, b"application/json")
        if burned_at_ns is not None:
            done.behind_cpu_ns += time.thread_time_ns() - burned_at_ns
        if truths.stall_ns:
            done.handled_ns.append(time.monotonic_ns())

    return serve


def _burden(truths: Truths, done: Done) -> Burden:
    """Compose the CPU work of a request; without a burn nothing is burned and nothing metered.

    Metering a burn costs about 1 µs that it does not count itself: an arm with a burn is compared with
    an arm whose burn is 0, so that both pay it.
    """
    burn_steps = truths.burn_steps

    def work() -> None:
        _spin(truths.work_steps)

    if burn_steps is None:
        return work

    def work_and_burn() -> int:
        _spin(truths.work_steps)
        began_ns = time.thread_time_ns()
        done.burned_ns += _spin(burn_steps)
        ended_ns = time.thread_time_ns()
        done.burned_cpu_ns += ended_ns - began_ns
        return ended_ns

    return work_and_burn


def _spin(steps: int) -> int:
    """Go so often round an empty loop and give the time that went by meanwhile, in ns.

    Nothing is allocated: a loop that makes one number a turn takes half as long again where the process happens to
    have its pools of small objects full to the brim (results/evidence/process-layout.json).
    """
    start_ns = time.perf_counter_ns()
    for _ in itertools.repeat(None, steps):
        pass
    return time.perf_counter_ns() - start_ns


def _stalls(truths: Truths, done: Done) -> Step:
    """Give what the first request must call so that the event loop stalls on schedule."""

    def nothing() -> None:
        pass

    def begin() -> None:
        _plan_stall(truths, done, time.monotonic_ns() + truths.stall_first_ns)

    return begin if truths.stall_ns else nothing


def _plan_stall(truths: Truths, done: Done, due_ns: int) -> None:
    def stall() -> None:
        start_ns = time.monotonic_ns()
        # Blocking is the point: this is the defect that the instrument has to find.
        time.sleep(truths.stall_ns / 1e9)
        done.stalls.append((start_ns, time.monotonic_ns()))
        if truths.stall_every_ns:
            # From the due time, not from now: stalls keep to their multiples and do not drift.
            _plan_stall(truths, done, due_ns + truths.stall_every_ns)

    delay_s = max(0.0, (due_ns - time.monotonic_ns()) / 1e9)
    asyncio.get_running_loop().call_later(delay_s, stall)


def _report(truths: Truths, done: Done) -> bytes:
    report = {
        "requests": done.requests,
        "burned_ns": done.burned_ns,
        "burned_cpu_ns": done.burned_cpu_ns,
        "behind_cpu_ns": done.behind_cpu_ns,
        "stalls": done.stalls,
        "handled_ns": done.handled_ns,
        "pid": os.getpid(),
        "nonce": truths.nonce,
    }
    return json.dumps(report).encode()


async def _big(scope: Scope, send: Send, status: int) -> None:
    asked = parse_qs(scope["query_string"].decode("ascii", "replace")).get("bytes", ["0"])[0]
    if not asked.isascii() or not asked.isdigit() or len(asked) > len(str(BIG_MAX_BYTES)):
        await _answer(send, 400, b'{"message":"bytes must be a whole number"}', b"application/json")
        return
    await _answer(send, status, b"x" * min(int(asked), BIG_MAX_BYTES), b"application/octet-stream")


async def _answer(send: Send, status: int, body: bytes, media_type: bytes) -> None:
    headers = [(b"content-type", media_type), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


app = create_app(os.environ)
"""Servers look the application up by this name; it is built here because a path must lead to it."""
