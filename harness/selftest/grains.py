"""The grains against each other: equal arms but for a known burn, and two servers, at equal load per arm."""

from __future__ import annotations

import json
from collections.abc import Sequence

from msgspec import Struct

from harness import block
from harness.model import Grain, Load
from harness.selftest.doses import OPEN_SHORT, Dosed, dosed_of, points_of
from harness.selftest.rig import Bench, Row, condition
from harness.stats.intervals import t_interval
from harness.store.blocks import BLOCK_FILE
from harness.store.folder import write_json

BURN_US = 10
APART = 0.005
"""Grains that measure one burn agree within 0.5 %."""
APART_SERVERS = 0.03
"""Ours: two servers differ between grains by what waits and warms differently; more than 3 % needs a reason."""

SATURATED = Load(model="closed", users=16, warmup_s=0.6, measure_s=4.0)


class Contest(Struct, frozen=True):
    """Two grains on one pair of servers."""

    name: str
    servers: tuple[str, str]
    work: Load
    grains: tuple[Grain, Grain]
    burn_us: int
    tolerance: float


CONTESTS = (
    Contest(
        "one architecture, request − slice", ("uvicorn", "uvicorn"), OPEN_SHORT, ("request", "slice"), BURN_US, APART
    ),
    Contest(
        "two architectures, slice − block", ("uvicorn", "granian"), SATURATED, ("slice", "block"), 0, APART_SERVERS
    ),
)


def check(bench: Bench) -> list[Row]:
    """Measure each pair in both grains in turn, and compare the log-ratios turn by turn."""
    return [_contest(bench, one) for one in CONTESTS]


def _contest(bench: Bench, one: Contest) -> Row:
    first: list[Dosed] = []
    second: list[Dosed] = []
    for turn in range(bench.turns * 2):
        ours, theirs = (_measured(bench, one, grain, turn) for grain in one.grains)
        if ours is not None and theirs is not None:
            first.append(ours)
            second.append(theirs)
        if len(first) == bench.turns:
            break
    pairs = zip(_errors(first), _errors(second), strict=True)
    return _row(one, [here - there for here, there in pairs])


def _errors(dosed: Sequence[Dosed]) -> list[float]:
    return [point.measured - point.burned for point in points_of(dosed, 0.0)]


def _row(one: Contest, differences: Sequence[float]) -> Row:
    seen = t_interval(differences, 0.95)
    name = f"grains apart, {one.name}"
    if seen is None:
        return Row(name, 0, None, "log-ratio", one.tolerance)
    return Row(name, 0, seen.value, "log-ratio", one.tolerance, low=seen.low, high=seen.high)


def _measured(bench: Bench, one: Contest, grain: Grain, turn: int) -> Dosed | None:
    """One block and what was injected; None where the block is void."""
    burns = [{"TRUTH_WORK_US": "30", "TRUTH_BURN_US": str(burn)} for burn in (0, one.burn_us)]
    what = condition(f"grains {one.name}", burns[0], burns[1], one.work, grain, one.servers)
    place = bench.folder / f"{one.servers[1]}-{grain}-{turn}"
    place.mkdir()
    done = block.run(block.Job(turn, what, grain, bench.seed + turn), bench.rig, place)
    write_json(place / BLOCK_FILE, done)
    return dosed_of(one.burn_us, done, json.loads((place / "ledger.json").read_text()))
