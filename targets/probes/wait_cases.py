"""The cases of ``targets.probes.waits``: one try each, against an upstream that hangs or a listener that misbehaves."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack

import httpx

from targets.probes import bad_listeners, lateness, plain

LIMIT_S = 0.05
SLACK_S = 0.1
PATIENCE_S = LIMIT_S + SLACK_S
"""After this a call has outlived its time-out, and is ended."""
LATE_MAX_S = SLACK_S / 2
"""A loop that is later than this while a call is timed says nothing of the call."""
LONG_S = 5.0
QUEUE_S = 0.3
"""What a call waits for a connection that will not come."""
STREAMS = 100
"""What httpx sends at once over one connection of HTTP/2."""
WAVES = 4
"""Of so many calls: more than the 200 streams that Granian allows, also where some do not get through."""
Case = Callable[[str], Awaitable[bool]]
"""One try against the upstream at this address; True where something went wrong."""


def timeout(**limits_s: float | None) -> httpx.Timeout:
    """Give time-outs that are long but for those named."""
    return httpx.Timeout(**{"connect": LONG_S, "read": LONG_S, "write": LONG_S, "pool": LONG_S, **limits_s})


async def outlives(call: Awaitable[httpx.Response]) -> bool:
    """Tell whether a call is still there when its time-out is long over."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            await call
    except TimeoutError:
        return True
    except httpx.TimeoutException:
        return False
    raise RuntimeError("the call was answered: nothing was tested")


async def _held(call: Awaitable[httpx.Response]) -> bool:
    """Tell whether a call outlives its time-out.

    Raises StoodStillError where the client's own loop could not have ended it in time.
    """
    async with lateness.bounded(LATE_MAX_S):
        return await outlives(call)


def _client(url: str, limits: httpx.Timeout, *, http2: bool = False, pool: int = STREAMS) -> httpx.AsyncClient:
    return plain.client(url, timeout=limits, http1=not http2, http2=http2, limits=httpx.Limits(max_connections=pool))


async def _connect(_: str) -> bool:
    with bad_listeners.full() as port:
        async with _client(f"http://{bad_listeners.HOST}:{port}", timeout(connect=LIMIT_S)) as client:
            return await _held(client.get("/"))


async def _write(_: str) -> bool:
    with bad_listeners.deaf() as port:
        async with _client(f"http://{bad_listeners.HOST}:{port}", timeout(write=LIMIT_S)) as client:
            return await _held(client.post("/", content=_much()))


async def _much() -> AsyncIterator[bytes]:
    """Give more than any kernel's buffers hold, in parts: copying it at once would keep the loop from its time-outs."""
    part = bytes(2**20)
    for _ in range(64):
        yield part


async def _read(url: str) -> bool:
    return await _hung(url, timeout(read=LIMIT_S), http2=False)


async def _read_2(url: str) -> bool:
    return await _hung(url, timeout(read=LIMIT_S), http2=True)


async def _twin(url: str) -> bool:
    return await _hung(url, timeout(read=None), http2=False)


async def _hung(url: str, limits: httpx.Timeout, *, http2: bool) -> bool:
    async with _client(url, limits, http2=http2) as client:
        await _hang(url)
        return await _held(client.get("/quote/1"))


async def _pool(url: str) -> bool:
    """Wait for the one connection, which a hanging call has."""
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(_client(url, timeout(), pool=1))
        await _hang(url)
        stack.enter_context(_running(client.get("/quote/1")))
        await asyncio.sleep(bad_listeners.SETTLE_S)
        return await _held(client.get("/quote/2", timeout=timeout(pool=LIMIT_S)))


async def _streams(url: str) -> bool:
    """Wait for a stream of the one connection, all of which hanging calls have; no time-out of httpx is for that."""
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(_client(url, timeout(), http2=True, pool=1))
        (await client.get("/health")).raise_for_status()
        await _hang(url)
        for number in range(STREAMS):
            stack.enter_context(_running(client.get(f"/quote/{number}")))
        # So many calls at once keep the loop busy for longer than the time-out.
        await lateness.calm(bad_listeners.SETTLE_S)
        return await _held(client.get("/quote/1", timeout=timeout(pool=LIMIT_S, read=LIMIT_S)))


async def _beside(url: str) -> bool:
    """Wait for an answer while another call, which has more time, waits for its own on the same connection."""
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(_client(url, timeout(), http2=True))
        (await client.get("/health")).raise_for_status()
        await _hang(url)
        stack.enter_context(_running(client.get("/quote/1")))
        await asyncio.sleep(bad_listeners.SETTLE_S)
        return await _held(client.get("/quote/2", timeout=timeout(read=LIMIT_S)))


async def _drip(_: str) -> bool:
    limits = httpx.Timeout(LIMIT_S)
    async with (
        bad_listeners.dripping(LIMIT_S * 0.4) as port,
        _client(f"http://{bad_listeners.HOST}:{port}", limits) as client,
    ):
        return await _held(client.get("/"))


async def _neighbour(url: str) -> bool:
    return await _cut_short(url, http2=True)


async def _lone(url: str) -> bool:
    return await _cut_short(url, http2=False)


async def _cut_short(url: str, *, http2: bool) -> bool:
    """Tell whether a call with much time fails because another one, on the same client, had little."""
    async with _client(url, timeout(), http2=http2) as client:
        (await client.get("/health")).raise_for_status()
        await _control(url, hang_share=0.0, work_ms=4e3 * LIMIT_S)
        async with lateness.bounded(LATE_MAX_S):
            short = asyncio.ensure_future(client.get("/quote/1", timeout=timeout(read=LIMIT_S)))
            await asyncio.sleep(LIMIT_S / 5)
            patient = asyncio.ensure_future(client.get("/quote/2"))
            first, second = await asyncio.gather(short, patient, return_exceptions=True)
        if not isinstance(first, httpx.TimeoutException):
            raise RuntimeError("the hasty call did not time out: nothing was tested")  # noqa: TRY004  (no type is wrong)
        return isinstance(second, BaseException)


async def _queued(url: str) -> bool:
    """Cut off calls that wait for the one connection, in the moment in which it becomes free."""
    return await _lost(url, http2=False, pool=1, waves=1)


async def _cut(url: str) -> bool:
    return await _lost(url, http2=False, pool=STREAMS, waves=WAVES)


async def _cut_2(url: str) -> bool:
    """Cut off as many calls as the server allows streams: httpx forgets them and does not tell the server."""
    return await _lost(url, http2=True, pool=STREAMS, waves=WAVES)


async def _lost(url: str, *, http2: bool, pool: int, waves: int) -> bool:
    """Tell whether a client can no longer reach a server that is well, after calls that were cut off."""
    async with _client(url, timeout(pool=QUEUE_S), http2=http2, pool=pool) as client:
        (await client.get("/health")).raise_for_status()
        await _hang(url)
        for _ in range(waves):
            calls = (outlives(client.get(f"/quote/{number}")) for number in range(STREAMS))
            await asyncio.gather(*calls, return_exceptions=True)
        await _control(url, hang_share=0.0, work_ms=0.0)
        try:
            return not (await client.get("/quote/1")).is_success
        except httpx.HTTPError:
            return True


@contextlib.contextmanager
def _running(call: Awaitable[httpx.Response]) -> Iterator[None]:
    """Let a call run beside; it is ended with the block."""
    task = asyncio.ensure_future(call)
    try:
        yield
    finally:
        task.cancel()


async def _hang(url: str) -> None:
    await _control(url, hang_share=1.0)


async def _control(url: str, **changes: float) -> None:
    async with plain.client(url) as admin:
        (await admin.post("/control", json={"fail_share": 0.0, **changes})).raise_for_status()


TWIN = "no time-out"

OUTLIVING: dict[str, Case] = {
    "connect time-out": _connect,
    "write time-out": _write,
    "read time-out": _read,
    "pool time-out": _pool,
    "read time-out, an answer that drips": _drip,
    "read time-out, HTTP/2": _read_2,
    "read time-out, HTTP/2, beside a patient call": _beside,
    "pool time-out, HTTP/2, no stream free": _streams,
    TWIN: _twin,
}
"""In each one time-out is 50 ms."""

SHORTENED: dict[str, Case] = {
    "beside a time-out, HTTP/2": _neighbour,
    "beside a time-out, HTTP/1.1": _lone,
}
LOSING: dict[str, Case] = {
    "calls cut off while they queue": _queued,
    "calls cut off, HTTP/2": _cut_2,
    "calls cut off, HTTP/1.1": _cut,
}
