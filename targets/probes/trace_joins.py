"""Whether the trace_id of an error leads to its log line, under load and faults, as JSON lines.

``python -m targets.probes.trace_joins [--each 4] [--seed 0] [--quick]``

It needs DATABASE_URL (seeded).  Under each server, in WORKERS processes that write to one file, the reference service
is brought to the errors of ``targets/probes/error_kinds.py``, many at once; then each body is looked up in the log.
Each line is one kind in one circumstance: ``{"subject", "case", "circumstance", "cases", "errors", "unanswered",
"not_joined", "not_explained", "counts"}``.

- ``not_joined`` is 1 where an error's trace_id was not in exactly one line that says how a request ended, with this
  error's status and path.
- ``not_explained`` is 1 where a 5xx's trace_id was not in exactly one line that is at least a warning (502, 503, 504)
  or an error (500); ``counts`` are the errors that were not.
- ``shared`` (of the whole subject, in its line ``log``) are trace_ids that two answers have in common, ``torn`` the
  lines of the log that begin like JSON and are none.
- The twin has correlation switched off: its ids are made up for the body alone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple
from urllib.parse import unquote

from targets.probes.error_stage import Got, Stage, database_silent, dependencies_away, staged, under_load
from targets.probes.hosted import SERVERS

WORKERS = 2
ENDED = "request completed"
FAILED = 500
WILL_PASS = frozenset({502, 503, 504})
TWIN = "correlation off"
TWIN_CHANGES = {"SERVICE_CORRELATION__KIND": "off"}
SETTLE_S = 0.2
"""A line is written before its answer has gone out, or right after."""

ACTS: tuple[Callable[[Stage, int], Awaitable[None]], ...] = (under_load, dependencies_away, database_silent)


class Log(NamedTuple):
    """The lines of a log by trace_id."""

    lines: Mapping[str, Sequence[Mapping[str, Any]]]
    torn: int


def main(arguments: Sequence[str]) -> None:
    """Print the lines of each server, and of the twin."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--each", type=int, default=4, help="errors of each kind in each circumstance")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="one server, and two errors of each")
    chosen = parser.parse_args(arguments)
    each, servers = (2, SERVERS[:1]) if chosen.quick else (max(1, chosen.each), SERVERS)
    for server in servers:
        for line in asyncio.run(_observe(server, each, chosen.seed, ACTS, {})):
            _print({"subject": server, **line})
    whole, *lines = asyncio.run(_observe(SERVERS[0], 1, chosen.seed, ACTS[:2], TWIN_CHANGES))
    sums = {name: sum(line[name] for line in lines) for name in ("cases", "errors", "not_joined", "not_explained")}
    _print({"subject": TWIN, **whole, **sums, "case": "ids made up for the body", "twin": True})


async def _observe(
    server: str,
    each: int,
    seed: int,
    acts: Sequence[Callable[[Stage, int], Awaitable[None]]],
    changes: Mapping[str, str],
) -> list[dict[str, Any]]:
    """Give the line of the whole log, and one for each kind and circumstance."""
    async with staged(server, seed, changes, workers=str(WORKERS)) as stage:
        for act in acts:
            await act(stage, each)
        await asyncio.sleep(SETTLE_S)
        log = read_log(stage.running.written())
    ids = Counter(_document(one).get("trace_id") for one in stage.got if one.status and not one.succeeded)
    shared = sum(count - 1 for count in ids.values())
    whole = {"case": "log", "lines": sum(map(len, log.lines.values())), "torn": log.torn, "shared": shared}
    return [whole, *joined(stage.got, log)]


def read_log(written: bytes) -> Log:
    """Sort the lines that are JSON by their trace_id; what else a server writes is none of ours."""
    lines: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    torn = 0
    for line in written.splitlines():
        if not line.startswith(b"{"):
            continue
        try:
            read = json.loads(line)
        except ValueError:
            torn += 1
        else:
            lines[read.get("trace_id", "")].append(read)
    return Log(lines, torn)


def joined(got: Sequence[Got], log: Log) -> list[dict[str, Any]]:
    """Look every error up, and give one line for each kind and circumstance."""
    lines = []
    for (name, circumstance), group in groupby(sorted(got, key=_where), key=_where):
        every = list(group)
        errors = [one for one in every if one.status and not one.succeeded]
        astray = sum(not _is_joined(one, log) for one in errors)
        unexplained = sum(not _is_explained(one, log) for one in errors)
        lines.append(
            {
                "case": name,
                "circumstance": circumstance,
                "cases": int(bool(errors)),
                "errors": len(errors),
                "unanswered": sum(not one.status for one in every),
                "not_joined": int(astray > 0),
                "not_explained": int(unexplained > 0),
                "counts": {"not_joined": astray, "not_explained": unexplained},
            }
        )
    return lines


def _is_joined(one: Got, log: Log) -> bool:
    wanted = (ENDED, one.status, unquote(one.kind.bare_path))
    found = [(line["event"], line.get("status"), line.get("path")) for line in _of(one, log) if line["event"] == ENDED]
    return found == [wanted]


def _is_explained(one: Got, log: Log) -> bool:
    if one.status < FAILED:
        return True
    least = logging.WARNING if one.status in WILL_PASS else logging.ERROR
    levels = logging.getLevelNamesMapping()
    return sum(levels[line["severity"]] >= least for line in _of(one, log)) == 1


def _of(one: Got, log: Log) -> Sequence[Mapping[str, Any]]:
    return log.lines.get(_document(one).get("trace_id", ""), ())


def _document(one: Got) -> Mapping[str, Any]:
    """Read the body; empty where it is no JSON object."""
    try:
        document = json.loads(one.body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _where(one: Got) -> tuple[str, str]:
    return one.kind.name, one.circumstance


def _print(line: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps(dict(line)) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
