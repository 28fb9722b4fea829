"""Looks after a target while its load runs: when it ended, whether it is ready, how much CPU it uses."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
import time
from collections.abc import Iterator

from harness.errors import CannotMeasure
from harness.faults import _processes
from harness.runtimes import local
from harness.runtimes.runtime import Server, require_seen

LOOK_S = 0.005
"""How often the end of the target is looked for: a small file is read each time."""

METER_S = 0.1
"""How often CPU time is read, as finely as a chart can show."""

READY_S = 0.05
"""How often readiness is asked, and how long its answer may take."""

COUNT_S = 0.25
"""How often the service behind the target is asked what has arrived: a point of the chart."""

LEDGER = "/ledger"
"""Where the service behind the target tells its counts."""


class Lookout:
    """What was seen so far; a thread writes it while the block that it watches runs."""

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self.ended_ns: int | None = None
        self.cpu: list[tuple[int, int]] = []
        """(t_ns, CPU time of the target's tree in ns)."""
        self.ready: list[tuple[int, int]] = []
        """(t_ns of the answer, its status; 0 without one)."""
        self.arrived: list[tuple[int, int]] = []
        """(t_ns, requests that have arrived at the service behind the target)."""


@contextlib.contextmanager
def looking(server: Server, *, ready: bool, upstream: Server | None = None) -> Iterator[Lookout]:
    """Look after ``server`` until the block ends; ``ready``: ask its readiness; ``upstream``: count what arrives.

    Raises CannotMeasure where its processes cannot be seen.
    """
    require_seen(server)
    seen, over = Lookout(), threading.Event()
    threads = [threading.Thread(target=_look, args=(server, server.pids()[:1], seen, over), daemon=True)]
    if ready:
        threads.append(threading.Thread(target=_ask, args=(server, seen, over), daemon=True))
    if upstream is not None:
        threads.append(threading.Thread(target=_count, args=(upstream, seen, over), daemon=True))
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        over.set()
        for thread in threads:
            thread.join(timeout=5)


def _look(server: Server, first: tuple[int, ...], seen: Lookout, over: threading.Event) -> None:
    meter, next_ns = server.meter(), 0
    while not over.is_set() and seen.ended_ns is None:
        now_ns = time.monotonic_ns()
        if not _processes.living(first):
            seen.ended_ns = now_ns
        elif now_ns >= next_ns and meter is not None:
            seen.cpu.append((now_ns, meter.read().cpu_ns))
            next_ns = now_ns + round(METER_S * 1e9)
        over.wait(LOOK_S)


def _ask(server: Server, seen: Lookout, over: threading.Event) -> None:
    address = server.url.removeprefix("http://")
    while not over.is_set():
        status = _ready(address)
        seen.ready.append((time.monotonic_ns(), status))
        over.wait(READY_S)


def _count(upstream: Server, seen: Lookout, over: threading.Event) -> None:
    while not over.wait(COUNT_S):
        with contextlib.suppress(OSError, ValueError, KeyError, CannotMeasure):
            found = json.loads(local.verify_path(upstream.url, LEDGER, (200,)))
            seen.arrived.append((time.monotonic_ns(), int(found["arrived"])))


def _ready(address: str) -> int:
    connection = http.client.HTTPConnection(address, timeout=READY_S)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()
