"""Runs courses of faults: every subject once a round, in random order, each time in fresh processes."""

from __future__ import annotations

import contextlib
import datetime
import http
import json
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct, structs

from harness import events, happenings, load, lookout, passage, processes, reconciliation
from harness.backends import toxiproxy
from harness.block import DRAIN_S, Rig
from harness.course import Course, Subject
from harness.errors import CannotMeasure
from harness.faults import _processes as workers
from harness.happenings import Happened
from harness.model import App, Condition, Fault, Target, Void
from harness.passage import Attempts, Ended, Passage
from harness.runtimes import local
from harness.runtimes.runtime import Server, stop
from harness.store import samples
from harness.store.folder import slugify, write_json
from harness.surroundings import Setting, address, around, launch

PASSAGE_FILE = "passage.json"

START_S = 3.5
"""Start of the service, of what stands behind it and of Locust, and their end: an estimate for the plan."""

LAG_MAX_MS = 10.0
"""Requests that leave later than this (p99) tell of the generator: the moments of a fault are known to 100 ms.  First
attempts of the measured phase alone: a second one is due when the first was, and leaves when that has failed, so that
it would void the very trials that lost something; the first of a warm-up pays for the generator's cold start."""

BUSY_MAX = 0.9
"""A core that is busier than this queues by itself: what it shows is no longer the fault's doing."""

RENEWS = "rolling_restart"
"""The fault after which every worker must have been replaced before the load ends."""

Parse = Callable[[str], Target]


def seconds(course: Course, rounds: int) -> float:
    """Expected wall time of so many rounds."""
    return rounds * sum(_seconds(course, subject) for subject in course.subjects)


def _seconds(course: Course, subject: Subject) -> float:
    load_ = _suited(course, subject).load
    return START_S + load_.warmup_s + load_.measure_s


def _suited(course: Course, subject: Subject) -> Course:
    """The course as it is for one subject: some need more time."""
    if subject.measure_s is None:
        return course
    return structs.replace(course, load=structs.replace(course.load, measure_s=subject.measure_s))


def observe(
    course: Course, parse: Parse, rig: Rig, folder: Path, rounds: int, seed: int, said: Callable[[str], object]
) -> list[Passage]:
    """So many rounds of valid passages; void ones are repeated once; kept ones are not repeated.

    ``said`` is told of each passage's beginning.
    Raises CannotMeasure where a subject, or what it needs, does not start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    todo = [(number, subject) for number in range(rounds) for subject in _order(course, seed, number)]
    for place, (number, subject) in enumerate(todo):
        left_s = sum(_seconds(course, one) for _, one in todo[place:])
        for attempt in (1, 2):
            name = f"{number:04}-{slugify(subject.name)}-{attempt}"
            if not (folder / name / PASSAGE_FILE).exists():
                said(f"{subject.name}, round {number + 1} of {rounds}, about {left_s:.0f} s left")
                beside = folder / f".tmp-{name}-{time.monotonic_ns():x}"
                beside.mkdir()
                one = run(course, subject, parse, rig, beside, number, seed)
                write_json(beside / PASSAGE_FILE, one)
                beside.rename(folder / name)
            else:
                one = _read(folder / name)
            if not one.voids:
                break
            said(f"it is void ({one.voids[0].sentence})")
    return kept(folder)


def kept(folder: Path) -> list[Passage]:
    """The passages that a folder holds, round by round."""
    return [_read(one.parent) for one in sorted(folder.glob(f"[0-9]*/{PASSAGE_FILE}"))]


def _read(folder: Path) -> Passage:
    return msgspec.json.decode((folder / PASSAGE_FILE).read_bytes(), type=Passage)


def _order(course: Course, seed: int, number: int) -> list[Subject]:
    draw = random.Random(f"{seed}-{course.id}-{number}")
    return draw.sample(course.subjects, len(course.subjects))


def run(course: Course, subject: Subject, parse: Parse, rig: Rig, place: Path, number: int, seed: int) -> Passage:
    """One passage: start, verify, load, let happen what happens, stop, reconcile."""
    began = time.monotonic()
    started_utc = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    course = _suited(course, subject)
    (place / "logs").mkdir()
    with around(course, subject, rig, place, seed) as setting:
        server = launch(parse(subject.target), course, rig, place, setting)
        try:
            where = address(course, server, setting, rig)
            measured = _measured(course, subject, server, where, setting, rig, place, seed + number)
        finally:
            stop([server])
    return _passage(course, subject, number, seed, measured, setting, place, started_utc, time.monotonic() - began)


class _Measured(Struct):
    """What the load left."""

    rows: Any
    names: tuple[str, ...]
    zero_ns: int
    happened: tuple[Happened, ...]
    looked: lookout.Lookout
    status: int | None
    """Exit status of the target; None where it ran on."""
    counts: dict[str, Any]
    lag_p99_ms: float | None
    gone: str | None
    """What ended that should not have; None where all ran on."""
    renewed: int
    """Workers that were ordered to be replaced …"""
    left: int
    """… and those of them that had not been at the end of the load."""


def _measured(
    course: Course,
    subject: Subject,
    server: Server,
    where: str,
    setting: Setting,
    rig: Rig,
    place: Path,
    seed: int,
) -> _Measured:
    """Load the subject while the faults happen."""
    faults = () if subject.direct else course.faults if subject.faults is None else subject.faults
    happenings.check(faults, setting.places, course.load.measure_s)
    output = _write(course, where, place, seed)
    scenario = rig.scenarios[course.scenario]
    generator = load.launch(
        place / "trial.json", scenario, output, session=rig.session, workers=1, cores=rig.layout.generator
    )
    try:
        # Both at once, each on its core: the generator takes longer.
        server.wait_ready(course.paths, course.expect)
        load.wait_ready(generator)
        before = _counts(server, setting)
        serving = workers.serving(server) if _renews(faults) else ()
        t0_ns = load.begin(generator)
        zero_ns = t0_ns + round(course.load.warmup_s * 1e9)
        with (
            lookout.looking(server, ready=course.watch_ready, upstream=setting.upstream) as looked,
            happenings.running(faults, setting.places, zero_ns) as happened,
        ):
            done = load.collect(generator, course.load.warmup_s + course.load.measure_s + DRAIN_S)
            counts = _since_then(before, _counts(server, setting))
            gone = toxiproxy.ended(setting.proxies) if setting.proxies is not None else None
            left = workers.living(serving)
            status = server.ended()
    except load.GeneratorFailedError as error:
        raise CannotMeasure(str(error), f"Its logs are kept in {place}.") from error
    finally:
        processes.stop(generator.processes, grace_s=2.0)
    rows = samples.load_rows(output)
    names = next(iter(samples.read_done(output).values())).names
    samples.write_parquet([output], place / "requests.parquet")
    for raw in output.glob("requests-*.bin"):
        raw.unlink()
    del done
    return _Measured(
        rows=rows, names=names, zero_ns=zero_ns, happened=tuple(happened), looked=looked, status=status, counts=counts,
        lag_p99_ms=lag_p99_ms(rows), gone=gone, left=len(left), renewed=len(serving),
    )  # fmt: skip


def _renews(faults: Sequence[Fault]) -> bool:
    return any(one.fault == RENEWS for one in faults)


def lag_p99_ms(rows: np.ndarray[Any, Any]) -> float | None:
    """How late first attempts left after the warm-up: the 99th percentile as it is; None where none left.

    It judges the generator in this one trial and estimates nothing, so that a few hundred requests are enough.
    """
    first = rows[(rows["phase"] == 1) & (rows["attempt"] == 1) & (rows["start_ns"] >= 0)]
    return float(np.quantile(first["start_ns"] - first["due_ns"], 0.99)) / 1e6 if len(first) else None


def _write(course: Course, where: str, place: Path, seed: int) -> Path:
    """Write the trial file; returns the folder for the samples."""
    nobody = Target(spec=where, url=where)
    condition = Condition(
        name=course.id,
        regime="open",
        baseline=nobody,
        candidate=nobody,
        app=App(module=course.app),
        scenario=course.scenario,
        parameters={"paths": list(course.paths), "logical_header": True, **course.parameters},
        load=course.load,
        grains=("block",),
        expect=course.expect,
    )
    return load.write_trial(
        place / "trial.json",
        condition=condition,
        grain="block",
        arms=[load.Arm(name="baseline", instance=1, url=where)],
        seed=seed,
        slice_s=condition.slice_s,
        workers=1,
    )


def _counts(server: Server, setting: Setting) -> dict[str, Any]:
    """What the services themselves counted; nothing of one that has gone."""
    found: dict[str, Any] = {}
    if setting.upstream is None:
        return found
    for name, url, path in (
        ("upstream", setting.upstream.url, lookout.LEDGER),
        ("target", server.url, "/internal/upstream"),
    ):
        with contextlib.suppress(OSError, CannotMeasure):
            found[name] = json.loads(local.verify_path(url, path, (200,)))
    return found


def _since_then(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What was counted during the load: what was verified before it is no request of a client."""
    found: dict[str, Any] = {}
    for name, value in after.items():
        old = before.get(name)
        if isinstance(value, dict):
            found[name] = _since_then(old if isinstance(old, dict) else {}, value)
        else:
            counted = isinstance(value, int) and not isinstance(value, bool)
            found[name] = value - (old or 0) if counted else value
    return found


def _passage(
    course: Course,
    subject: Subject,
    number: int,
    seed: int,
    measured: _Measured,
    setting: Setting,
    place: Path,
    started_utc: str,
    wall_s: float,
) -> Passage:
    """Compute every figure from what was left, and keep the times for the charts."""
    rows = measured.rows
    account = reconciliation.reconcile(_sent(rows), reconciliation.read(setting.ledger))
    chosen = passage.seen(passage.last_attempts(rows[rows["phase"] == 1]), measured.names, course)
    moments = passage.clock(course, measured.zero_ns, measured.happened)
    looked = measured.looked
    utilisation = _utilisation(looked.cpu)
    _keep(place, measured, moments)
    return Passage(
        course=course.id,
        subject=subject.name,
        number=number,
        seed=seed,
        started_utc=started_utc,
        phases=passage.phases(chosen, moments),
        groups=passage.groups(chosen, moments),
        happened=measured.happened,
        detected_s=passage.detected_s(chosen, moments),
        not_ready_s=_since(moments.began_ns, (at for at, status in looked.ready if status != http.HTTPStatus.OK)),
        breaker_s=_since(moments.began_ns, _opened(measured.counts)),
        recovered_s=passage.recovered_s(chosen, moments),
        hysteresis=passage.hysteresis(chosen, moments),
        attempts=_attempts(len(rows), measured.counts),
        ended=_ended(looked, measured.status, moments),
        explained=account.explained,
        unexplained=account.unexplained,
        reconciled=True,
        utilisation=utilisation,
        voids=_voids(measured, account, utilisation),
        wall_s=wall_s,
    )


def _sent(rows: Any) -> Iterator[reconciliation.Sent]:
    for row in rows:
        error = samples.ERRORS[row["error"] - 1] if row["error"] else None
        if error is None and row["end_ns"] < 0:
            error = "unsent"
        yield reconciliation.Sent(int(row["logical_id"]), int(row["attempt"]), int(row["status"]), error)


def _since(began_ns: int | None, times: Any) -> float | None:
    """Seconds from ``began_ns`` to the first of ``times`` at or after it."""
    later = [at for at in times if began_ns is not None and at >= began_ns]
    return (min(later) - began_ns) / 1e9 if later and began_ns is not None else None


def _opened(counts: Mapping[str, Any]) -> list[int]:
    transitions: Sequence[Sequence[Any]] = counts.get("target", {}).get("transitions", [])
    return [int(at_ns) for at_ns, state in transitions if state == "open"]


def _attempts(logical: int, counts: Mapping[str, Any]) -> Attempts | None:
    if "upstream" not in counts or "target" not in counts:
        return None
    upstream, target = counts["upstream"], counts["target"]
    return Attempts(
        logical=logical,
        sent=int(target["attempts"]),
        arrived=int(upstream["arrived"]),
        wasted=int(upstream["worked"]) - _right(upstream),
    )


def _right(upstream: Mapping[str, Any]) -> int:
    """Answers that were right and that somebody got."""
    return int(upstream["answered"].get("200", 0))


def _ended(looked: lookout.Lookout, status: int | None, moments: passage.Clock) -> Ended | None:
    if looked.ended_ns is None or status is None or moments.began_ns is None:
        return None
    # Who ends at once may have ended before the engine has said that it sent the signal.
    return Ended(status, max(0.0, (looked.ended_ns - moments.began_ns) / 1e9))


def _utilisation(cpu: Sequence[tuple[int, int]]) -> float | None:
    """Share of a core that the target used while it was looked after."""
    if len(cpu) < 2 or cpu[-1][0] == cpu[0][0]:  # noqa: PLR2004  (two readings make a difference)
        return None
    return (cpu[-1][1] - cpu[0][1]) / (cpu[-1][0] - cpu[0][0])


def _voids(measured: _Measured, account: reconciliation.Account, utilisation: float | None) -> tuple[Void, ...]:
    """What makes the passage void: faults of the instrument, and counts that do not add up."""
    found = []
    lag = measured.lag_p99_ms
    if lag is None or lag > LAG_MAX_MS:
        said = "too few requests left" if lag is None else f"requests left {lag:.1f} ms late (p99)"
        found.append(Void("send lag", lag if lag is not None else "unknown", LAG_MAX_MS, said))
    found += [
        Void("fault applied", one.error, "acknowledged", f"{one.fault} on {one.on}: {one.error}")
        for one in measured.happened
        if one.error is not None
    ]
    if not account.adds_up:
        said = reconciliation.words(account)
        found.append(Void("client and server counts", said, "0 unexplained", said))
    if utilisation is not None and utilisation > BUSY_MAX:
        found.append(Void("the arms' core", utilisation, BUSY_MAX, f"the target used {utilisation:.0%} of its core"))
    if measured.left:
        said = f"{measured.left} of {measured.renewed} workers had not been replaced when the load ended"
        found.append(Void("workers replaced", measured.left, 0, said))
    if measured.gone is not None:
        found.append(Void("toxiproxy", measured.gone, "running", measured.gone))
    return tuple(found)


def _keep(place: Path, measured: _Measured, moments: passage.Clock) -> None:
    """Write the faults, readiness and CPU readings beside the samples, on their clock."""
    happened = [events.Event(t_ns=moments.zero_ns, what="load"), events.Event(t_ns=moments.stop_ns, what="stop")]
    for one in measured.happened:
        if one.acknowledged_ns is not None:
            happened.append(events.Event(t_ns=one.acknowledged_ns, what=f"{one.fault} begins", who=one.on))
        if one.ended_ns is not None:
            happened.append(events.Event(t_ns=one.ended_ns, what=f"{one.fault} ends", who=one.on))
    events.write(place, happened)
    write_json(
        place / "lookout.json",
        {"schema": 1, "kind": "lookout", "cpu": measured.looked.cpu, "ready": measured.looked.ready,
         "arrived": measured.looked.arrived, "counts": measured.counts},
    )  # fmt: skip
