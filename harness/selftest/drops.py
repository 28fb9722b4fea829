"""Refused, reset, cut, empty and missing answers, in exact numbers: each must be counted in its class."""

from __future__ import annotations

import numpy as np

from harness import listeners, processes
from harness.model import Load
from harness.selftest.rig import Bench, Row, lone, start_module

RESET, CUT, EMPTY, STATUS, HANG = 7, 5, 3, 4, 2
_REFUSED, _RST, _EOF, _TIMEOUT = 1, 2, 3, 4

PATIENCE_S = 2.0
"""Three hundred times what an answer takes here: only a hanging request runs into it."""


def check(bench: Bench) -> list[Row]:
    """Drive a server that misbehaves exactly so often, and a port where nobody listens."""
    work = Load(model="open", rate_rps=500, warmup_s=0.0, measure_s=3.0)
    plan = f"reset={RESET},cut={CUT},eof={EMPTY},status={STATUS},hang={HANG}"
    process, port = start_module(bench, "targets.truth.drops", "--plan", plan, "--seed", str(bench.seed))
    try:
        rows = lone(bench, "drops", port, work, timeout_s=PATIENCE_S)
    finally:
        processes.stop([process])
    nobody = lone(bench, "refused", listeners.free_port(), work)
    failed = rows["error"]
    return [
        Row("resets counted", RESET, int((failed == _RST).sum()), "requests", 0),
        Row("cut and empty answers counted", CUT + EMPTY, int((failed == _EOF).sum()), "requests", 0),
        Row("time-outs counted", HANG, int((failed == _TIMEOUT).sum()), "requests", 0),
        Row("503 counted", STATUS, int(((failed == 0) & (rows["status"] == 503)).sum()), "requests", 0),  # noqa: PLR2004  (the injected status)
        Row("refused counted", len(nobody), int(np.sum(nobody["error"] == _REFUSED)), "requests", 0),
    ]
