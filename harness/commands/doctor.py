"""``harness doctor``: what this machine can measure, and how to mend what it cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from harness import __version__, doctor, settings

_MARKS = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}


def document() -> dict[str, Any]:
    """Every finding, with whether full measurements are possible."""
    findings = doctor.examine(settings.load(Path.cwd()))
    return {
        "schema": 1,
        "kind": "doctor",
        "harness_version": __version__,
        "ok": all(finding.status != "fail" for finding in findings),
        "findings": [msgspec.to_builtins(finding) for finding in findings],
    }


def text(found: dict[str, Any]) -> str:
    """Findings as a person reads them."""
    lines = []
    for row in found["findings"]:
        lines.append(f"{_MARKS[row['status']]}  {row['name']:<16} {row['sees']}")
        if row["mend"]:
            lines.append(f"      {'':<16} → {row['mend']}")
    return "\n".join(lines)
