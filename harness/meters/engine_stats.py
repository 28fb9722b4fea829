"""CPU time of a container as its engine reports it: the last resort, where nothing of it can be seen from here.

One call takes some milliseconds of the engine and of the generator's core, so it is exact and late.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from harness.meters.process_clock import Reading


class StatsMeter(Struct, frozen=True):
    """Asks the engine for one figure at a time."""

    handle: Any
    """A ``docker.models.containers.Container``."""
    root: int

    def read(self, *, scan: bool = True) -> Reading:  # noqa: ARG002  (there is one way to ask)
        """CPU time since the container's start; not alive where the engine does not say."""
        from docker.errors import DockerException  # noqa: PLC0415  (only sessions with containers need it)
        from requests.exceptions import RequestException  # noqa: PLC0415

        try:
            told = self.handle.client.api.stats(self.handle.id, stream=False, one_shot=True)
        except (DockerException, RequestException):
            return Reading(cpu_ns=0, pids=(), alive=False)
        used_ns = int(told.get("cpu_stats", {}).get("cpu_usage", {}).get("total_usage") or 0)
        return Reading(cpu_ns=used_ns, pids=(), alive=used_ns > 0)
