"""What a place where targets run must be able to do; the rest of the harness asks for no more."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from harness import processes
from harness.errors import CannotMeasure
from harness.meters.meter import Meter
from harness.model import App, RuntimeName, Target
from harness.runtimes.private_disk import Disk


class Server(Protocol):
    """A target that runs: a process tree here, a container, or a service that somebody else started."""

    @property
    def name(self) -> str:
        """The entry's name in the block."""
        ...

    @property
    def port(self) -> int:
        """Where it listens."""
        ...

    @property
    def url(self) -> str:
        """Where it is asked."""
        ...

    def wait_ready(self, paths: Sequence[str], expect: Sequence[int]) -> None:
        """Wait until it, and nobody else, answers every path; raises CannotMeasure with what it saw."""
        ...

    def still_alone(self) -> str | None:
        """None while it lives and alone answers on its port, else what is wrong."""
        ...

    def killed_for_memory(self) -> str | None:
        """What the kernel killed of it for want of memory, in a few words; None where nothing was, or nobody knows."""
        ...

    def pids(self) -> tuple[int, ...]:
        """Its living processes, the first one first; empty where they cannot be seen from here."""
        ...

    def signal(self, pid: int, number: int) -> None:
        """Send a signal to one of its processes, through whoever has started it.

        Raises ProcessLookupError where that process is gone, CannotMeasure where the signal cannot be sent.
        """
        ...

    def ended(self) -> int | None:
        """Exit status of its first process, −n where signal n ended it; None while it runs, or where nobody knows.

        Raises CannotMeasure where whoever has started it does not answer.
        """
        ...

    def meter(self) -> Meter | None:
        """A meter of its CPU time; None where it cannot be read."""
        ...

    def pss_bytes(self) -> int | None:
        """Memory that it holds now; None where it cannot be read."""
        ...

    def peak_bytes(self) -> int | None:
        """Most memory that it ever held; None where nobody keeps that."""
        ...

    def ask_to_end(self) -> None:
        """Tell it to end; does not wait."""
        ...

    def end_by(self, deadline_s: float) -> None:
        """Wait for its end until an instant of ``time.monotonic()``, then end it by force and clear it away."""
        ...


class Launch(Protocol):
    """Starts a target on a free port, none of those ``promised`` to others; does not wait for it."""

    def __call__(
        self,
        name: str,
        target: Target,
        app: App,
        *,
        root: Path,
        session: processes.Session,
        logs: Path,
        cores: Sequence[int] | None,
        promised: Collection[int] = (),
        lent: Mapping[str, str] | None = None,
        written: Path | None = None,
        disk: Disk | None = None,
    ) -> Server:
        """Start it; ``lent`` are the addresses of what stands behind it.

        ``written`` is a folder of this machine that it writes to, ``disk`` one that only it shall see.
        Raises CannotMeasure where it cannot be started so.
        """
        ...


class Runtime(Struct, frozen=True):
    """A place where targets run."""

    name: RuntimeName
    launch: Launch
    record: dict[str, Any] = {}
    """What a reader of a run must know of it, for ``run.json``."""


def require_seen(server: Server) -> None:
    """Raise CannotMeasure where a server's processes cannot be seen: what happens to them could not be timed."""
    if not server.pids() and server.ended() is None:
        raise CannotMeasure(
            f"The processes of {server.name} cannot be seen from here, so what happens to them cannot be timed.",
            "Run the harness in the process name space of the container engine, or use --runtime local.",
        )


def stop(servers: Sequence[Server]) -> None:
    """End all servers at once."""
    for server in servers:
        server.ask_to_end()
    deadline_s = time.monotonic() + processes.STOP_S
    for server in servers:
        server.end_by(deadline_s)
