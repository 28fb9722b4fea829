"""What happened in a block and when, beside its load: ``events.json``, on the clock of the samples."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec import Struct

from harness import __version__
from harness.model import SCHEMA
from harness.store.folder import write_json

EVENTS_FILE = "events.json"


class Event(Struct, frozen=True):
    """One instant."""

    t_ns: int
    """CLOCK_MONOTONIC."""
    what: str
    """start, ready, load, stop (of the load), end (of all servers), or pause (of the platform)."""
    who: str | None = None
    """A server of the block; None where it concerns all."""
    value_ms: float | None = None
    """How late the platform woke the watcher, for a pause."""


class Events(Struct, frozen=True):
    """The document."""

    events: tuple[Event, ...]
    schema: int = SCHEMA
    kind: str = "events"
    harness_version: str = __version__


def now(what: str, who: str | None = None) -> Event:
    """Give an event of this instant."""
    return Event(t_ns=time.monotonic_ns(), what=what, who=who)


def pauses(seen: Iterable[tuple[int, float]]) -> list[Event]:
    """Give the platform's pauses as events: (when the watcher woke, how late in ms)."""
    return [Event(t_ns=at_ns, what="pause", value_ms=late_ms) for at_ns, late_ms in seen]


def write(folder: Path, events: Sequence[Event]) -> None:
    """Write the events of a block in their order."""
    write_json(folder / EVENTS_FILE, Events(events=tuple(sorted(events, key=lambda one: one.t_ns))))
