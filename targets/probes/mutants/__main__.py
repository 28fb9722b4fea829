"""Which seeded faults two suites of tests catch, as JSON lines.

``python -m targets.probes.mutants [--quick]`` on DATABASE_URL, whose tables it empties.

- ``{"kind": "sound", "control": true, "subject", "case", "cases", "failed", "seconds"}``: without a fault.
- ``{"kind": "mutant", "subject", "case", "cases", "caught", "seconds"}``: with a fault; caught: a test failed.

Each suite runs in a process of its own, in which the fault is in the loaded source and not on the disk.
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
import time
from collections.abc import Sequence

from targets.probes.mutants.faults import FAULTS, seed

SUITES = ("mocked", "real")
SUITE_S = 60.0
"""A suite takes 1 s; one that a fault keeps in a loop is caught, too."""

QUICK = ("a deleted user is still found", "name and address are exchanged", "nothing is committed")


def main(arguments: Sequence[str]) -> None:
    """Run both suites without and with every fault; or, in a child, one suite with one fault."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="three faults")
    parser.add_argument("--suite", choices=SUITES, help=argparse.SUPPRESS)
    parser.add_argument("--fault", choices=FAULTS, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.suite is not None:
        _one(chosen.suite, chosen.fault)
        return
    for suite in SUITES:
        failed, seconds = _failed(suite, None)
        sound = {"kind": "sound", "control": True, "subject": suite, "case": "no fault"}
        _print({**sound, "failed": failed, "seconds": seconds})
    for fault in QUICK if chosen.quick else FAULTS:
        for suite in SUITES:
            failed, seconds = _failed(suite, fault)
            _print({"kind": "mutant", "subject": suite, "case": fault, "caught": failed, "seconds": seconds})


def _print(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps({**line, "cases": 1}) + "\n")
    sys.stdout.flush()


def _one(suite: str, fault: str | None) -> None:
    if fault is not None:
        seed(fault)
    importlib.import_module(f"targets.probes.mutants.{suite}").check()


def _failed(suite: str, fault: str | None) -> tuple[int, float]:
    """1 where the suite failed, and the seconds that it took, its process included."""
    more = [] if fault is None else ["--fault", fault]
    began = time.monotonic()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "targets.probes.mutants", "--suite", suite, *more],
            capture_output=True,
            timeout=SUITE_S,
            check=False,
        )
        failed = done.returncode != 0
    except subprocess.TimeoutExpired:
        failed = True
    return int(failed), round(time.monotonic() - began, 3)


if __name__ == "__main__":
    main(sys.argv[1:])
