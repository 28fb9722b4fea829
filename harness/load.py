"""Starts Locust as a subprocess on a trial file and reads what it left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from harness import listeners, processes
from harness.model import Condition, Grain

READY_S = 40.0
"""Locust imports in about 1 s; a cold disk needs a few more."""

ENDING_S = 0.25
"""A worker that has ended may have left its data a moment ago: another look decides."""

START_DELAY_NS = 60_000_000
"""From writing the start file to the zero of the trial's clock: workers look for it every 5 ms."""


class Arm(Struct, frozen=True):
    """One server process as the trial sees it."""

    name: str
    """Its role; in a sweep, its point of the grid."""
    instance: int
    url: str


class Slice(Struct, frozen=True):
    """A stretch of the trial in which some arms are loaded; times relative to the trial's zero."""

    index: int
    phase: str
    start_ns: int
    end_ns: int
    quiet_ns: int
    """From here to the end nothing new is sent."""
    entries: tuple[int, ...]


class Generator(Struct, frozen=True):
    """Running Locust: its processes, folder and, once ready, its plan of slices."""

    processes: tuple[subprocess.Popen[bytes], ...]
    output: Path
    workers: int
    logs: tuple[Path, ...]


class GeneratorFailedError(Exception):
    """A process of Locust did not get ready, or ended without leaving its data: the block is void."""


def write_trial(
    path: Path,
    *,
    condition: Condition,
    grain: Grain,
    arms: Sequence[Arm],
    seed: int,
    slice_s: float,
    workers: int,
) -> Path:
    """Write the trial file (schema 1) and make the folder for the samples; returns that folder.

    Raises ValueError for the closed model at request grain: there the slower arm's queue grows, it works in
    larger and cheaper batches, and a third to two thirds of a true difference disappear.
    """
    if condition.load.model == "closed" and grain == "request":
        raise ValueError("the closed model has no request grain: it hides differences")
    output = path.parent / "load"
    output.mkdir()
    load = condition.load
    document = {
        "schema": 1,
        "seed": seed,
        "output": str(output),
        "grain": grain,
        "slice_s": slice_s,
        "arms": [{"name": arm.name, "instance": arm.instance, "url": arm.url} for arm in arms],
        "load": {
            "model": load.model,
            "rate_rps": load.rate_rps,
            "users": load.users,
            "arrivals": load.arrivals,
            "connections_max": load.connections_max,
            "warmup_s": load.warmup_s,
            "measure_s": load.measure_s,
        },
        "expect": list(condition.expect),
        "parameters": condition.parameters,
        "workers": workers,
        "switches": None,
    }
    path.write_text(json.dumps(document, indent=1))
    return output


def launch(
    trial: Path,
    scenario: Path,
    output: Path,
    *,
    session: processes.Session,
    workers: int,
    cores: Sequence[int] | None,
) -> Generator:
    """Start Locust on the scenario: one process, or a master with ``workers`` workers."""
    base = [sys.executable, "-m", "locust", "-f", str(scenario), "--headless", "--only-summary"]
    environment = {**_environment(), "LOAD_TRIAL": str(trial)}
    if workers == 1:
        jobs = [(["-u", "1", "-r", "1"], {"LOAD_WORKER": "1"})]
    else:
        port = str(listeners.free_port())
        master = ["--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", port]
        size = ["-u", str(workers), "-r", str(workers), "--expect-workers", str(workers)]
        jobs = [([*master, *size], {"LOAD_WORKER": "0"})]
        link = ["--worker", "--master-host", "127.0.0.1", "--master-port", port]
        jobs += [(link, {"LOAD_WORKER": str(k + 1)}) for k in range(workers)]
    started, logs = [], []
    for number, (extra, variables) in enumerate(jobs):
        log = trial.parent / "logs" / f"locust-{number}.log"
        argv = [
            word for word in base + extra if "--worker" not in extra or word not in {"--headless", "--only-summary"}
        ]
        started.append(
            processes.start(
                argv,
                session=session,
                environment={**environment, **variables},
                log=log,
                cores=cores,
                # Not the scenarios folder: Python would look there for the modules of its own library.
                directory=trial.parent,
            )
        )
        logs.append(log)
    return Generator(processes=tuple(started), output=output, workers=workers, logs=tuple(logs))


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("LOCUST_", "LOAD_"))}


def wait_ready(generator: Generator, patience_s: float = READY_S) -> tuple[Slice, ...]:
    """Wait for every worker's ready file; the slices are the plan that all workers share.

    Raises GeneratorFailedError, which names who ended or is missing.
    """
    deadline = time.monotonic() + patience_s
    while missing := _without(generator, "ready-{}"):
        gone = _ended(generator, missing)
        if gone is not None or time.monotonic() > deadline:
            # Locust's master starts nobody before all have come: the others only wait for those that have not.
            absent = _without(generator, "joined-{}") if generator.workers > 1 else []
            late = f"{_workers(absent or missing)} did not get ready within {patience_s:g} s."
            raise GeneratorFailedError(_with_last_words(generator, gone or late, absent or missing))
        time.sleep(0.01)
    plans = [json.loads((generator.output / f"ready-{k + 1}").read_text())["slices"] for k in range(generator.workers)]
    if any(plan != plans[0] for plan in plans):
        raise GeneratorFailedError("The workers of Locust have laid out different slices: one has another scenario.")
    return tuple(
        Slice(
            index=row["index"],
            phase=row["phase"],
            start_ns=row["start_ns"],
            end_ns=row["end_ns"],
            quiet_ns=row["quiet_ns"],
            entries=tuple(row["entries"]),
        )
        for row in plans[0]
    )


def begin(generator: Generator) -> int:
    """Write the start file; returns the zero of the trial's clock (CLOCK_MONOTONIC, ns)."""
    t0_ns = time.monotonic_ns() + START_DELAY_NS
    beside = generator.output / "start.json.tmp"
    beside.write_text(json.dumps({"t0_ns": t0_ns}))
    beside.replace(generator.output / "start.json")
    return t0_ns


def alive(generator: Generator) -> bool:
    """Whether no process of the generator has ended before its work was done."""
    return _ended(generator, _without(generator, "done-{}.json")) is None


def collect(generator: Generator, patience_s: float) -> list[dict[str, Any]]:
    """Wait for every worker's done document; GeneratorFailedError names who ended or is missing."""
    deadline = time.monotonic() + patience_s
    while missing := _without(generator, "done-{}.json"):
        if _ended(generator, missing) is not None:
            time.sleep(ENDING_S)
            missing = _without(generator, "done-{}.json")
            gone = _ended(generator, missing)
            if gone is not None:
                raise GeneratorFailedError(_with_last_words(generator, gone, missing))
        elif time.monotonic() > deadline:
            late = f"{_workers(missing)} left no data within {patience_s:g} s of the load's end."
            raise GeneratorFailedError(_with_last_words(generator, late, missing))
        time.sleep(0.01)
    return [json.loads((generator.output / f"done-{k + 1}.json").read_text()) for k in range(generator.workers)]


def _without(generator: Generator, name: str) -> list[int]:
    """Numbers of the workers that have not left this file."""
    return [k for k in range(1, generator.workers + 1) if not (generator.output / name.format(k)).exists()]


def _ended(generator: Generator, missing: Sequence[int]) -> str | None:
    """Which process has ended that is still needed, and how; None where all that are missing run.

    A worker that has left its data may end; the master is needed until the last worker has.
    """
    if generator.workers == 1:
        return _how("Locust", generator.processes[0]) if missing else None
    master, workers = generator.processes[0], generator.processes[1:]
    for number in missing:
        gone = _how(_workers([number]), workers[number - 1])
        if gone is not None:
            return gone
    return _how("Locust's master", master) if missing else None


def _how(name: str, process: subprocess.Popen[bytes]) -> str | None:
    status = process.poll()
    if status is None:
        return None
    how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
    return f"{name} {how} before its work was done."


def _workers(numbers: Sequence[int]) -> str:
    """For example ``Workers 2 and 3 of Locust``."""
    if len(numbers) == 1:
        return f"Worker {numbers[0]} of Locust"
    return f"Workers {', '.join(map(str, numbers[:-1]))} and {numbers[-1]} of Locust"


def _with_last_words(generator: Generator, what: str, missing: Sequence[int]) -> str:
    """What happened, and the last lines of the logs of those that it is about."""
    chosen = generator.logs if generator.workers == 1 else [generator.logs[0], *(generator.logs[k] for k in missing)]
    words = "\n".join(filter(None, (processes.tail(log, 6) for log in chosen)))
    return f"{what} Last lines:\n{words}" if words else what
