"""A server frozen from outside (SIGSTOP) for 1 s: the longest latency from the due time is 1 s."""

from __future__ import annotations

import os
import signal
import threading
import time

from harness import processes
from harness.model import Load
from harness.selftest.rig import Bench, Row, lone, start_module

FREEZE_S = 1.0
AFTER_S = 3.0
"""Locust needs about 2 s until its first request: then the freeze falls into the load."""
RATE_RPS = 50.0
"""Each request due in the freeze opens a connection of its own; accepting 200 at once after it took 32 ms,
which is the server's queue and not the freeze."""
MEASURE_S = 6.0
SHARE = 0.02


def check(bench: Bench) -> list[Row]:
    """Freeze the null server in the middle of an open load and compare the longest latency."""
    process, port = start_module(bench, "targets.truth.null")
    frozen_ms: list[float] = []

    def freeze() -> None:
        _wait_for_start(bench)
        time.sleep(AFTER_S)
        began = time.monotonic()
        os.kill(process.pid, signal.SIGSTOP)
        time.sleep(FREEZE_S)
        os.kill(process.pid, signal.SIGCONT)
        frozen_ms.append((time.monotonic() - began) * 1e3)

    helper = threading.Thread(target=freeze)
    helper.start()
    try:
        work = Load(model="open", rate_rps=RATE_RPS, arrivals="constant", warmup_s=0.0, measure_s=MEASURE_S)
        rows = lone(bench, "freeze", port, work)
        helper.join()
    finally:
        processes.stop([process])
    latency_ms = (rows["end_ns"] - rows["due_ns"])[rows["end_ns"] >= 0] / 1e6
    calm = float((latency_ms < FREEZE_S * 1e3 * SHARE).mean())
    return [
        # The request due first in the freeze waits for all of it, less at most one gap between two dues.
        Row("freeze max", frozen_ms[0], float(latency_ms.max()), "ms", SHARE * FREEZE_S * 1e3),
        Row("share outside the freeze", 1 - FREEZE_S / MEASURE_S, calm, "of requests", SHARE),
    ]


def _wait_for_start(bench: Bench) -> None:
    start = bench.folder / "freeze" / "load" / "start.json"
    deadline = time.monotonic() + 60
    while not start.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
