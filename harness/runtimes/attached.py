"""A service that runs already: its URL is an arm, and the harness neither starts nor stops it."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from msgspec import Struct

from harness.errors import CannotMeasure
from harness.runtimes import local

READY_S = 3.0
"""A service that runs already answers at once; this lets one come back from a restart."""


class Attached(Struct, frozen=True):
    """Somebody else's service: it can be asked, and nothing else is known of it."""

    name: str
    port: int
    url: str

    def wait_ready(self, paths: Sequence[str], expect: Sequence[int]) -> None:
        """Ask every path; raises CannotMeasure where one does not answer as expected."""
        local.await_answers(
            f"{self.url} ({self.name})",
            self.url,
            paths,
            expect,
            ended=lambda: None,
            last_words=None,
            deadline_s=READY_S,
            mend="Start the service that shall answer, or correct the address.",
        )

    def still_alone(self) -> str | None:
        """Nobody can tell who answers behind an address."""
        return None

    def killed_for_memory(self) -> str | None:
        """Nobody can tell."""
        return None

    def pids(self) -> tuple[int, ...]:
        """Nobody knows."""
        return ()

    def signal(self, pid: int, number: int) -> None:
        """Raise CannotMeasure: it is not ours to be struck."""
        raise CannotMeasure(
            f"{self.name} was not started by the harness: process {pid} gets no signal {number} from it.",
            "Name a target that the harness starts.",
        )

    def ended(self) -> None:
        """Nobody knows."""

    def meter(self) -> None:
        """There is no process to read."""

    def pss_bytes(self) -> int | None:
        """There is no process to read."""
        return None

    def peak_bytes(self) -> int | None:
        """There is no process to read."""
        return None

    def ask_to_end(self) -> None:
        """It is not ours to end."""

    def end_by(self, deadline_s: float) -> None:
        """It is not ours to end."""


def server(name: str, url: str) -> Attached:
    """The running service as a server without a process of ours.

    Raises CannotMeasure where the address is not plain HTTP.
    """
    parts = urlsplit(url)
    if parts.scheme != "http":
        raise CannotMeasure(f"{url} is not an http:// address.", "Name the plain HTTP address of the service.")
    return Attached(name=name, port=parts.port or 80, url=url.rstrip("/"))
