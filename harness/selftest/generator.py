"""A generator that is asked for more than its core can send: the block must be void and say why."""

from __future__ import annotations

from harness import block
from harness.model import Load
from harness.selftest.rig import Bench, Row, condition

RATE_RPS = 60_000.0
"""Twice this is more than one core sends; the servers get a third of it."""

CONNECTIONS_MAX = 256
FLAGS = ("generator's work", "sent of due")


def check(bench: Bench) -> list[Row]:
    """Run one block far beyond the generator's reach and look for the flag."""
    work = Load(model="open", rate_rps=RATE_RPS, connections_max=CONNECTIONS_MAX, warmup_s=0.0, measure_s=1.0)
    quick = {"TRUTH_WORK_US": "0"}
    what = condition("generator", quick, quick, work, "request")
    done = block.run(block.Job(0, what, "request", bench.seed), bench.rig, bench.folder)
    flagged = any(void.check in FLAGS for void in done.voids)
    return [Row("saturated generator flagged", 1, float(flagged), "times", 0)]
