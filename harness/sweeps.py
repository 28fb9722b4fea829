"""Sweeps: all cells of a grid side by side in every block, each block in fresh processes.

One process for each target and number of rows; the cells that it serves are requested in turn, in random order.
The processes are loaded one at a time, in short slices, so that all cells meet the same minutes of the machine.
"""

from __future__ import annotations

import contextlib
import datetime
import random
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from msgspec import structs

from harness import evidence, load, processes, questions, reading, summary, swept, validity, watching
from harness.backends.backing import Lent, lending
from harness.backends.needs import behind_of
from harness.block import DRAIN_S, BackendEndedError, Rig, named
from harness.claims.claim import Grid
from harness.meters import sampler
from harness.model import App, Behind, Condition, Load, Role, Target, Void, Window
from harness.questions import Process
from harness.runtimes.runtime import Server, stop
from harness.store import samples
from harness.store.folder import write_json
from harness.swept import Seen, SweepBlock, kept

WARMUP_S = 1.0

START_S = 0.8
"""Each process imports the service on the arms' core, one after the other: 0.65 to 1.2 s, the blocks'
wall time less their load (results/evidence/claims-data.json)."""

Parse = Callable[[str], Target]


def seconds_per_block(grid: Grid) -> float:
    """Expected wall time of one block: the start of its processes and of Locust, and the load."""
    processes_ = len({(cell.target, cell.rows) for cell in grid.cells})
    return processes_ * START_S + WARMUP_S + grid.measure_s + 2.5


def sizes(grid: Grid) -> set[int | None]:
    """Numbers of rows that the grid's databases have."""
    return {cell.rows for cell in grid.cells}


def behind(grid: Grid, rows: int | None, seed: int, parse: Parse) -> Behind | None:
    """What must stand behind the processes with so many rows."""
    arms = [parse(cell.target) for cell in grid.cells if cell.rows == rows]
    return behind_of(arms, rows=rows, seed=seed, rtt_ms=grid.rtt_ms)


def observe(
    grid: Grid, parse: Parse, rig: Rig, folder: Path, blocks: int, seed: int, said: Callable[[str], object]
) -> list[SweepBlock]:
    """As many valid blocks as asked for, void ones repeated up to half as often; kept ones are not repeated.

    ``said`` is told of each block's beginning.
    Raises CannotMeasure where a process does not start or a cell does not answer 200.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(blocks + blocks // 2):
        lacking = blocks - sum(not one.voids for one in kept(folder))
        if not lacking:
            break
        done = folder / f"{number:04}.json"
        if not done.exists():
            said(f"{lacking} of {blocks} blocks to do, about {lacking * seconds_per_block(grid):.0f} s left")
            place = folder / f"{number:04}-{time.monotonic_ns():x}"
            place.mkdir()
            block = _block(grid, parse, rig, place, number, seed)
            write_json(done, block)
            if block.voids:
                said(f"a block is void ({block.voids[0].sentence})")
    return kept(folder)


def _block(grid: Grid, parse: Parse, rig: Rig, place: Path, number: int, seed: int) -> SweepBlock:
    began = time.monotonic()
    started_utc = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    order = random.Random(f"{seed}-{grid.id}-{number}")
    arms = _processes(grid, parse)
    order.shuffle(arms)
    round_trip_ms = None
    try:
        with _lent(grid, parse, arms, rig, seed) as lent, named(lent), _served(arms, rig, place, lent) as servers:
            round_trip_ms = max((one.round_trip_ms for one in lent.networks), default=None)
            seen, evidences = _loaded(grid, arms, servers, rig, place, lent, order)
        checks = validity.checks(evidences)
        voids = validity.voids(checks)
    except (load.GeneratorFailedError, samples.DamagedSamples) as error:
        seen, checks = (), ()
        voids = (Void(check="load generator", seen=str(error), limit="complete data", sentence=str(error)),)
    except BackendEndedError as error:
        seen, checks = (), ()
        voids = (Void(check="services behind the arms", seen=str(error), limit="running", sentence=str(error)),)
    return SweepBlock(
        number=number,
        seed=seed,
        started_utc=started_utc,
        seen=seen,
        checks=checks,
        voids=voids,
        wall_s=time.monotonic() - began,
        pinned=rig.layout.pinned,
        round_trip_ms=round_trip_ms,
    )


def _processes(grid: Grid, parse: Parse) -> list[Process]:
    """One for each target and number of rows, in the grid's order."""
    groups: dict[tuple[str, int | None], list[int]] = {}
    for number, cell in enumerate(grid.cells):
        groups.setdefault((cell.target, cell.rows), []).append(number)
    return [
        Process(f"p{place}", parse(target), rows, tuple(cells))
        for place, ((target, rows), cells) in enumerate(groups.items())
    ]


@contextlib.contextmanager
def _lent(grid: Grid, parse: Parse, arms: Sequence[Process], rig: Rig, seed: int) -> Iterator[Lent]:
    """What stands behind the processes: one copy of the data for each number of rows."""
    with contextlib.ExitStack() as stack:
        parts = [
            stack.enter_context(
                lending(rig.backing, behind(grid, rows, seed, parse), [arm.name for arm in arms if arm.rows == rows])
            )
            for rows in sizes(grid)
        ]
        yield Lent(
            environments={name: found for part in parts for name, found in part.environments.items()},
            # One server for all sizes is one meter.
            meters=tuple({tree.root: (name, tree) for part in parts for name, tree in part.meters}.values()),
            postgres=next((part.postgres for part in parts if part.postgres is not None), None),
            valkeys=tuple(one for part in parts for one in part.valkeys),
            networks=tuple(one for part in parts for one in part.networks),
        )


@contextlib.contextmanager
def _served(arms: Sequence[Process], rig: Rig, place: Path, lent: Lent) -> Iterator[list[Server]]:
    """Start every process and stop them all."""
    servers: list[Server] = []
    try:
        for arm in arms:
            servers.append(
                rig.runtime.launch(
                    arm.name,
                    arm.target,
                    App(),
                    root=rig.root,
                    session=rig.session,
                    logs=place,
                    cores=rig.layout.arms if rig.layout.pinned else None,
                    promised=[server.port for server in servers],
                    lent=lent.environments.get(arm.name, {}),
                )
            )
            # One after the other: many that start at once on one core are all late.
            servers[-1].wait_ready(["/ping"], (200,))
        yield servers
    finally:
        stop(servers)


def _loaded(
    grid: Grid,
    arms: Sequence[Process],
    servers: Sequence[Server],
    rig: Rig,
    place: Path,
    lent: Lent,
    order: random.Random,
) -> tuple[tuple[Seen, ...], validity.Evidence]:
    """Ask each cell once, load them all, and say what was seen."""
    paths, statements = questions.asked(grid, arms, servers)
    work = Load(model="closed", users=grid.users, warmup_s=WARMUP_S, measure_s=grid.measure_s)
    condition = _condition(grid, questions.requests(grid, arms, paths, order), work)
    entries = tuple(evidence.Entry(cast("Role", arm.name), 1) for arm in arms)
    output = load.write_trial(
        place / "trial.json",
        condition=condition,
        grain="slice",
        arms=[load.Arm(arm.name, 1, server.url) for arm, server in zip(arms, servers, strict=True)],
        seed=order.getrandbits(31),
        slice_s=grid.slice_s,
        workers=1,
    )
    (place / "logs").mkdir()
    watch = watching.start(rig.layout, pace=False)
    generator: load.Generator | None = None
    try:
        generator = load.launch(
            place / "trial.json",
            rig.scenarios["paths"],
            output,
            session=rig.session,
            workers=1,
            cores=rig.layout.generator,
        )
        slices = load.wait_ready(generator)
        before, hits = questions.tallies(grid, servers), questions.hits(grid, arms, servers)
        readings = reading.read(rig.layout, generator, slices, "slice", servers, lent.meters, lent.between())
        done = load.collect(generator, DRAIN_S)
    finally:
        if generator is not None:
            processes.stop(generator.processes, grace_s=2.0)
        watched = watching.finish(watch)
    after, hits_after = questions.tallies(grid, servers), questions.hits(grid, arms, servers)
    killed = [text for server in servers if (text := server.killed_for_memory()) is not None]
    ended = [*(server.still_alone() for server in servers), lent.ended()]
    rows = samples.load_rows(output)
    counts = summary.summarise(rows, slices, t0_ns=readings.t0_ns, users=grid.users, expect=(200,))
    wrong = [text for text in ended if text is not None]
    found = evidence.gather(readings, counts, done, watched, wrong, slices, None, "slice", killed=killed)
    windows = evidence.windows_of(entries, slices, readings, rows, "slice")
    _keep(place, output, readings, windows)
    names = next(iter(samples.read_done(output).values())).names
    cells = {number: names.index(str(number)) for arm in arms for number in arm.cells if str(number) in names}
    seen = []
    for place_, arm in enumerate(arms):
        mine = [window for window in windows if window.role == arm.name]
        for number in arm.cells:
            picked = rows[(rows["phase"] == 1) & (rows["name_index"] == cells.get(number, -1))]
            alone = mine if len(arm.cells) == 1 else []
            one = swept.figures(grid.cells[number], picked[picked["entry"] == place_], alone, statements.get(number))
            tally = swept.per_second(before, after, place_, slices)
            ratio = swept.hit_ratio(hits.get(number), hits_after.get(number))
            seen.append(structs.replace(one, tally=tally, hit_ratio=ratio))
    return tuple(seen), found


def _keep(place: Path, output: Path, readings: sampler.Readings, windows: Sequence[Window]) -> None:
    """Write the samples, meters and slices, and drop the raw arrays that they were made of."""
    from harness.store import meters  # noqa: PLC0415  (pandas is slow to import; only blocks need it)

    samples.write_parquet([output], place / "requests.parquet")
    meters.write_meters(place / "meters.parquet", [structs.astuple(row) for row in readings.rows])
    meters.write_slices(place / "slices.parquet", windows)
    for raw in output.glob("requests-*.bin"):
        raw.unlink()


def _condition(grid: Grid, requests: Sequence[dict[str, Any]], work: Load) -> Condition:
    nobody = Target(spec=grid.id)
    return Condition(
        name=grid.id,
        regime="saturated",
        baseline=nobody,
        candidate=nobody,
        app=App(),
        scenario="paths",
        parameters={"requests": list(requests)},
        load=work,
        grains=("slice",),
        slice_s=grid.slice_s,
    )
