"""``harness selftest``: known truths injected, what was reported, and the error."""

from __future__ import annotations

import datetime
import importlib
import sys
from pathlib import Path
from typing import Any

from harness import __version__, duel, processes, settings, target
from harness.selftest.rig import Bench, Row
from harness.store.folder import create_run, write_json

_FOLDER = Path(__file__).resolve().parent.parent / "selftest"
_SHARED = {"__init__", "rig"}


def names() -> list[str]:
    """Checks that there are: one file each."""
    return sorted(path.stem for path in _FOLDER.glob("*.py") if path.stem not in _SHARED)


def run(results: Path | None, only: tuple[str, ...], turns: int) -> dict[str, Any]:
    """Run the checks (all, or those named) and write the table to a run folder before returning it."""
    where = settings.load(Path.cwd())
    wanted = [target.choose("check", name, names()) for name in only] or names()
    now = datetime.datetime.now(datetime.UTC)
    folder = create_run(results or where.results, "selftest", "truths", now)
    rows: list[Row] = []
    with processes.supervised() as label, duel.rig(where.root, where.plugins, label, 1) as rig:
        for name in wanted:
            sys.stderr.write(f"self-test: {name}\n")
            place = folder / "checks" / name
            place.mkdir(parents=True)
            rows += importlib.import_module(f"harness.selftest.{name}").check(Bench(rig=rig, folder=place, turns=turns))
    document = _document(rows, folder)
    write_json(folder / "verdicts.json", document)
    return document


def _document(rows: list[Row], folder: Path) -> dict[str, Any]:
    return {
        "schema": 1,
        "kind": "selftest",
        "harness_version": __version__,
        "checks": [
            {
                "name": row.name,
                "injected": row.injected,
                "reported": row.reported,
                "unit": row.unit,
                "error": row.error,
                "tolerance": row.tolerance,
                "ok": row.ok,
                "decided": row.decided,
                "low": row.low,
                "high": row.high,
            }
            for row in rows
        ],
        "ok": all(row.ok for row in rows),
        "run": str(folder),
    }


def text(document: dict[str, Any]) -> str:
    """The table of truths."""
    lines = [f"{'truth':<34}{'injected':>12}{'reported':>12}{'error':>12}  unit"]
    for row in document["checks"]:
        reported = "—" if row["reported"] is None else f"{row['reported']:.4g}"
        error = "—" if row["error"] is None else f"{row['error']:+.3g}"
        mark = "ok" if row["ok"] else f"WRONG (allowed ±{row['tolerance']:.3g})"
        if not row["decided"]:
            mark += "; not decided, more --turns would"
        if row["low"] is not None:
            mark += f"; 95 % interval {row['low']:.3g} to {row['high']:.3g}"
        lines.append(f"{row['name']:<34}{row['injected']:>12.4g}{reported:>12}{error:>12}  {row['unit']:<12} {mark}")
    lines.append(f"Kept in {document['run']}")
    return "\n".join(lines)
