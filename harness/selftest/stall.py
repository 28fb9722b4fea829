"""An event loop that blocks 500 ms in every 5 s at 200 requests/s: the quantiles follow by arithmetic."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from harness import processes
from harness.model import Load, Target
from harness.runtimes import local
from harness.selftest.rig import TRUTH, Bench, Row, lone

STALL_MS, EVERY_S, RATE_RPS = 500.0, 5.0, 200.0
MEASURE_S = 20.0
SHARE = 0.02
"""Allowed relative error of a quantile."""


def expected_ms(q: float, service_ms: float) -> float:
    """Quantile of latency from the due time when a share of the requests falls due during stalls.

    A request due u before a stall's end waits u and then for those due before it in the same stall,
    which are answered first: latency = u + (STALL_MS − u) × rate × service time, u uniform on
    [0, STALL_MS].  All other requests wait about nothing, so P(u > x) = (STALL_MS − x) ÷ EVERY_S.
    """
    u_ms = STALL_MS - (1 - q) * EVERY_S * 1e3
    return u_ms + (STALL_MS - u_ms) * RATE_RPS / 1e3 * service_ms


def drained_ms(stalls: Sequence[tuple[int, int]], handled_ns: Sequence[int]) -> float:
    """Mean time that a request which waited for a stall's end added to those behind it.

    All by the server's own clock: from the stall's end until it had answered as many as fell due meanwhile, shared
    between them; nothing of what the instrument saw.  The cost of a request at 200/s is no measure of it: a
    backlog is served in a few turns of the event loop.
    """
    waited = round(STALL_MS / 1e3 * RATE_RPS)
    handled = np.sort(np.asarray(handled_ns, dtype=np.int64))
    took_ns = []
    for _, end_ns in stalls:
        last = int(np.searchsorted(handled, end_ns)) + waited - 1
        if last < len(handled):
            took_ns.append(int(handled[last]) - end_ns)
    return float(np.mean(took_ns)) / waited / 1e6


def check(bench: Bench) -> list[Row]:
    """Measure a stalling server with constant arrivals and compare p95, p99 and max."""
    environment = {
        "TRUTH_WORK_US": "20",
        "TRUTH_STALL_MS": str(STALL_MS),
        "TRUTH_STALL_EVERY_S": str(EVERY_S),
        "TRUTH_STALL_FIRST_S": "2.5",
    }
    target = Target(spec="uvicorn", server="uvicorn", environment=environment)
    server = local.launch(
        "stalling",
        target,
        TRUTH,
        root=bench.rig.root,
        session=bench.rig.session,
        logs=bench.folder,
        cores=bench.rig.layout.arms if bench.rig.layout.pinned else None,
    )
    try:
        local.wait_ready(server, ["/truth"], (200,))
        work = Load(model="open", rate_rps=RATE_RPS, arrivals="constant", warmup_s=0.0, measure_s=MEASURE_S)
        rows = lone(bench, "stall", server.port, work)
        told = json.loads(local.verify_path(server.url, "/truth", (200,)))
    finally:
        if server.process is not None:
            processes.stop([server.process])
    latency_ms = (rows["end_ns"] - rows["due_ns"])[rows["end_ns"] >= 0] / 1e6
    found = np.percentile(latency_ms, [95, 99])
    service_ms = drained_ms(told["stalls"], told["handled_ns"])
    p95_ms, p99_ms = expected_ms(0.95, service_ms), expected_ms(0.99, service_ms)
    return [
        Row("stall p95", p95_ms, float(found[0]), "ms", SHARE * p95_ms),
        Row("stall p99", p99_ms, float(found[1]), "ms", SHARE * p99_ms),
        Row("stall max", STALL_MS, float(latency_ms.max()), "ms", SHARE * STALL_MS),
        Row("stall: due requests sent", len(rows), float((rows["start_ns"] >= 0).sum()), "requests", 0),
    ]
