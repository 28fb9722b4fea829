"""Holds SIGTERM back from the server for a while, whatever server it is.

Servers install their handlers in two ways (``signal.signal``, or in the event loop, where nobody can read them again),
so none is replaced.  The signal is blocked in the main thread and in all that begin later; a thread of our own waits
for it (``sigwait``, POSIX 2.4), and after the delay lets it through to whichever handler is there.

It does not work where a thread without the block was there before the lifespan began: ``uvicorn --workers`` has one in
each worker.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
import time
from collections.abc import Iterator


class Drain:
    """Whether the process is leaving."""

    def __init__(self) -> None:
        """Begin as one that stays."""
        self._since_s: float | None = None

    @property
    def leaving(self) -> bool:
        """Whether new requests should go elsewhere."""
        return self._since_s is not None

    def begin(self) -> None:
        """Leave; a second time changes nothing."""
        if self._since_s is None:
            self._since_s = time.monotonic()

    def left_s(self, delay_s: float) -> float:
        """Seconds until so long after the beginning: a hook that told us earlier has used some of them."""
        return delay_s if self._since_s is None else max(0.0, self._since_s + delay_s - time.monotonic())


@contextlib.contextmanager
def hooked(delay_s: float) -> Iterator[Drain]:
    """Give a drain that SIGTERM begins, ``delay_s`` before the server sees the signal.

    In any thread but the main one no signal can be held back: the drain begins by its route alone.
    """
    drain, loop = Drain(), asyncio.get_running_loop()
    if threading.current_thread() is not threading.main_thread():
        yield drain
        return
    ended = threading.Event()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})

    def let_through() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        signal.raise_signal(signal.SIGTERM)

    def wait() -> None:
        signal.sigwait({signal.SIGTERM})
        if ended.is_set():
            return
        drain.begin()
        if not ended.wait(drain.left_s(delay_s)):
            # In the main thread: it alone runs handlers, and a sleeping loop would not notice the signal of another.
            loop.call_soon_threadsafe(let_through)

    waiter = threading.Thread(target=wait, name="drain", daemon=True)
    waiter.start()
    try:
        yield drain
    finally:
        ended.set()
        if waiter.is_alive():
            signal.pthread_kill(waiter.ident or 0, signal.SIGTERM)
            waiter.join()
        # From here on the server alone decides what the signal means: Uvicorn sends itself one at the very end.
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
