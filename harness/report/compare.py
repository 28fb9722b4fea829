"""Two runs side by side: whether the later one says the same, and whether the machine was the same.

Two sessions never met the same noise, so their ratios are compared (each was interleaved within its own
session), never their absolute figures.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness import __version__
from harness.model import SCHEMA
from harness.report import verdict_pairs, words
from harness.report.flips import flips
from harness.report.flips import text as cells_text
from harness.report.read import Material, read

_RATIO_UNITS = frozenset({"ratio", "×", "1"})
_NOISE = frozenset({"load_average"})
"""Fields of the machine's record that differ between any two moments."""

Key = tuple[str, str]


def compare(run_a: Path, run_b: Path) -> dict[str, Any]:
    """Return one document about two runs: every ratio, verdict and cell of drops, and how their machines differ.

    ``ratio_of_ratios`` is B's ratio ÷ A's; its interval joins both half widths, as for independent
    sessions.  ``agree`` says whether it holds 1.  Raises UsageError (exit 2) if a folder is no run or
    damaged.
    """
    first, second = read(run_a), read(run_b)
    ratios_a, ratios_b = dict(_ratios(first)), dict(_ratios(second))
    keys = list(dict.fromkeys([*ratios_a, *ratios_b]))
    differences = _differences(first.run.machine, second.run.machine)
    return {
        "schema": SCHEMA,
        "kind": "compare",
        "harness_version": __version__,
        "a": _about(first),
        "b": _about(second),
        "rows": [_row(key, ratios_a.get(key), ratios_b.get(key)) for key in keys],
        "claims": verdict_pairs.pairs(first.verdicts, second.verdicts),
        "cells": flips(run_a, run_b),
        "same_plan": first.run.plan_hash == second.run.plan_hash,
        "same_machine": not differences,
        "machine_differences": differences,
    }


def compare_text(document: Mapping[str, Any]) -> str:
    """Return the document of :func:`compare` as a table for a terminal."""
    a, b = document["a"], document["b"]
    lines = [
        *(
            f"{name}  {one['run']}  {one['verdict'] or _counted(document, name) or 'no verdict'}"
            + ("" if a["runtime"] == b["runtime"] else f"  ({one['runtime']})")
            for name, one in (("A", a), ("B", b))
        ),
        "",
    ]
    header = ("what", "A", "B", "B ÷ A", "95 % interval", "")
    rows = [_cells(row) for row in document["rows"]]
    lines += _aligned([header, *rows]) if rows else ["No ratio that either run decided."]
    lines += ["", *_aligned([*verdict_pairs.text(document["claims"])])] if document["claims"] else []
    lines += ["", *cells_text(document["cells"])] if document["cells"] else []
    lines += ["", "The plans are the same." if document["same_plan"] else "The plans differ."]
    if document["same_machine"]:
        lines.append("The machine's record is the same.")
    else:
        lines.append("The machines' records differ; a difference above may come from there:")
        lines += _aligned(
            [("field", "A", "B"), *((d["field"], d["a"], d["b"]) for d in document["machine_differences"])]
        )
    return "\n".join(lines) + "\n"


def _about(material: Material) -> dict[str, Any]:
    verdicts = material.verdicts or {}
    return {
        "run": material.folder.name,
        "kind": material.kind,
        "verdict": verdicts.get("verdict"),
        "baseline": (verdicts.get("baseline") or {}).get("label"),
        "candidate": (verdicts.get("candidate") or {}).get("label"),
        "started_utc": material.run.started_utc,
        "harness_version": material.run.harness_version,
        "runtime": material.run.plan.runtime,
    }


def _counted(document: Mapping[str, Any], side: str) -> str | None:
    """How many claims a run has decided on, where it is a run of claims."""
    found = [row for row in document["claims"] if row[side.lower()] is not None]
    return f"{len(found)} claim{'' if len(found) == 1 else 's'}" if found else None


def _ratios(material: Material) -> Iterator[tuple[Key, dict[str, Any]]]:
    document = material.verdicts or {}
    for regime in document.get("regimes") or []:
        yield (str(regime.get("name")), str(document.get("metric"))), _figures(regime, "ratio")
    for claim in document.get("claims") or []:
        for estimate in claim.get("estimates") or []:
            if estimate.get("unit") in _RATIO_UNITS:
                parts = (claim.get("id"), estimate.get("condition"), estimate.get("grain"))
                name = ", ".join(str(part) for part in parts if part)
                yield (name, str(estimate.get("metric"))), _figures(estimate, "value")


def _figures(record: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {"ratio": record.get(name), "low": record.get("low"), "high": record.get("high")}


def _row(key: Key, a: dict[str, Any] | None, b: dict[str, Any] | None) -> dict[str, Any]:
    joined = _joined(a, b)
    value, low, high = joined or (None, None, None)
    agree = None if low is None or high is None else low <= 1 <= high
    row = {"name": key[0], "metric": key[1], "a": a, "b": b}
    return {**row, "ratio_of_ratios": value, "low": low, "high": high, "agree": agree}


def _joined(a: dict[str, Any] | None, b: dict[str, Any] | None) -> tuple[float, float, float] | None:
    """Return B ÷ A with its interval: on the log scale, upper widths add to lower ones as squares."""
    if a is None or b is None or not all((*a.values(), *b.values())):
        return None
    (value_a, low_a, high_a), (value_b, low_b, high_b) = _logs(a), _logs(b)
    down = math.hypot(value_b - low_b, high_a - value_a)
    up = math.hypot(high_b - value_b, value_a - low_a)
    middle = value_b - value_a
    return math.exp(middle), math.exp(middle - down), math.exp(middle + up)


def _logs(figures: Mapping[str, Any]) -> tuple[float, float, float]:
    return math.log(figures["ratio"]), math.log(figures["low"]), math.log(figures["high"])


def _differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[dict[str, str]]:
    flat_a, flat_b = dict(_flat(a)), dict(_flat(b))
    return [
        {"field": field, "a": flat_a.get(field, words.MISSING), "b": flat_b.get(field, words.MISSING)}
        for field in dict.fromkeys([*flat_a, *flat_b])
        if flat_a.get(field) != flat_b.get(field)
    ]


def _flat(record: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in record.items():
        if key in _NOISE:
            continue
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", words.MISSING if value is None else str(value)


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    agree = {True: "agree", False: "DIFFER", None: "not in both"}[row["agree"]]
    return (
        f"{row['name']}, {words.metric(row['metric'])}",
        *(words.ratio((row[side] or {}).get("ratio")) for side in ("a", "b")),
        words.ratio(row["ratio_of_ratios"]),
        words.interval(row["low"], row["high"]),
        agree,
    )


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
