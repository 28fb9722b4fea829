"""Condenses run folders to one file of evidence: ``python tests/bench/condense.py RUN… > results/evidence/NAME.json``.

Kept are the verdicts, what each rests on (every block's costs, every passage of a course, every cell of a sweep,
every line of a probe) and why blocks are void; the samples stay in the run folders.  One line for each of them, so
that two files can be compared with a line-wise diff.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

SCHEMA = 1
DIGITS = 4
"""Of a figure: more than any interval here is narrow."""


def main(folders: Iterable[str]) -> None:
    """Print the evidence of the named runs."""
    runs = ",\n".join(_run(Path(folder)) for folder in folders)
    what = (
        "verdicts, costs of every block, every passage of every course of faults, every cell of every sweep and every "
        "line of every probe, of the runs named"
    )
    sys.stdout.write(f'{{"schema":{SCHEMA},"kind":"evidence","what":{json.dumps(what)},"runs":[\n{runs}\n]}}\n')


def _run(folder: Path) -> str:
    run = _read(folder / "run.json")
    parts = {
        "run": folder.name,
        "argv": run.get("argv"),
        "seed": run.get("seed"),
        "started_utc": run.get("started_utc"),
        "commit": run.get("machine", {}).get("commit"),
    }
    verdicts = _read(folder / "verdicts.json")
    lines = {
        "claims": [_row(claim) for claim in verdicts.get("claims", [])],
        "blocks": [_row(_block(_read(path))) for path in sorted(folder.glob("blocks/*/block.json"))],
        "passages": [_row(_passage(_read(path))) for path in sorted(folder.glob("timelines/*/[0-9]*/passage.json"))],
        "sweeps": [_row(_sweep(path)) for path in sorted(folder.glob("sweeps/*/*.json"))],
        "crashes": [_row(_rounded(_read(path))) for path in sorted(folder.glob("crashes/*/*/crash.json"))],
        "probes": [_row({"probe": name, **line}) for name, line in _lines(folder / "probes.json")],
    }
    if not verdicts.get("claims"):
        parts["verdict"] = _rounded(verdicts)
    head = json.dumps(parts, ensure_ascii=False)[:-1]
    body = "".join(f',\n"{name}":[\n' + ",\n".join(rows) + "]" for name, rows in lines.items() if rows)
    return head + body + "}"


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text()) if path.is_file() else {}


def _lines(path: Path) -> list[tuple[str, dict[str, Any]]]:
    """Each line of each probe; what could not run says why."""
    found = _read(path).get("lines", {})
    return [
        (name, line if isinstance(line, dict) else {"why_not": line})
        for name, lines in found.items()
        for line in (lines if isinstance(lines, list) else [lines])
    ]


def _block(block: dict[str, Any]) -> dict[str, Any]:
    kept = ("number", "condition", "grain", "started_utc", "sent", "completed", "errors", "backend_share", "wall_s")
    costs = [[cost["role"], cost["instance"], cost["requests"], cost["cpu_ns"]] for cost in block["costs"]]
    return {**{key: block.get(key) for key in kept}, "costs": costs, "voids": _voids(block)}


def _passage(passage: dict[str, Any]) -> dict[str, Any]:
    left_out = {"schema", "kind", "harness_version", "groups", "happened", "phases", "voids", "seed"}
    return {
        **{key: value for key, value in passage.items() if key not in left_out},
        "phases": [
            [one["name"], one["due"], one["good"], one["p50_ms"], one["p95_ms"], one["p99_ms"]]
            for one in passage["phases"]
        ],
        "sent_and_dropped": [[one["name"], one["moment"], one["sent"], one["drops"]] for one in passage["groups"]],
        "voids": _voids(passage),
    }


def _sweep(path: Path) -> dict[str, Any]:
    block = _read(path)
    return {"grid": path.parent.name, "number": block["number"], "seen": block["seen"], "voids": _voids(block)}


def _voids(one: dict[str, Any]) -> list[str]:
    return [f"{void['check']}: {void['seen']}, allowed {void['limit']}" for void in one.get("voids", [])]


def _row(one: Any) -> str:
    return json.dumps(_rounded(one), ensure_ascii=False)


def _rounded(one: Any) -> Any:
    """Figures to the digits that mean something; counts and clock times as they are."""
    if isinstance(one, dict):
        return {key: _rounded(value) for key, value in one.items()}
    if isinstance(one, list):
        return [_rounded(value) for value in one]
    return float(f"{one:.{DIGITS}g}") if isinstance(one, float) else one


if __name__ == "__main__":
    main(sys.argv[1:])
