"""Which seeded faults two suites of tests catch, as JSON lines.

``python -m targets.probes.mutants [--quick]`` on DATABASE_URL, whose tables it empties.

- ``{"kind": "sound", "control": true, "subject", "case", "cases", "failed", "how", "seconds"}``: without a fault,
  before all others and after them: a database that goes away would look like a suite that catches everything.
- ``{"kind": "mutant", "subject", "case", "cases", "caught", "how", "seconds"}``: with a fault; caught is 1 where a test
  failed, and how says which.

Each suite runs in a process of its own, in which the fault is in the loaded source and not on the disk.  A fault that
does not fit ends the probe: a suite that could not begin has caught nothing.
"""

from __future__ import annotations

import argparse
import importlib
import json
import multiprocessing
import sys
import time
import traceback
from collections.abc import Sequence
from multiprocessing.queues import SimpleQueue

from targets.probes.mutants.faults import FAULTS
from targets.probes.mutants.seeding import seed

SUITES = ("mocked", "real")
SUITE_S = 30.0
"""A suite takes half a second; one that a fault keeps in a loop is caught, too."""

QUICK = ("a deleted user is still found", "money becomes a float", "nothing is committed")

FAILED = 10
"""Status of a process whose suite failed; any other says that the suite could not begin."""

LIBRARIES = ("asyncpg", "pydantic", "sqlalchemy.dialects.postgresql.asyncpg", "sqlalchemy.ext.asyncio", "starlette")
"""Loaded once, before the processes part; of the service itself nothing is, or a fault would come too late."""


def main(arguments: Sequence[str]) -> None:
    """Run both suites without and with every fault."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="three faults")
    chosen = parser.parse_args(arguments)
    for library in LIBRARIES:
        importlib.import_module(library)
    _print_sound("no fault")
    for fault in QUICK if chosen.quick else FAULTS:
        for suite in SUITES:
            failed, more = _failed(suite, fault)
            _print({"kind": "mutant", "subject": suite, "case": fault, "caught": failed, **more})
    _print_sound("no fault, at the end")


def _print_sound(case: str) -> None:
    for suite in SUITES:
        failed, more = _failed(suite, None)
        sound = {"kind": "sound", "control": True, "subject": suite, "case": case}
        _print({**sound, "failed": failed, **more})


def _print(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps({**line, "cases": 1}) + "\n")
    sys.stdout.flush()


def _one(suite: str, fault: str | None, how: SimpleQueue[str]) -> None:
    """Run a suite in a process of its own and end with its status."""
    if fault is not None:
        seed(FAULTS[fault])
    check = importlib.import_module(f"targets.probes.mutants.{suite}").check
    try:
        check()
    except Exception as error:  # noqa: BLE001  (whatever a test raises has failed it)
        how.put(f"{type(error).__name__} in {_test_of(error, suite)}")
        sys.exit(FAILED)


def _test_of(error: Exception, suite: str) -> str:
    """The innermost function of the suite that the error passed through."""
    frames = traceback.extract_tb(error.__traceback__)
    return next(frame.name for frame in reversed(frames) if frame.filename.endswith(f"{suite}.py"))


def _failed(suite: str, fault: str | None) -> tuple[int, dict[str, object]]:
    """1 where the suite failed, and how, and the seconds that it took; RuntimeError where it could not begin."""
    began, context = time.monotonic(), multiprocessing.get_context("fork")
    how: SimpleQueue[str] = context.SimpleQueue()
    process = context.Process(target=_one, args=(suite, fault, how))
    process.start()
    process.join(SUITE_S)
    if process.exitcode is None:
        process.kill()
        process.join()
        how.put(f"not done after {SUITE_S:.0f} s")
    elif process.exitcode not in {0, FAILED}:
        raise RuntimeError(f"the suite {suite} with the fault {fault!r} ended with status {process.exitcode}")
    told = None if how.empty() else how.get()
    return int(told is not None), {"how": told, "seconds": round(time.monotonic() - began, 3)}


if __name__ == "__main__":
    main(sys.argv[1:])
