"""The handshake with whoever launched this process: ready, start, and never a silent hang."""

from __future__ import annotations

import json
import os
import time
from typing import Any

import gevent
from locust.env import Environment
from locust.runners import WorkerRunner

from .clock import Reading
from .link import Link
from .recorder import write_json
from .switches import Slice, documents
from .trial import SCHEMA, Trial, read_trial

POLL_S = 0.005
"""How often the start is looked for: t0 lies further ahead than that."""

WAIT_S = 60.0
"""How long the launcher may take to warm its meters up before this process gives up."""


class StartError(RuntimeError):
    """Nobody started the trial."""


def trial_of(environment: Environment) -> Trial | None:
    """Read the trial that ``LOAD_TRIAL`` names; None without one.

    Which worker this is says ``LOAD_WORKER``.  Workers that are all started alike have none, as containers that are
    scaled: they take the number that Locust's master gave them.

    :raises TrialError: the trial cannot be read, or has fewer workers than that.
    """
    variables = dict(os.environ)
    if isinstance(environment.runner, WorkerRunner):
        variables.setdefault("LOAD_WORKER", str(environment.runner.worker_index + 1))
    return read_trial(variables)


def announce(trial: Trial, slices: tuple[Slice, ...], link: Link | None = None) -> None:
    """Leave ``ready-k``: this process has made its plan and waits."""
    write_json(
        trial.output / f"ready-{trial.worker}",
        {"schema": SCHEMA, "worker": trial.worker, "pid": os.getpid(), "slices": documents(slices)},
    )
    if link is not None:
        link.ready(trial.worker)


def wait_for_start(trial: Trial, link: Link | None = None, clock: Reading | None = None) -> int:
    """Wait for ``start.json``, or for the master's word, and return its t0 on this machine's CLOCK_MONOTONIC, in ns.

    :raises StartError: there is none after a minute, or it has no ``t0_ns``.
    """
    path = trial.output / "start.json"
    give_up = time.monotonic() + WAIT_S
    while not path.exists():
        if link is not None and link.start_ns is not None:
            return own_time(link.start_ns, clock)
        if time.monotonic() > give_up:
            raise StartError(f"{path} did not appear within {WAIT_S:.0f} s of ready-{trial.worker}")
        gevent.sleep(POLL_S)
    try:
        return own_time(int(json.loads(path.read_text(encoding="utf-8"))["t0_ns"]), clock)
    except (ValueError, KeyError, TypeError) as error:
        raise StartError(f"{path}: {error!r}; it must be written whole (rename it into place)") from error


def own_time(master_ns: int, clock: Reading | None) -> int:
    """Give an instant of the master's clock on this worker's own."""
    return master_ns if clock is None else master_ns - clock.offset_ns


def quit_locust(environment: Any, code: int) -> None:
    """Have Locust exit with ``code``, from a greenlet of its own: quitting ends every user, the caller included."""
    environment.process_exit_code = code
    if environment.runner is not None:
        gevent.spawn(environment.runner.quit)
