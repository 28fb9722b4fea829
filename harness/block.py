"""One block: fresh processes are started, verified, warmed up, measured and stopped.

``run`` reads as the table of contents.  A block of the request or slice grain is one stretch with
two processes of each arm alive (a quartet); a block of the block grain is four stretches with one
process alive, in the order A B B A.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct, structs

from harness import __version__, events, evidence, load, processes, reading, summary, validity, watching
from harness.backends.backing import Backing, Lent, lending
from harness.errors import CannotMeasure
from harness.evidence import Entry, Watched
from harness.machine import CoreLayout
from harness.meters import sampler
from harness.model import Block, Condition, Cost, Grain, Role, Void, Window
from harness.runtimes import attached, local
from harness.runtimes.runtime import Runtime, Server, stop
from harness.stats.pace import at_equal_pace
from harness.store import samples

PAIRING_S = 0.5
"""In the request grain a slice is a pairing of processes; noise meets both arms at once, so it need not be short,
and every edge is a reading of the meters."""

DRAIN_S = 15.0
"""Requests outstanding at the end have 10 s to finish; writing the samples takes the rest."""


class BackendEndedError(Exception):
    """What stands behind the arms ended before the load: the block is void, and the next one has it again."""


class Rig(Struct, frozen=True):
    """What all blocks of a session share: the root, the session's label, the cores, the options."""

    root: Path
    scenarios: dict[str, Path]
    session: processes.Session
    layout: CoreLayout
    load_workers: int
    backing: Backing | None = None
    """None: nothing can stand behind the arms."""
    runtime: Runtime = local.RUNTIME
    """Where the arms run."""


class Job(Struct, frozen=True):
    """Which block to run."""

    number: int
    condition: Condition
    grain: Grain
    seed: int


class Stretch(Struct, frozen=True):
    """What one stretch of load left: evidence, counts and costs."""

    entries: tuple[Entry, ...]
    started: tuple[str, ...]
    """Their names in the order of their start."""
    windows: tuple[Window, ...]
    costs: tuple[Cost, ...]
    counts: summary.Summary
    evidence: validity.Evidence
    utilisation: float | None
    rows: tuple[sampler.MeterRow, ...]
    slices: tuple[load.Slice, ...]
    done: tuple[dict[str, Any], ...]
    folder: Path
    ledger: tuple[dict[str, Any], ...]
    events: tuple[events.Event, ...]
    t0_ns: int
    watched: Watched | None
    backend_share: float | None


def run(job: Job, rig: Rig, folder: Path) -> Block:
    """Execute one block and keep everything it left in ``folder``.

    Raises CannotMeasure when a server does not start or answer as expected before the load, BackendEndedError where
    that is because its database ended, and load.GeneratorFailedError when Locust left no complete data.
    """
    began = time.monotonic()
    started_utc = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    order = random.Random(f"{job.seed}-order")
    (folder / "logs").mkdir(exist_ok=True)
    stretches = []
    for number, (grain, entries) in enumerate(_stretches(job, order)):
        place = folder / f"stretch-{number + 1}"
        place.mkdir()
        names = [entry.name for entry in entries]
        with lending(rig.backing, job.condition.behind, names) as lent, named(lent):
            stretches.append(_measure(job, rig, grain, entries, place, folder / "logs", order, lent))
    stretches = _paced(stretches)
    _keep(folder, stretches)
    return _block(job, rig, stretches, started_utc, time.monotonic() - began)


@contextlib.contextmanager
def named(lent: Lent) -> Iterator[None]:
    """An arm that does not answer because its database has gone is no fault of the arm."""
    try:
        yield
    except CannotMeasure as error:
        gone = lent.ended()
        if gone is None:
            raise
        raise BackendEndedError(gone) from error


def _stretches(job: Job, order: random.Random) -> list[tuple[Grain, tuple[Entry, ...]]]:
    if job.grain != "block":
        quartet = tuple(Entry(role, instance) for role in ("baseline", "candidate") for instance in (1, 2))
        return [(job.grain, quartet)]
    sides: list[Role] = ["baseline", "candidate"]
    first, second = order.sample(sides, 2)
    roles = [(first, 1), (second, 1), (second, 2), (first, 2)]
    return [("block", (Entry(role, instance),)) for role, instance in roles]


def _measure(
    job: Job,
    rig: Rig,
    grain: Grain,
    entries: tuple[Entry, ...],
    place: Path,
    logs: Path,
    order: random.Random,
    lent: Lent,
) -> Stretch:
    """Start, verify, warm up, measure, stop."""
    condition = job.condition
    watch = watching.start(rig.layout, pace=grain != "request")
    servers: dict[str, Server] = {}
    generator: load.Generator | None = None
    happened: list[events.Event] = []
    try:
        started = order.sample(entries, len(entries))
        for entry in started:
            promised = [server.port for server in servers.values()]
            servers[entry.name] = _start(entry, condition, rig, logs, promised, lent)
            happened.append(events.now("start", entry.name))
        arms = [load.Arm(name=entry.role, instance=entry.instance, url=servers[entry.name].url) for entry in entries]
        trial = place / "trial.json"
        share = condition if grain != "block" else _quarter(condition)
        output = load.write_trial(
            trial,
            condition=share,
            grain=grain,
            arms=arms,
            seed=job.seed,
            slice_s=condition.slice_s if grain == "slice" else max(condition.slice_s, PAIRING_S),
            workers=rig.load_workers,
        )
        (place / "logs").mkdir()
        generator = load.launch(
            trial,
            rig.scenarios[condition.scenario],
            output,
            session=rig.session,
            workers=rig.load_workers,
            cores=rig.layout.generator,
        )
        for server in servers.values():
            _wait_ready(server, condition)
            happened.append(events.now("ready", server.name))
        slices = load.wait_ready(generator)
        ordered = [servers[entry.name] for entry in entries]
        readings = reading.read(rig.layout, generator, slices, grain, ordered, lent.meters)
        happened += [events.Event(t_ns=readings.t0_ns, what="load"), events.now("stop")]
        done = load.collect(generator, DRAIN_S)
        ledger = _ledger(entries, ordered, condition)
        seen = [*(server.still_alone() for server in ordered), lent.ended()]
        wrong = [text for text in seen if text is not None]
        killed = [text for server in ordered if (text := server.killed_for_memory()) is not None]
        memory = [(server.pss_bytes(), server.peak_bytes()) for server in ordered]
    finally:
        if generator is not None:
            processes.stop(generator.processes, grace_s=2.0)
        stop(list(servers.values()))
        happened.append(events.now("end"))
        watched = watching.finish(watch)
    rows = samples.load_rows(output)
    counts = summary.summarise(rows, slices, t0_ns=readings.t0_ns, users=condition.load.users, expect=condition.expect)
    windows = evidence.windows_of(entries, slices, readings, rows, grain)
    return Stretch(
        entries=entries,
        started=tuple(entry.name for entry in started),
        windows=windows,
        costs=evidence.costs_of(entries, windows, readings, memory),
        counts=counts,
        evidence=evidence.gather(
            readings,
            counts,
            done,
            watched,
            wrong,
            slices,
            evidence.mismatch_of(ledger, rows),
            grain,
            len(rig.layout.generator),
            killed,
        ),
        ledger=tuple(ledger),
        events=(*happened, *events.pauses(watched.pauses if watched else ())),
        utilisation=evidence.utilisation_of(windows),
        backend_share=evidence.backend_share_of(readings, slices),
        rows=readings.rows,
        slices=slices,
        done=tuple(done),
        folder=output,
        t0_ns=readings.t0_ns,
        watched=watched,
    )


def _paced(stretches: Sequence[Stretch]) -> list[Stretch]:
    """Grade the pace of all stretches by one measure: one of them may have been slow all the while."""
    fast_ns = evidence.fast_look_ns(stretch.watched for stretch in stretches)
    return [
        structs.replace(stretch, windows=evidence.paced(stretch.windows, stretch.t0_ns, stretch.watched, fast_ns))
        for stretch in stretches
    ]


def _quarter(condition: Condition) -> Condition:
    """A block of the block grain shares its measuring time between its four lone processes."""
    return structs.replace(condition, load=structs.replace(condition.load, measure_s=condition.load.measure_s / 4))


def _start(entry: Entry, condition: Condition, rig: Rig, logs: Path, promised: Sequence[int], lent: Lent) -> Server:
    target = condition.baseline if entry.role == "baseline" else condition.candidate
    if target.url is not None:
        return attached.server(entry.name, target.url)
    return rig.runtime.launch(
        entry.name,
        target,
        condition.app,
        root=rig.root,
        session=rig.session,
        logs=logs,
        cores=rig.layout.arms if rig.layout.pinned else None,
        promised=promised,
        lent=lent.environments.get(entry.name, {}),
    )


def _wait_ready(server: Server, condition: Condition) -> None:
    """Ask the ledger where there is one (it does not count itself), else every path of the scenario."""
    paths = [condition.parameters["ledger"]] if "ledger" in condition.parameters else condition.parameters.get("paths")
    server.wait_ready(paths or ["/ping"], condition.expect)


def _ledger(entries: tuple[Entry, ...], servers: Sequence[Server], condition: Condition) -> list[dict[str, Any]]:
    """What each server itself counted, where the app keeps a ledger."""
    path = condition.parameters.get("ledger")
    if path is None:
        return []
    return [
        {
            "role": entry.role,
            "instance": entry.instance,
            **json.loads(local.verify_path(server.url, path, (200,))),
        }
        for entry, server in zip(entries, servers, strict=True)
    ]


def _keep(folder: Path, stretches: Sequence[Stretch]) -> None:
    """Write the samples, meters and slices, and drop the raw arrays that they were made of."""
    from harness.store import meters  # noqa: PLC0415  (pandas is slow to import; only blocks need it)

    samples.write_parquet([stretch.folder for stretch in stretches], folder / "requests.parquet")
    meters.write_meters(
        folder / "meters.parquet", [structs.astuple(row) for stretch in stretches for row in stretch.rows]
    )
    meters.write_slices(folder / "slices.parquet", [window for stretch in stretches for window in stretch.windows])
    looks = [look for stretch in stretches if stretch.watched for look in stretch.watched.pace]
    if looks:
        meters.write_pace(folder / "pace.parquet", looks)
    events.write(folder, [event for stretch in stretches for event in stretch.events])
    ledger = [row for stretch in stretches for row in stretch.ledger]
    if ledger:
        (folder / "ledger.json").write_text(json.dumps(ledger))
    for stretch in stretches:
        for raw in stretch.folder.glob("requests-*.bin"):
            raw.unlink()


def _block(job: Job, rig: Rig, stretches: Sequence[Stretch], started_utc: str, wall_s: float) -> Block:
    windows = _renumbered(stretches)
    seen = _seen(stretches, windows)
    results = tuple(check for one in seen for check in validity.checks(one))
    counts = [stretch.counts for stretch in stretches]
    lags = [count.send_lag_p99_ms for count in counts if count.send_lag_p99_ms is not None]
    behind = [stretch.backend_share for stretch in stretches if stretch.backend_share is not None]
    utilisations = [stretch.utilisation for stretch in stretches if stretch.utilisation is not None]
    errors: dict[str, int] = {}
    for count in counts:
        for name, number in count.errors.items():
            errors[name] = errors.get(name, 0) + number
    return Block(
        number=job.number,
        condition=job.condition.name,
        grain=job.grain,
        seed=job.seed,
        started_utc=started_utc,
        start_order=tuple(name for stretch in stretches for name in stretch.started),
        costs=tuple(cost for stretch in stretches for cost in stretch.costs),
        windows=windows,
        checks=results,
        voids=validity.voids(results),
        sent=sum(count.sent for count in counts),
        due=sum(count.due for count in counts),
        completed=sum(count.completed for count in counts),
        errors=errors,
        utilisation=float(np.mean(utilisations)) if utilisations else None,
        generator_work=max(one.generator_work or 0.0 for one in seen),
        send_lag_p99_ms=max(lags) if lags else None,
        wall_s=wall_s,
        pinned=rig.layout.pinned,
        backend_share=float(np.mean(behind)) if behind else None,
        harness_version=__version__,
    )


def _renumbered(stretches: Sequence[Stretch]) -> tuple[Window, ...]:
    """Windows of all stretches with slice numbers that are unique in the block."""
    if len(stretches) == 1:
        return stretches[0].windows
    found: list[Window] = []
    for stretch in stretches:
        offset = max((window.slice for window in found), default=-1) + 1
        found += [structs.replace(window, slice=offset + window.slice) for window in stretch.windows]
    return tuple(found)


def _seen(stretches: Sequence[Stretch], windows: tuple[Window, ...]) -> list[validity.Evidence]:
    """Evidence of every stretch; drift is a matter of the whole block, so it is looked at once.

    A lone stretch of the block grain has one arm and no ratio that could drift: A B | B A has.  What drifts
    with the core's pace is mended, and no fault.
    """
    first, *others = [stretch.evidence for stretch in stretches]
    return [structs.replace(first, drift=validity.drift(at_equal_pace(windows) or windows)), *others]


def empty(job: Job, voids: tuple[Void, ...], wall_s: float) -> Block:
    """A void block that left no data."""
    return Block(
        number=job.number,
        condition=job.condition.name,
        grain=job.grain,
        seed=job.seed,
        started_utc=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        start_order=(),
        costs=(),
        windows=(),
        checks=(),
        voids=voids,
        sent=0,
        due=0,
        completed=0,
        errors={},
        utilisation=None,
        generator_work=None,
        send_lag_p99_ms=None,
        wall_s=wall_s,
        harness_version=__version__,
    )
