"""The alternation: which arm is loaded when.

Interleaving makes the arms meet the same noise.  The order inside a pair is random, so that neither
role profits from going first, and every process of a role is loaded equally often.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from .trial import S_NS, Trial, TrialError

GUARD_NS = 20_000_000
"""Nothing new is sent in the last 20 ms of a slice: requests in flight end before the next slice begins,
so that the CPU read at the boundary belongs to the arm that was loaded.  Four times the slowest answer
(5 ms) that a service at half load gives; a longer stall is charged to the arm through its due times."""

GUARD_SHARE = 10
"""The guard never takes more than a tenth of a slice."""

Phase = Literal["warmup", "measure"]


@dataclass(frozen=True, slots=True)
class Slice:
    """A stretch in which ``entries`` (indices of the trial's arms) are loaded, from t0, in ns.

    Slices with one ``pattern`` share their arrivals: the two halves of a pair differ in the arm alone.
    """

    index: int
    phase: Phase
    start_ns: int
    end_ns: int
    entries: tuple[int, ...]
    pattern: int

    @property
    def guard_ns(self) -> int:
        """Length of the quiet end of this slice."""
        return min(GUARD_NS, (self.end_ns - self.start_ns) // GUARD_SHARE)

    @property
    def quiet_ns(self) -> int:
        """The instant from which nothing new is sent."""
        return self.end_ns - self.guard_ns


Step = tuple[tuple[int, ...], int]
"""Entries to load together, and the pattern of their arrivals."""


def slices_of(trial: Trial) -> tuple[Slice, ...]:
    """Lay out the whole trial: the warm-up first, then the measured phase, without a gap.

    The number of slices is the balanced multiple nearest to ``measure_s ÷ slice_s`` (at least one cycle)
    and their length follows from it, so that the phases last exactly as long as the trial says.

    :raises TrialError: the roles have unequal numbers of processes, or the given switches overlap.
    """
    if trial.switches is not None:
        return _given(trial)
    roles = _roles(trial)
    random = Random(f"switches {trial.seed}")
    patterns = itertools.count()
    warmup_ns = round(trial.load.warmup_s * S_NS)
    measure_ns = round(trial.load.measure_s * S_NS)
    warmup = _phase(trial, roles, random, patterns, "warmup", 0, warmup_ns, 0) if warmup_ns else ()
    measure = _phase(trial, roles, random, patterns, "measure", warmup_ns, measure_ns, len(warmup))
    return (*warmup, *measure)


def documents(slices: tuple[Slice, ...]) -> list[dict[str, Any]]:
    """Give the slices as JSON objects, for the files that a worker leaves."""
    return [
        {
            "index": one.index,
            "phase": one.phase,
            "start_ns": one.start_ns,
            "end_ns": one.end_ns,
            "quiet_ns": one.quiet_ns,
            "entries": list(one.entries),
        }
        for one in slices
    ]


def _roles(trial: Trial) -> list[list[int]]:
    """Group the arms by role, in the order of their first appearance."""
    roles: dict[str, list[int]] = {}
    for index, arm in enumerate(trial.arms):
        roles.setdefault(arm.name, []).append(index)
    if len({len(entries) for entries in roles.values()}) > 1:
        raise TrialError("every role needs the same number of arms: " + str({k: len(v) for k, v in roles.items()}))
    return list(roles.values())


def _phase(
    trial: Trial,
    roles: list[list[int]],
    random: Random,
    patterns: Iterator[int],
    phase: Phase,
    start_ns: int,
    length_ns: int,
    first: int,
) -> tuple[Slice, ...]:
    cycle = _cycle_length(trial, roles)
    wanted = length_ns / (trial.slice_s * S_NS) / cycle
    cycles = 1 if trial.grain == "block" else max(1, round(wanted))
    steps = [step for _ in range(cycles) for step in _cycle(trial, roles, random, patterns)]
    # Integer edges from the total: the sum of the slices is the phase to the nanosecond.
    edges = [start_ns + length_ns * i // len(steps) for i in range(len(steps) + 1)]
    return tuple(
        Slice(first + i, phase, edges[i], edges[i + 1], entries, pattern) for i, (entries, pattern) in enumerate(steps)
    )


def _cycle_length(trial: Trial, roles: list[list[int]]) -> int:
    """Count the slices of the shortest balanced stretch."""
    instances = len(roles[0])
    if trial.grain == "request":
        return int(instances ** len(roles))
    return instances * len(roles)


def _cycle(trial: Trial, roles: list[list[int]], random: Random, patterns: Iterator[int]) -> list[Step]:
    if trial.grain == "request":
        return [(pairing, next(patterns)) for pairing in _latin(roles, random)]
    # One entry at a time.  Each role's processes are matched at random with the other's, so that within
    # a cycle every process is loaded once; within a pair the order is random and the arrivals are shared.
    matched = [random.sample(entries, len(entries)) for entries in roles]
    steps: list[Step] = []
    for pair in zip(*matched, strict=True):
        pattern = next(patterns)
        steps += [((entry,), pattern) for entry in random.sample(pair, len(pair))]
    return steps


def _latin(roles: list[list[int]], random: Random) -> list[tuple[int, ...]]:
    """All pairings, in rounds that load every process once: each half of a block sees all processes.

    With the pairings in any order, the first half could hold one process of a role and the second the other:
    what tells two processes apart would look like a drift of the machine.
    """
    rounds: dict[tuple[int, ...], list[tuple[int, ...]]] = {}
    for places in itertools.product(*(range(len(entries)) for entries in roles)):
        shifts = tuple((place - places[0]) % len(entries) for place, entries in zip(places, roles, strict=True))
        pairing = tuple(entries[place] for place, entries in zip(places, roles, strict=True))
        rounds.setdefault(shifts, []).append(pairing)
    shuffled = random.sample(list(rounds.values()), len(rounds))
    return [pairing for one in shuffled for pairing in random.sample(one, len(one))]


def _given(trial: Trial) -> tuple[Slice, ...]:
    slices: list[Slice] = []
    previous_ns = 0
    for index, window in enumerate(trial.switches or ()):
        start_ns, end_ns = round(window.start_s * S_NS), round(window.end_s * S_NS)
        if start_ns < previous_ns or end_ns <= start_ns:
            raise TrialError(f"switches: slice {index} overlaps its predecessor or is empty")
        if any(not 0 <= entry < len(trial.arms) for entry in window.entries):
            raise TrialError(f"switches: slice {index} names an arm that does not exist")
        slices.append(Slice(index, window.phase, start_ns, end_ns, window.entries, index))
        previous_ns = end_ns
    if not slices:
        raise TrialError("switches is an empty list; null lets the grain decide")
    return tuple(slices)
