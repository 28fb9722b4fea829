"""Whether httpx's time-outs bound the wait, by kind of time-out, and what calls do to their neighbours; JSON lines.

``python -m targets.probes.waits [--tries 10] [--quick]``

The upstream behind Granian speaks HTTP/1.1 and HTTP/2; listeners of the probe's own do what no server does.  Each line
is ``{"case", "outlived", "cases"}`` or, the last ones, ``{"case", "cut_short", "cases"}`` and ``{"case", "lost",
"cases"}``.

- ``outlived`` counts calls that took over ``SLACK_S`` longer than the one time-out of ``LIMIT_S`` that is under test
  (all others are long); such a call is ended from outside.  The twin has no time-out and must outlive it.
- ``cut_short`` counts calls that failed although nothing of theirs had lasted too long.
- A try of these two in which the client's own loop stood still, for more than half the slack and while the call was
  timed, is made again: its time is not httpx's.  Where each of ``AGAIN_MAX`` was like that, the probe gives up.
- ``lost`` counts clients for which a server that is well again stays lost, because calls to it were cut off from
  outside while it was silent: what one does who wants a time-out for calls as a whole, since httpx has none.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from targets.probes import lateness
from targets.probes.upstream_process import upstream
from targets.probes.wait_cases import LOSING, OUTLIVING, SHORTENED, TWIN, Case

FEW = 4
"""Tries of hundreds of calls each."""
AGAIN_MAX = 20
"""Tries that may be made again, each."""


def lines(url: str, tries: int) -> Iterator[dict[str, Any]]:
    """Try each case; the upstream at this address speaks both versions of HTTP."""
    for value, cases in (("outlived", OUTLIVING), ("cut_short", SHORTENED)):
        for case, one in cases.items():
            wrong = sum(asyncio.run(_timed(one, url)) for _ in range(tries))
            yield {"case": case, value: wrong, "cases": tries} | ({"twin": True} if case == TWIN else {})
    few = min(tries, FEW)
    for case, one in LOSING.items():
        wrong = sum(asyncio.run(_once(one, url)) for _ in range(few))
        yield {"case": case, "lost": wrong, "cases": few}


async def _once(case: Case, url: str) -> bool:
    return await case(url)


async def _timed(case: Case, url: str) -> bool:
    """Try, and try again where the loop stood still while the call was timed."""
    for _ in range(AGAIN_MAX):
        with contextlib.suppress(lateness.StoodStillError):
            return await case(url)
    raise RuntimeError(f"the machine is too busy: the client's loop stood still in each of {AGAIN_MAX} tries")


def main(arguments: Sequence[str]) -> None:
    """Print the lines."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--tries", type=int, default=10)
    parser.add_argument("--quick", action="store_true", help="one try of each case")
    chosen = parser.parse_args(arguments)
    with upstream({"UPSTREAM_CAPACITY": "10000", "UPSTREAM_WORK_MS": "0"}, "granian") as url:
        for line in lines(url, 1 if chosen.quick else max(1, chosen.tries)):
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
