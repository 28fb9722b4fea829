"""A process that writes numbered lines in one of the ways in which services log, until it is killed.

``python -m targets.probes.log_writer WAY FD [COUNT]``

Without COUNT a byte goes to the descriptor FD after every line, unbuffered, once the writing call has returned: what
the program believes to have logged.  With COUNT so many lines are written, and the CPU seconds that they took go to
FD as text.  LINES_MAX ends it where nobody kills it.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence

LINES_MAX = 200_000

FILLING = "GET /api/v1/items status=200 duration_ms=1.234"
"""So that a line is as long as a service's."""

Say = Callable[[str], object]


def main(arguments: Sequence[str]) -> None:
    """Write until killed, or COUNT lines."""
    say, told = WAYS[arguments[0]](), int(arguments[1])
    if len(arguments) > 2:  # noqa: PLR2004  (way, descriptor, count)
        began_s = time.process_time()
        for number in range(int(arguments[2])):
            say(f"line {number:07d} {FILLING}")
        os.write(told, f"{time.process_time() - began_s:.6f}".encode())
        return
    for number in range(LINES_MAX):
        say(f"line {number:07d} {FILLING}")
        os.write(told, b".")


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
