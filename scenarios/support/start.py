"""The handshake with whoever launched this process: ready, start, and never a silent hang."""

from __future__ import annotations

import json
import os
import time
from typing import Any

import gevent

from .recorder import write_json
from .switches import Slice, documents
from .trial import SCHEMA, Trial

POLL_S = 0.005
"""How often the start is looked for: t0 lies further ahead than that."""

WAIT_S = 60.0
"""How long the launcher may take to warm its meters up before this process gives up."""


class StartError(RuntimeError):
    """Nobody started the trial."""


def announce(trial: Trial, slices: tuple[Slice, ...]) -> None:
    """Leave ``ready-k``: this process has made its plan and waits."""
    write_json(
        trial.output / f"ready-{trial.worker}",
        {"schema": SCHEMA, "worker": trial.worker, "pid": os.getpid(), "slices": documents(slices)},
    )


def wait_for_start(trial: Trial) -> int:
    """Wait for ``start.json`` and return its t0 on CLOCK_MONOTONIC, in ns.

    :raises StartError: there is none after a minute, or it has no ``t0_ns``.
    """
    path = trial.output / "start.json"
    give_up = time.monotonic() + WAIT_S
    while not path.exists():
        if time.monotonic() > give_up:
            raise StartError(f"{path} did not appear within {WAIT_S:.0f} s of ready-{trial.worker}")
        gevent.sleep(POLL_S)
    try:
        return int(json.loads(path.read_text(encoding="utf-8"))["t0_ns"])
    except (ValueError, KeyError, TypeError) as error:
        raise StartError(f"{path}: {error!r}; it must be written whole (rename it into place)") from error


def quit_locust(environment: Any, code: int) -> None:
    """Have Locust exit with ``code``, from a greenlet of its own: quitting ends every user, the caller included."""
    environment.process_exit_code = code
    if environment.runner is not None:
        gevent.spawn(environment.runner.quit)
