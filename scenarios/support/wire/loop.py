"""One trial in one Locust process: announce, wait for the start, load, leave the records."""

from __future__ import annotations

import ctypes
import gc
import os
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..arrivals import arrivals_of
from ..clock import Reading, fields
from ..link import Link
from ..recorder import COLUMNS, ERRORS, ROW, Live, Recorder, write_json
from ..start import announce, wait_for_start
from ..switches import documents, slices_of
from ..trial import SCHEMA, Trial
from .closed import run_closed
from .connection import Flow
from .engine import Engine, Session
from .opened import run_open
from .request import Request

PR_SET_TIMERSLACK = 29
"""prctl(2): how late the kernel may wake this thread; 50 µs unless told otherwise."""


def run_trial(
    trial: Trial,
    *,
    fixed: Sequence[Request] | None,
    flow: Callable[[Session], Flow] | None,
    link: Link | None = None,
) -> dict[str, Any]:
    """Run this worker's part of a trial and return its summary, which is also in ``done-k.json``.

    :param fixed: requests to repeat in turn, or
    :param flow: a generator per session.
    :param link: the connection with Locust's master, where there is one.
    :raises StartError: nobody wrote ``start.json`` in time.
    :raises LinkError: the master does not answer.
    :raises OSError: this machine has no socket, port or disk left.
    """
    slices = slices_of(trial)
    arrivals = arrivals_of(trial, slices) if trial.load.model == "open" else None
    recorder, live = Recorder(trial.output, trial.worker), Live(trial.output, trial.worker)
    raise_descriptor_limit()
    engine = Engine(trial, slices, recorder, live, fixed=fixed, flow=flow)
    before = link.clock() if link is not None else None
    announce(trial, slices, link)
    engine.t0_ns = wait_for_start(trial, link, before)
    with steady():
        wall_ns, cpu_ns = time.monotonic_ns(), time.thread_time_ns()
        if arrivals is None:
            run_closed(engine)
        else:
            run_open(engine, arrivals)
        wall_ns, cpu_ns = time.monotonic_ns() - wall_ns, time.thread_time_ns() - cpu_ns
    engine.close()
    recorder.close()
    live.update(time.monotonic_ns(), engine.counts.spin_ns, engine.counts.sent, engine.counts.completed)
    live.close()
    after = link.clock() if link is not None else None
    summary = _summary(engine, wall_ns, cpu_ns, before, after)
    write_json(trial.output / f"done-{trial.worker}.json", summary)
    return summary


def _summary(
    engine: Engine, wall_ns: int, cpu_ns: int, before: Reading | None, after: Reading | None
) -> dict[str, Any]:
    trial, counts, recorder = engine.trial, engine.counts, engine.recorder
    errors = counts.errors or [0] * len(ERRORS)
    return {
        "schema": SCHEMA,
        "worker": trial.worker,
        "workers": trial.workers,
        "pid": os.getpid(),
        "row": ROW,
        "columns": list(COLUMNS),
        "rows": recorder.written,
        "names": list(recorder.names),
        "arms": [{"name": a.name, "url": a.url, "instance": a.instance} for a in trial.arms],
        "slices": documents(engine.slices),
        "due": counts.due,
        "sent": counts.sent,
        "completed": counts.completed,
        "unsent": counts.unsent,
        "unexpected": counts.unexpected,
        "errors": {name: errors[code] for code, name in enumerate(ERRORS) if code},
        "idle_spin_ns": counts.spin_ns,
        # The spin is wall time: where the thread lost its core while it waited, the difference is not work.
        "work_ns": max(0, cpu_ns - counts.spin_ns),
        "wall_ns": wall_ns,
        **fields(before, after),
        "t0_ns": engine.t0_ns,
        "connections_opened": counts.opened,
    }


@contextmanager
def steady() -> Iterator[None]:
    """Keep pauses out of the loop.

    The garbage collector's full pass over Locust's modules takes 20–50 ms, which would read as latency of
    the server; the loop makes no cycles, so that nothing piles up while it is off.
    """
    if Path("/proc/self").exists():
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0)
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


def raise_descriptor_limit() -> None:
    """Allow as many sockets as this user may have: the open model needs one per outstanding request."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
