"""A thousand duels drawn from this machine's bank, whose truth is known: how often the whole procedure is right."""

from __future__ import annotations

import sys
from typing import get_args

from harness import bank, duel
from harness.model import Grain, Regime
from harness.selftest.rig import Bench, Row

BLOCKS: dict[Grain, int] = {"request": 12, "slice": 20, "block": 20}
"""What a duel of 60 s has in one grain: blocks of 5 s and of 3 s (``plan``)."""
EFFECT = 0.02
"""The smallest effect that a duel must find."""
DUELS = 1000
COVERAGE, COVERAGE_TOLERANCE = 0.955, 0.025
"""The 95 % interval holds the truth in 93 to 98 % of the duels."""
FALSE_MAX = 0.01
POWER_MIN = 0.95


def check(bench: Bench) -> list[Row]:
    """Draw the duels for every regime and grain of which the bank holds enough; none on a fresh machine."""
    entries = duel.whole_bank(bench.folder.parent.parent)
    rows = []
    for regime in get_args(Regime):
        for grain in get_args(Grain):
            kind = (regime, grain, grain != "request")
            mine = [entry for entry in entries if (entry.regime, entry.grain, entry.at_equal_pace) == kind]
            if len(mine) < bank.BLOCKS_MIN:
                sys.stderr.write(
                    f"self-test: pseudo-duels, {regime} {grain}: {len(mine)} of at least {bank.BLOCKS_MIN} blocks\n"
                )
                continue
            rows += _rows(f"{regime} {grain}", mine, BLOCKS[grain], bench.seed)
    return rows


def _rows(name: str, entries: list[bank.BankEntry], blocks: int, seed: int) -> list[Row]:
    found = bank.pseudo_duels(entries, blocks, EFFECT, seed, repeats=DUELS)
    if found is None:
        return []
    unit = f"of duels (bank: {len(entries)} blocks, inflation {found.inflation:.2f})"
    return [
        Row(f"pseudo-duels: coverage, {name}", COVERAGE, found.coverage, unit, COVERAGE_TOLERANCE),
        Row(f"pseudo-duels: false verdicts, {name}", 0, found.false_verdicts, unit, FALSE_MAX),
        Row(f"pseudo-duels: power at 2 %, {name}", 1, found.power, unit, 1 - POWER_MIN),
    ]
