"""A process that writes numbered lines in one of the ways in which services log, and then waits.

``python -m targets.probes.log_writer WAY FD COUNT [timed]``

After COUNT lines it writes to the descriptor FD, unbuffered, and waits, as a service waits for its next request, until
it is killed or PATIENCE_S are over.  ``timed``: it writes the CPU seconds that the lines took, as text, and ends.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence

PATIENCE_S = 60.0

FILLING = "GET /api/v1/items status=200 duration_ms=1.234"
"""So that a line is as long as a service's."""

Say = Callable[[str], object]


def main(arguments: Sequence[str]) -> None:
    """Write COUNT lines, tell it, wait."""
    way, told, count, *timed = arguments
    say = WAYS[way]()
    began_s = time.process_time()
    for number in range(int(count)):
        say(f"line {number:07d} {FILLING}")
    os.write(int(told), f"{time.process_time() - began_s:.6f}".encode())
    if not timed:
        time.sleep(PATIENCE_S)


def _print() -> Say:
    return print


def _print_to_stderr() -> Say:
    def say(text: str) -> None:
        print(text, file=sys.stderr)  # noqa: T201  (one of the ways in which people log)

    return say


def _handler() -> Say:
    # As the reference service does; the handler flushes after each record.
    logger = logging.Logger("writer", logging.INFO)  # noqa: LOG001  (outside the tree, whose handlers nobody asked for)
    logger.addHandler(logging.StreamHandler(sys.stdout))
    return logger.info


def _structlog() -> Say:
    import structlog  # noqa: PLC0415  (the other ways do not pay for it)

    logger = structlog.BytesLogger(sys.stdout.buffer)
    return lambda text: logger.msg(text.encode())


WAYS: Mapping[str, Callable[[], Say]] = {
    "print": _print,
    "print to stderr": _print_to_stderr,
    "logging": _handler,
    "structlog": _structlog,
}


if __name__ == "__main__":
    main(sys.argv[1:])
