"""A relay that makes a network longer: bytes wait for half the round trip in each direction."""

from __future__ import annotations

import asyncio
import contextlib
import select
import selectors
import socket
import statistics
import threading
import time
from collections.abc import Iterator

HOST = "127.0.0.1"
START_S = 10.0
_WAIT_S = 0.0005


class _End(asyncio.Protocol):
    """One end of a relayed connection."""

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s
        self.transport: asyncio.Transport | None = None
        self.other: _End | None = None
        self._early: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self.transport = transport
            for data in self._early:
                transport.write(data)
            self._early.clear()

    def data_received(self, data: bytes) -> None:
        if self._delay_s > 0:
            asyncio.get_running_loop().call_later(self._delay_s, self._pass_on, data)
        else:
            self._pass_on(data)

    def connection_lost(self, _: Exception | None) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()

    def send(self, data: bytes) -> None:
        """Write now, or once there is a connection."""
        if self.transport is None:
            self._early.append(data)
        else:
            self.transport.write(data)

    def _pass_on(self, data: bytes) -> None:
        if self.other is not None:
            self.other.send(data)


@contextlib.contextmanager
def relayed(host: str, port: int, round_trip_s: float) -> Iterator[int]:
    """Give the port of a relay to the address, in a thread of its own, until the block ends.

    Its loop waits with ``select``: asyncio's ``epoll`` rounds waits up to whole milliseconds.  The kernel is still late
    (about 0.06 ms on Linux): its lateness is measured first, and each wait is shorter by it.  Round trips below twice
    the lateness cannot be made, and a wait that is later than usual is not made up for.
    """
    delay_s = max(0.0, round_trip_s / 2 - lateness_s()) if round_trip_s else 0.0
    loop = asyncio.SelectorEventLoop(selectors.SelectSelector())
    listener = socket.create_server((HOST, 0))
    thread = threading.Thread(target=loop.run_forever, name="relay", daemon=True)
    thread.start()

    async def begin() -> None:
        await loop.create_server(near, sock=listener)

    async def end() -> None:
        for one in ends:
            if one.transport is not None:
                one.transport.abort()
        # Transports close themselves in the loop's next turn.
        await asyncio.sleep(0)

    def near() -> _End:
        front, back = _End(delay_s), _End(delay_s)
        ends.extend((front, back))
        front.other, back.other = back, front
        tasks.add(loop.create_task(_reach(back, front, host, port)))
        return front

    tasks: set[asyncio.Task[None]] = set()
    ends: list[_End] = []
    try:
        asyncio.run_coroutine_threadsafe(begin(), loop).result(START_S)
        yield listener.getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result(START_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(START_S)
        listener.close()
        loop.close()


def lateness_s() -> float:
    """Measure by how much the kernel wakes up late: the median of 20 waits."""
    late_s = []
    for _ in range(20):
        start_s = time.perf_counter()
        select.select([], [], [], _WAIT_S)
        late_s.append(time.perf_counter() - start_s - _WAIT_S)
    return statistics.median(late_s)


async def _reach(back: _End, front: _End, host: str, port: int) -> None:
    try:
        await asyncio.get_running_loop().create_connection(lambda: back, host, port)
    except OSError:
        if front.transport is not None:
            front.transport.close()
