"""One replica of the service: a process that is started, watched, stopped and started again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from targets.orchestrator.fetching import fetch
from targets.orchestrator.rules import KINDS, Kind, Rules, Watch, asked, back_off_s, begun, told

EventKind = Literal["start", "in", "out", "restart", "term", "kill", "exit"]


class Event(NamedTuple):
    """Something that happened to a replica.

    ``restart`` is what a failed probe orders, ``term`` the SIGTERM of a roll, ``kill`` a SIGKILL.
    """

    at_s: float
    replica: int
    kind: EventKind
    why: str = ""


@dataclass(frozen=True, slots=True)
class Container:
    """What is started: the argument list for a port, and the whole environment."""

    argv: Callable[[int], Sequence[str]]
    environment: Mapping[str, str]


@dataclass(slots=True)
class Replica:
    """A place for one process after the other."""

    number: int
    port: int
    container: Container
    rules: Rules
    record: Callable[[Event], None]
    phases: Mapping[Kind, float]
    """Where in its period each probe comes, from 0 to 1."""
    watch: Watch = field(init=False)
    process: asyncio.subprocess.Process | None = None
    restarts: int = 0
    withdrawn: bool = False
    """Whether its address has been taken from those who send requests, whatever readiness says."""
    _condemned: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        """Know nothing of a process that is not there."""
        self.watch = begun(self.rules)

    @property
    def ready(self) -> bool:
        """Whether requests are sent here."""
        return self.process is not None and self.watch.ready and not self.withdrawn

    async def run(self) -> None:
        """Keep a process alive until cancelled; nothing is left of the last one."""
        try:
            while True:
                began_s = time.monotonic()
                await self._live()
                if time.monotonic() - began_s >= self.rules.settled_s:
                    self.restarts = 0
                await asyncio.sleep(back_off_s(self.rules, self.restarts))
                self.restarts += 1
        finally:
            self._signal(signal.SIGKILL)
            if self.process is not None:
                await self.process.wait()
                self.process = None

    async def replace(self, withdrawn_after_s: float) -> None:
        """End the process as a roll does, and wait until it has ended; another one then takes its place.

        SIGTERM comes at once.  Whoever sends requests learns of it later, as the endpoints of a service are told on
        their own way: after ``withdrawn_after_s``, or when readiness fails, whichever comes first.
        """
        process = self.process
        if process is None:
            raise RuntimeError(f"replica {self.number} is not running")
        # A replacement is no crash: there is nothing to wait for before the next start.
        self.restarts = 0
        self._note("term")
        self._signal(signal.SIGTERM)
        ending = asyncio.ensure_future(process.wait())
        await asyncio.wait({ending}, timeout=withdrawn_after_s)
        self.withdrawn = True
        await asyncio.wait({ending}, timeout=max(0.0, self.rules.grace_s - withdrawn_after_s))
        if not ending.done():
            self._note("kill")
            self._signal(signal.SIGKILL)
        await ending

    async def _live(self) -> None:
        """Start a process and watch it to its end."""
        self.watch = begun(self.rules)
        self.withdrawn = False
        self._condemned.clear()
        self.process = await asyncio.create_subprocess_exec(
            *self.container.argv(self.port), env=dict(self.container.environment), start_new_session=True
        )
        self._note("start")
        began_s = time.monotonic()
        async with asyncio.TaskGroup() as group:
            probes = [group.create_task(self._probe(kind, began_s)) for kind in KINDS if kind in self.rules.checks]
            ending = group.create_task(self.process.wait())
            doomed = group.create_task(self._condemned.wait())
            await asyncio.wait({ending, doomed}, return_when=asyncio.FIRST_COMPLETED)
            if not ending.done():
                await self._stop(ending)
            for task in (*probes, doomed):
                task.cancel()
        if self.watch.ready:
            self._note("out", "ended")
        self._note("exit", str(self.process.returncode))
        self.process = None

    async def _stop(self, ending: asyncio.Task[int]) -> None:
        """SIGTERM, the grace period, SIGKILL."""
        self._signal(signal.SIGTERM)
        await asyncio.wait({ending}, timeout=self.rules.grace_s)
        if not ending.done():
            self._note("kill")
            self._signal(signal.SIGKILL)
            await ending

    async def _probe(self, kind: Kind, began_s: float) -> None:
        """Ask at every period, in a phase that is drawn; each answer may change what is known."""
        check = self.rules.checks[kind]
        # On the clock, not from the start of the process: replicas with one seed are asked at the same moments.
        now_s = time.monotonic()
        due_s = now_s + (self.phases[kind] * check.period_s - now_s) % check.period_s
        while True:
            await asyncio.sleep(due_s - time.monotonic())
            if asked(self.rules, self.watch, kind, time.monotonic() - began_s):
                answer = await fetch(self.port, check.path, check.timeout_s)
                self._take(kind, answer.outcome, good=answer.good)
            # A ticker that is late drops ticks; it does not catch up.
            due_s = max(due_s + check.period_s, time.monotonic())

    def _take(self, kind: Kind, outcome: str, *, good: bool) -> None:
        before, self.watch = self.watch, told(self.rules, self.watch, kind, good=good)
        if before.ready != self.watch.ready:
            self._note("in" if self.watch.ready else "out", outcome)
        if self.watch.condemned and not before.condemned:
            self._note("restart", f"{kind}: {outcome}")
            self._condemned.set()

    def _note(self, kind: EventKind, why: str = "") -> None:
        self.record(Event(time.monotonic(), self.number, kind, why))

    def _signal(self, number: signal.Signals) -> None:
        """To the whole group: a container ends with all of its processes; SIGTERM goes to the first alone."""
        if self.process is None or self.process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            (os.kill if number == signal.SIGTERM else os.killpg)(self.process.pid, number)
