"""Lets faults happen to a trial at their planned moments, and keeps when they really did."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from harness import catalog, settings
from harness.errors import HarnessError, UsageError
from harness.faults.fault import Place, Plugin, load
from harness.model import Fault

GAP_S = 0.05
"""Between the end of a fault and the beginning of the next at one place: an end takes some ms to be acknowledged."""

JOIN_S = 15.0
"""A call is bounded (``toxiproxy_wire.CALL_S``); the beginning and the end of a fault make five at most."""


class Happened(Struct, frozen=True):
    """One fault as it was: planned in seconds of the trial, seen in ns of CLOCK_MONOTONIC."""

    fault: str
    on: str
    start_s: float
    """As planned, from the start of the measured phase."""
    began_ns: int
    """When it was asked for."""
    acknowledged_ns: int | None
    """When it was there; None where it was refused or not answered."""
    ended_ns: int | None
    """When its end was acknowledged; None for an instant, and where it could not be ended."""
    error: str | None = None


def known(names: Sequence[str]) -> dict[str, Plugin]:
    """The faults of these names, loaded.  UsageError for one that there is not."""
    where = settings.load(Path.cwd())
    entries = catalog.faults(where.root, where.plugins)
    return {name: load(catalog.find("fault", name, entries)) for name in dict.fromkeys(names)}


def check(faults: Sequence[Fault], places: Mapping[str, Place], measure_s: float) -> None:
    """Raise UsageError for a fault that cannot happen as it is planned."""
    plugins = known([one.fault for one in faults])
    for one in faults:
        plugin = plugins[one.fault]
        _placed(one, plugin, places)
        _timed(one, plugin, measure_s)
        plugin.complete(one.values)
    for first, second in _pairs(faults):
        if meet(first, second, plugins):
            raise UsageError(
                f"{second.fault} begins at {second.start_s:g} s while {first.fault} is still on {first.on}.",
                f"Leave {GAP_S:g} s between them: what each of them did could not be told apart.",
            )


def meet(first: Fault, second: Fault, plugins: Mapping[str, Plugin]) -> bool:
    """Whether two faults are at one place at one time and touch the same thing there."""
    one, other = plugins[first.fault], plugins[second.fault]
    same_thing = one.on == other.on == "proxy" or first.fault == second.fault
    apart = _clear(_over_s(first, one), second.start_s) or _clear(_over_s(second, other), first.start_s)
    return first.on == second.on and same_thing and not apart


def _clear(over_s: float, start_s: float) -> bool:
    # 0.1 + 0.05 is more than 0.15 in binary.
    return start_s - over_s >= GAP_S - 1e-9


def _over_s(fault: Fault, plugin: Plugin) -> float:
    if not plugin.lasts:
        return fault.start_s
    return float("inf") if fault.end_s is None else fault.end_s


def _pairs(faults: Sequence[Fault]) -> list[tuple[Fault, Fault]]:
    ordered = sorted(faults, key=lambda one: one.start_s)
    return [(first, second) for at, first in enumerate(ordered) for second in ordered[at + 1 :]]


def _placed(one: Fault, plugin: Plugin, places: Mapping[str, Place]) -> None:
    if one.on not in places:
        raise UsageError(
            f"{one.fault} cannot strike {one.on!r}: there is none in this trial.",
            f"Choose from {', '.join(sorted(places)) or 'nothing'}.",
        )
    place = places[one.on]
    if plugin.on == "proxy" and (place.proxy is None or place.proxies is None):
        raise UsageError(
            f"{one.fault} needs a proxy before {one.on}, and there is none.",
            f"Let the trial put Toxiproxy before {one.on}, or choose a fault of processes (`harness list faults`).",
        )
    if plugin.on != "proxy" and place.server is None:
        raise UsageError(
            f"{one.fault} needs a process, and {one.on} is none that this trial has started.",
            "Choose a target that the harness starts, or a fault of proxies (`harness list faults`).",
        )
    if plugin.on == "disk" and place.disk is None:
        raise UsageError(
            f"{one.fault} needs a disk of {one.on}'s own, and it shares everybody's.",
            "Let the course give it one (disk_mib), or choose another fault (`harness list faults`).",
        )


def _timed(one: Fault, plugin: Plugin, measure_s: float) -> None:
    if not 0 <= one.start_s < measure_s:
        raise UsageError(
            f"{one.fault} begins at {one.start_s:g} s, outside the trial.",
            f"Choose a start from 0 s on and before {measure_s:g} s, the end of the measured phase.",
        )
    if one.end_s is None:
        return
    if not plugin.lasts:
        raise UsageError(f"{one.fault} is an instant and has no end.", "Leave its end out.")
    if not one.start_s < one.end_s <= measure_s:
        raise UsageError(
            f"{one.fault} begins at {one.start_s:g} s and ends at {one.end_s:g} s.",
            f"Choose an end after its start and up to {measure_s:g} s, or none: it then lasts to the end.",
        )


@contextlib.contextmanager
def running(faults: Sequence[Fault], places: Mapping[str, Place], zero_ns: int) -> Iterator[list[Happened]]:
    """Let the faults happen while the block runs; what began is ended with it, whatever happens in the block.

    ``zero_ns`` is the start of the measured phase on CLOCK_MONOTONIC.  The list that is given fills as faults end and
    is complete, in the order of their beginnings, after the block.  Nothing that a fault does raises here.
    """
    plugins = known([one.fault for one in faults])
    over, found = threading.Event(), list[Happened]()
    threads = [
        (one, threading.Thread(target=_happen, args=(one, plugins[one.fault], places[one.on], zero_ns, over, found)))
        for one in faults
    ]
    for _, thread in threads:
        thread.daemon = True
        thread.start()
    try:
        yield found
    finally:
        over.set()
        deadline = time.monotonic() + JOIN_S
        for one, thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                found.append(_failed(one, time.monotonic_ns(), f"it did not come to an end within {JOIN_S:g} s"))
        found.sort(key=lambda one: one.began_ns)


def _happen(
    fault: Fault, plugin: Plugin, place: Place, zero_ns: int, over: threading.Event, found: list[Happened]
) -> None:
    """The life of one fault, in a thread of its own: a call that hangs delays no other fault."""
    if not _reached(zero_ns + round(fault.start_s * 1e9), over):
        found.append(_failed(fault, time.monotonic_ns(), "the trial ended before it was due"))
        return
    began_ns = time.monotonic_ns()
    try:
        begun = plugin.begin(place, plugin.complete(fault.values))
    except Exception as error:  # noqa: BLE001  (whatever a plug-in raises is a finding and must not reach the load)
        found.append(_failed(fault, began_ns, _words(error)))
        return
    ended_ns, error_words = None, None
    if begun.end is not None:
        _reached(None if fault.end_s is None else zero_ns + round(fault.end_s * 1e9), over)
        try:
            ended_ns = begun.end()
        except Exception as error:  # noqa: BLE001  (as above)
            error_words = f"it could not be ended: {_words(error)}"
    found.append(
        Happened(
            fault=fault.fault,
            on=fault.on,
            start_s=fault.start_s,
            began_ns=began_ns,
            acknowledged_ns=begun.acknowledged_ns,
            ended_ns=ended_ns,
            error=error_words,
        )
    )


def _reached(at_ns: int | None, over: threading.Event) -> bool:
    """Wait for a moment (None: for ever); False where the trial was over first."""
    while at_ns is None or time.monotonic_ns() < at_ns:
        left_s = None if at_ns is None else max(0.0, (at_ns - time.monotonic_ns()) / 1e9)
        if over.wait(left_s):
            return False
    return True


def _failed(fault: Fault, began_ns: int, words: str) -> Happened:
    return Happened(
        fault=fault.fault,
        on=fault.on,
        start_s=fault.start_s,
        began_ns=began_ns,
        acknowledged_ns=None,
        ended_ns=None,
        error=words,
    )


def _words(error: Exception) -> str:
    if isinstance(error, HarnessError):
        return f"{error.message} {error.mend}"
    return f"{type(error).__name__}: {error}"
