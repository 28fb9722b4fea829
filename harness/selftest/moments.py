"""A proxy that is switched off and on at known moments: failure and recovery are seen within 100 ms of them."""

from __future__ import annotations

from harness import passages
from harness.course import Course, Subject
from harness.model import Fault, Load, Target
from harness.selftest.rig import Bench, Row

TOLERANCE_MS = 100.0
"""At 200 requests/s one is due every 5 ms on average; the rest is for closing, opening and noticing."""

COURSE = Course(
    id="moments",
    subjects=(Subject("slow app", "uvicorn"),),
    faults=(Fault(fault="down", on="client", start_s=1.0, end_s=2.0),),
    load=Load(model="open", rate_rps=200.0, warmup_s=0.5, measure_s=5.0),
    paths=("/quick",),
    what="the way to the server is closed from 1 to 2 s",
    app="targets.truth.slow:app",
    proxied=("client",),
)


def check(bench: Bench) -> list[Row]:
    """Let one server pass through a fault whose moments are acknowledged."""
    server = Target(spec="uvicorn", server="uvicorn")
    place = bench.folder / COURSE.id
    place.mkdir()
    one = passages.run(COURSE, COURSE.subjects[0], lambda _: server, bench.rig, place, 0, bench.seed)
    happened = one.happened[0]
    lasted = None if happened.ended_ns is None or happened.acknowledged_ns is None else (
        happened.ended_ns - happened.acknowledged_ns
    ) / 1e6  # fmt: skip
    return [
        Row("fault lasted", 1000.0, lasted, "ms", TOLERANCE_MS),
        Row("known failure seen after", 0.0, _ms(one.detected_s), "ms", TOLERANCE_MS),
        Row("known recovery seen after", 0.0, _ms(one.recovered_s), "ms", TOLERANCE_MS),
        Row("client against server, unexplained", 0.0, float(sum(one.unexplained.values())), "requests", 0.0),
    ]


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1e3
