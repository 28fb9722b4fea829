"""One trial of the open model in one Locust process, its requests in greenlets: the same files as on the wire."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

import gevent
from gevent.pool import Group

from ..arrivals import arrivals_of
from ..clock import fields
from ..link import Link
from ..recorder import COLUMNS, ERRORS, FLUSH_ROWS, ROW, Live, Recorder, write_json
from ..start import announce, wait_for_start
from ..switches import documents, slices_of
from ..trial import S_NS, SCHEMA, Trial, TrialError
from ..wire.loop import raise_descriptor_limit, steady
from .mix import Act, acts
from .party import Outcome, Party


def run_trial(trial: Trial, parameters: Mapping[str, Any], link: Link | None = None) -> dict[str, Any]:
    """Run this worker's part of a trial and return its summary, which is also in ``done-k.json``.

    :raises TrialError: the closed model, or parameters that cannot be.
    :raises StartError: nobody wrote ``start.json`` in time.
    :raises LinkError: Locust's master does not answer.
    :raises OSError: this machine has no socket, port or disk left.
    """
    if trial.load.model != "open":
        raise TrialError("these clients run the open model; use a wire user for the closed one")
    run = _Run(trial, parameters)
    raise_descriptor_limit()
    before = link.clock() if link is not None else None
    announce(trial, run.slices, link)
    t0_ns = wait_for_start(trial, link, before)
    with steady():
        wall_ns, cpu_ns = time.monotonic_ns(), time.thread_time_ns()
        run.drive(t0_ns)
        wall_ns, cpu_ns = time.monotonic_ns() - wall_ns, time.thread_time_ns() - cpu_ns
    run.close()
    after = link.clock() if link is not None else None
    summary = {**run.summary(), **fields(before, after), "work_ns": cpu_ns, "wall_ns": wall_ns, "t0_ns": t0_ns}
    write_json(trial.output / f"done-{trial.worker}.json", summary)
    return summary


class _Run:
    """The state of one worker."""

    def __init__(self, trial: Trial, parameters: Mapping[str, Any]) -> None:
        self.trial = trial
        self.slices = slices_of(trial)
        self._arrivals = arrivals_of(trial, self.slices)
        # By logical id, so that what a worker sends does not depend on how many there are.
        self._acts = acts(parameters, trial.seed, max(self._arrivals.logical_id, default=-1) + 1)
        self._parties = [Party(arm, i, parameters, trial.timeout_ns) for i, arm in enumerate(trial.arms)]
        self._recorder, self._live = Recorder(trial.output, trial.worker), Live(trial.output, trial.worker)
        self._phases = {one.index: int(one.phase == "measure") for one in self.slices}
        self._sent = self._completed = self._unexpected = self._retries = self._short = 0
        self._errors = [0] * len(ERRORS)
        self._fault: Exception | None = None
        self._t0_ns = 0

    def drive(self, t0_ns: int) -> None:
        """Send every request when it is due, then wait for what is outstanding and for the last slice's end."""
        self._t0_ns = t0_ns
        group = Group()
        for i, due_ns in enumerate(self._arrivals.due_ns):
            _sleep_until(t0_ns + due_ns)
            self._check()
            group.spawn(self._serve, i)
        _sleep_until(t0_ns + self.slices[-1].end_ns)
        group.join()  # Each request has a time-out of its own.
        self._check()

    def close(self) -> None:
        """Close every socket and file."""
        for party in self._parties:
            party.close()
        self._recorder.close()
        self._live.close()

    def summary(self) -> dict[str, Any]:
        """Give what ``done-k.json`` says, but for the clocks."""
        trial = self.trial
        return {
            "schema": SCHEMA,
            "worker": trial.worker,
            "workers": trial.workers,
            "pid": os.getpid(),
            "row": ROW,
            "columns": list(COLUMNS),
            "rows": self._recorder.written,
            "names": list(self._recorder.names),
            "arms": [{"name": a.name, "url": a.url, "instance": a.instance} for a in trial.arms],
            "slices": documents(self.slices),
            "due": len(self._arrivals),
            "sent": self._sent,
            "completed": self._completed,
            "unsent": 0,
            "unexpected": self._unexpected,
            "errors": {name: self._errors[code] for code, name in enumerate(ERRORS) if code},
            "idle_spin_ns": 0,
            "connections_opened": sum(party.opened for party in self._parties),
            "connections_replaced": sum(party.replaced for party in self._parties),
            "retries": self._retries,
            "short_streams": self._short,
        }

    def _check(self) -> None:
        """Do what is due between requests; raises what broke this machine's side of a request."""
        if self._fault is not None:
            raise self._fault
        if len(self._recorder.rows) >= FLUSH_ROWS:
            self._recorder.flush()

    def _serve(self, i: int) -> None:
        arrivals = self._arrivals
        party, logical_id = self._parties[arrivals.entry[i]], arrivals.logical_id[i]
        act = self._acts[logical_id]
        try:
            outcome = party.attempt(act, logical_id, 1)
            self._record(i, act, outcome, 1)
            if party.retries(act, outcome):
                self._retries += 1
                self._record(i, act, party.attempt(act, logical_id, 2), 2)
        except Exception as error:  # noqa: BLE001  (whatever it is, the trial ends with it, in _check)
            self._fault = error

    def _record(self, i: int, act: Act, outcome: Outcome, attempt: int) -> None:
        arrivals, recorder = self._arrivals, self._recorder
        self._sent += 1
        self._completed += not outcome.error
        self._errors[outcome.error] += 1
        self._unexpected += not outcome.error and outcome.status not in self.trial.expect
        self._short += outcome.short
        index = arrivals.slice[i]
        recorder.rows.append(
            recorder.pack(
                self._t0_ns + arrivals.due_ns[i],
                outcome.start_ns,
                outcome.end_ns,
                arrivals.logical_id[i],
                index,
                outcome.size,
                recorder.name_index(act.name),
                outcome.status,
                attempt,
                outcome.error,
                arrivals.entry[i],
                self._phases[index],
            )
        )
        self._live.update(outcome.end_ns, 0, self._sent, self._completed)


def _sleep_until(instant_ns: int) -> None:
    """Let other greenlets run until then."""
    while (left_ns := instant_ns - time.monotonic_ns()) > 0:
        gevent.sleep(left_ns / S_NS)
