"""A server that does nothing: its latency is the floor of this rig, and nothing of it may be lost."""

from __future__ import annotations

import numpy as np

from harness import processes
from harness.model import Load
from harness.selftest.rig import Bench, Row, lone, start_module

RATE_RPS = 1000.0
MEASURE_S = 4.0
FLOOR_MS = 1.0
"""Ours: a rig whose own median is above a millisecond cannot measure a service that answers in one."""


def check(bench: Bench) -> list[Row]:
    """Measure the null server in the open model, latency from the due time."""
    process, port = start_module(bench, "targets.truth.null")
    try:
        rows = lone(bench, "null", port, Load(model="open", rate_rps=RATE_RPS, warmup_s=0.5, measure_s=MEASURE_S))
    finally:
        processes.stop([process])
    latency_ms = (rows["end_ns"] - rows["due_ns"])[rows["error"] == 0] / 1e6
    lag_ms = (rows["start_ns"] - rows["due_ns"]) / 1e6
    return [
        Row("null server: answered of due", len(rows), len(latency_ms), "requests", 0),
        Row("null server: floor, p50", 0, float(np.percentile(latency_ms, 50)), "ms", FLOOR_MS),
        Row("null server: floor, p99", 0, float(np.percentile(latency_ms, 99)), "ms", 5 * FLOOR_MS),
        Row("null server: send lag, p99", 0, float(np.percentile(lag_ms, 99)), "ms", FLOOR_MS),
    ]
