"""The bank of this machine: raw A/A and dose blocks of every session, kept to calibrate and to judge.

One file per machine, `bank/<machine-key>.jsonl` below the results: one JSON line per block, only ever
appended to.  From it come the factor by which intervals must be wider here, and thousands of pseudo-duels
that show how often the whole procedure is right.

Noise series are kept apart by regime, grain, architecture and figure, since scales differ.  Pseudo-duels are
drawn from one series at a time, half of them block by block and half in runs of neighbours, which keep
the drift that neighbours share.  Each run's sign is a coin toss: the arms of an A/A could as well have been
labelled the other way round, so the true value is zero whatever accident the series holds.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from harness import rules
from harness.errors import UsageError
from harness.model import SCHEMA, Estimate, Grain, Regime, RuntimeName
from harness.stats.distributions import t_critical
from harness.stats.intervals import ratio_interval

Series = NDArray[np.float64]
"""Block noise in the order of measurement: logs whose true value is zero."""

BLOCKS_MIN = 30
"""Fewer blocks of a regime and grain calibrate nothing: the tail of 95 % would rest on one of them."""
INFLATION_DEFAULT = 1.25
"""A choice, until calibrated: plain t intervals of A/A blocks on shared machines miss 1 more often than they
say; at 12 blocks a quarter more width makes 99 % of what would be 97 %."""
INFLATION_CAP = 3.0
"""Beyond three the machine needs mending, not a wider interval."""
PAIR_OF_ONES = math.sqrt(0.5)
"""An A/A sets one process against one, in half of an arm's windows each; a block's ratio sets two against two, so
its noise has half the variance at most.  So it is in this machine's bank: saturated slices of known ratio scattered
by 2.3 %, their A/A by 3.3 % (results/evidence/process-spread.json)."""
RUN = 4
"""Blocks in a run of neighbours: a choice, long enough to carry drift and short enough to draw many."""
DRAWS = 4_000
"""200 draws beyond a quantile of 95 %, 40 beyond 99 %."""
SEED = 20_261_124
"""Calibration must not depend on the session that asks: the same bank gives the same factor."""


class BankEntry(msgspec.Struct, frozen=True):
    """What one block says about noise: a known ratio, or two processes of one arm, or both."""

    regime: Regime
    grain: Grain
    architecture: str
    """What ran, so that noise of one server is not mixed with another's."""
    injected_ratio: float | None
    """True candidate ÷ baseline: 1 for an A/A block, the dose for a dose block, None where it is unknown."""
    log_ratio: float | None
    aa_log_ratio_baseline: float | None
    aa_log_ratio_candidate: float | None
    measure_s: float
    started_utc: str
    host: dict[str, Any] = {}
    """Load, steal and other weather of the machine during the block."""
    harness_version: str = ""
    at_equal_pace: bool = False
    """Whether the logs are taken to one pace of the core (``stats.pace``): that noise is another."""
    run: str = ""
    """Folder of the run that measured it: a run neither calibrates itself nor enters twice."""
    schema: int = SCHEMA
    kind: str = "bank"


class Bank(NamedTuple):
    """The entries that could be read, oldest first, and how many lines could not."""

    entries: tuple[BankEntry, ...]
    damaged: int


def bank_path(results: Path, machine_key: str, runtime: RuntimeName = "local") -> Path:
    """Where the bank of a machine lies; characters that a file name should not have become dashes.

    Containers have a bank of their own: what a process's noise is, theirs need not be.
    """
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", machine_key).strip("-.") or "machine"
    return results / "bank" / f"{name}{'' if runtime == 'local' else f'-{runtime}'}.jsonl"


def append(path: Path, entry: BankEntry) -> None:
    """Add one block durably: one write to a file opened for appending, then fsync.

    Sessions may append at the same time.  Where a crash left half a line, the new one starts on its own.
    Raises OSError where the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        size = os.fstat(descriptor).st_size
        broken = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        line = (b"\n" if broken else b"") + msgspec.json.encode(entry) + b"\n"
        written = os.write(descriptor, line)
        if written != len(line):
            raise OSError(f"only {written} of {len(line)} bytes of a bank entry were written to {path}")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(path: Path) -> Bank:
    """Read every whole entry; a missing file is an empty bank, damaged lines are left out and counted.

    Raises UsageError (exit 2) where a newer harness wrote an entry.
    """
    if not path.exists():
        return Bank((), 0)
    entries: list[BankEntry] = []
    damaged = 0
    for line in path.read_bytes().splitlines():
        if not line.strip():
            continue
        try:
            document = json.loads(line)
            _refuse_newer(document, path)
            entries.append(msgspec.convert(document, BankEntry))
        except (ValueError, msgspec.ValidationError):
            damaged += 1
    return Bank(tuple(entries), damaged)


def _refuse_newer(document: Any, path: Path) -> None:
    schema = document.get("schema") if isinstance(document, dict) else None
    if isinstance(schema, int) and schema > SCHEMA:
        raise UsageError(
            f"{path} holds entries of a newer harness (schema {schema}; this one reads up to {SCHEMA}).",
            "Install the newer harness, or name another folder with --results.",
        )


class Inflation(msgspec.Struct, frozen=True):
    """Factor of the t interval's half width, and what it rests on."""

    factor: float
    calibrated: bool
    """False where the bank holds too few blocks: then the factor is `INFLATION_DEFAULT`."""
    blocks: int


class PseudoDuels(msgspec.Struct, frozen=True):
    """How duels drawn from the bank ended, with the inflation from one half judged on the other."""

    coverage: float
    """Share whose 95 % interval holds the true ratio."""
    false_verdicts: float
    """Share of duels without a difference that were called cheaper or dearer."""
    power: float
    """Share of duels with the injected effect that were decided as it was injected."""
    duels: int
    inflation: float
    """Mean of the two halves' factors."""


def inflation(
    entries: Sequence[BankEntry], regime: Regime, grain: Grain, n: int, confidence: float, *, at_equal_pace: bool
) -> Inflation:
    """Find the factor ≥ 1 with which t intervals of `n` blocks reach `confidence` here."""
    if n < 2:  # noqa: PLR2004  (one block has no interval to widen)
        raise ValueError("an interval needs at least two blocks")
    kind = (regime, grain, at_equal_pace)
    chosen = [entry for entry in entries if (entry.regime, entry.grain, entry.at_equal_pace) == kind]
    series = noise_series(chosen)
    blocks = sum(_has_noise(entry) for entry in chosen)
    if blocks < BLOCKS_MIN or not series:
        return Inflation(INFLATION_DEFAULT, calibrated=False, blocks=blocks)
    return Inflation(_factor(series, n, confidence), calibrated=True, blocks=blocks)


def noise_series(entries: Sequence[BankEntry]) -> list[Series]:
    """Noise of the bank: a series per regime, grain, architecture and figure of at least `RUN` blocks."""
    groups: defaultdict[tuple[str, ...], list[float]] = defaultdict(list)
    for entry in sorted(entries, key=lambda e: e.started_utc):
        key = (entry.regime, entry.grain, entry.architecture, str(entry.at_equal_pace))
        if entry.log_ratio is not None and entry.injected_ratio is not None:
            # Dose blocks are as noisy as A/A blocks once the dose is taken off.
            groups[*key, "known"].append(entry.log_ratio - math.log(entry.injected_ratio))
        for figure in ("aa_log_ratio_baseline", "aa_log_ratio_candidate"):
            value = getattr(entry, figure)
            if value is not None:
                groups[*key, figure].append(value * PAIR_OF_ONES)
    return [np.array(values) for _, values in sorted(groups.items()) if len(values) >= RUN]


def _has_noise(entry: BankEntry) -> bool:
    known = entry.log_ratio is not None and entry.injected_ratio is not None
    return known or entry.aa_log_ratio_baseline is not None or entry.aa_log_ratio_candidate is not None


def draw(series: Sequence[Series], n: int, draws: int, run: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """Draw `draws` rows of `n` noise values: runs of `run` neighbours of one series, with random signs."""
    sizes = np.array([len(part) for part in series], dtype=np.float64)
    picks = generator.choice(len(series), size=draws, p=sizes / sizes.sum())
    runs = math.ceil(n / run)
    rows = np.empty((draws, n))
    for index, part in enumerate(series):
        chosen = np.flatnonzero(picks == index)
        starts = _starts(len(part), len(chosen), runs, generator)
        signs = generator.choice([-1.0, 1.0], size=(len(chosen), runs))
        # The series is closed to a ring, so that its ends are drawn as often as its middle.
        places = (starts[:, :, None] + np.arange(run)) % len(part)
        values = part[places] * signs[:, :, None]
        rows[chosen] = values.reshape(len(chosen), runs * run)[:, :n]
    return rows


def _starts(size: int, draws: int, runs: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Where runs begin, twice in a row only where there are too few places: a repeat has no spread."""
    if runs > size:
        return generator.integers(0, size, size=(draws, runs))
    return generator.random((draws, size)).argpartition(runs - 1, axis=1)[:, :runs].astype(np.int64)


def _factor(series: Sequence[Series], n: int, confidence: float) -> float:
    generator = np.random.default_rng(SEED)
    critical = t_critical(confidence, n - 1)
    factor = 1.0
    for run in (1, RUN):
        rows = draw(series, n, DRAWS, run, generator)
        errors = rows.std(axis=1, ddof=1) / math.sqrt(n)
        # A constant row (a drawn block repeated) has no spread: any shift from zero is a miss.
        statistics = np.abs(rows.mean(axis=1)) / np.maximum(errors, np.finfo(np.float64).tiny)
        factor = max(factor, float(np.quantile(statistics, confidence)) / critical)
    return min(factor, INFLATION_CAP)


def pseudo_duels(
    entries: Sequence[BankEntry],
    n_blocks: int,
    effect: float,
    seed: int,
    *,
    repeats: int = 1000,
    margin: float = 0.01,
) -> PseudoDuels | None:
    """Replay duels of `n_blocks` whose truth is known, with no effect and with the relative `effect`.

    Each half of every series calibrates the other (earlier against later): no block judges itself.  Give
    entries of one regime and grain.  None where the bank is too small to be halved.
    """
    halves = _halves(noise_series(entries))
    if halves is None:
        return None
    generator = np.random.default_rng(seed)
    covered, false, found, factors = 0, 0, 0, []
    per_fold = math.ceil(repeats / 2)
    for calibrating, judging in (halves, halves[::-1]):
        shown, decided = (_factor(calibrating, n_blocks, level) for level in (0.95, 0.99))
        factors.append(shown)
        null = _noise(judging, n_blocks, per_fold, generator)
        for row in null:
            false += _duel(row, shown, decided, margin)[0] in {"cheaper", "dearer"}
        truth = math.log1p(effect)
        expected = {"no difference"} if abs(truth) <= math.log1p(margin) else set[str]()
        if truth != 0.0:
            expected.add("dearer" if truth > 0 else "cheaper")
        for row in _noise(judging, n_blocks, per_fold, generator) + truth:
            word, low, high = _duel(row, shown, decided, margin)
            covered += low <= 1 + effect <= high
            found += word in expected
    duels = 2 * per_fold
    return PseudoDuels(covered / duels, false / duels, found / duels, duels, sum(factors) / 2)


def _noise(series: Sequence[Series], n: int, draws: int, generator: np.random.Generator) -> NDArray[np.float64]:
    half = draws // 2
    return np.concatenate([draw(series, n, draws - half, 1, generator), draw(series, n, half, RUN, generator)])


def _halves(series: Sequence[Series]) -> tuple[list[Series], list[Series]] | None:
    long_enough = [part for part in series if len(part) >= 2 * RUN]
    if not long_enough:
        return None
    return (
        [part[: len(part) // 2] for part in long_enough],
        [part[len(part) // 2 :] for part in long_enough],
    )


def _duel(row: NDArray[np.float64], shown: float, decided: float, margin: float) -> tuple[str, float, float]:
    """Verdict and 95 % interval of one pseudo-duel, by the same functions as a real one."""
    values = [float(value) for value in row]
    interval, strict = ratio_interval(values, 0.95, shown), ratio_interval(values, 0.99, decided)
    if interval is None or strict is None:
        raise ValueError("a pseudo-duel needs at least two blocks")
    estimate = Estimate(
        metric="cpu_us_per_request",
        unit="ratio",
        value=interval.value,
        low=interval.low,
        high=interval.high,
        n=len(values),
        verdict_low=strict.low,
        verdict_high=strict.high,
    )
    word = rules.duel(estimate, margin, "A", "B", "cpu_us_per_request").verdict
    return word, interval.low, interval.high
