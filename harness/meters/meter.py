"""What a meter of one arm is, wherever that arm runs."""

from __future__ import annotations

from typing import Protocol

from harness.meters.process_clock import Reading


class Meter(Protocol):
    """Reads the CPU time of one arm again and again: a process tree, or a container."""

    @property
    def root(self) -> int:
        """Process id of its first process, as whoever started it knows it."""
        ...

    def read(self, *, scan: bool = True) -> Reading:
        """CPU time since its start; without ``scan`` only what is quickly read."""
        ...
