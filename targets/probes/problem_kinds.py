"""Whether every error is a problem document, kind by kind, alone, under load and under faults, as JSON lines.

``python -m targets.probes.problem_kinds [--each 3] [--seed 0] [--quick]``

It needs DATABASE_URL (seeded).  Under each server the reference service is brought to the errors of
``targets/probes/error_kinds.py`` in the circumstances of ``error_stage.py``.  Each line is one kind in one
circumstance: ``{"subject", "case", "circumstance", "cases", "asked", "not_problem", "unexpected", "statuses",
"faults"}``.

- ``not_problem`` is 1 where an answer was no problem (type, title, status, detail, instance and trace_id, as
  ``application/problem+json``), or none came; ``faults`` say what was wrong.
- ``unexpected`` counts the answers with another status than the one that was to be provoked; where none was an error
  ``cases`` is 0.
- Subject ``<server>, by itself``: what the server answers before the service sees a request.  ``cases`` is 0 where it
  closed the connection without a word (``closed`` is 1 then), or let the service answer.
- The twin is the same service with the handlers that FastAPI ships.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from itertools import groupby

import httpx

from targets.probes.error_kinds import ALWAYS
from targets.probes.error_stage import ACTS, Got, Stage, lone_client, sent, staged, statuses
from targets.probes.hosted import SERVERS, hosted
from targets.probes.problem_document import fault_of
from targets.probes.refused_requests import REQUESTS, exchanged

TWIN_APP = "targets.probes.failing_service:create_bare"
TWIN_SETTINGS = {"SERVICE_LOGGING__KIND": "off"}


def main(arguments: Sequence[str]) -> None:
    """Print the lines of each server, and of the twin."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--each", type=int, default=3, help="requests for each kind and circumstance")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="one server, and two requests of each")
    chosen = parser.parse_args(arguments)
    each, servers = (2, SERVERS[:1]) if chosen.quick else (max(1, chosen.each), SERVERS)
    for server in servers:
        asyncio.run(_observe(server, each, chosen.seed))
    asyncio.run(_observe_twin())


async def _observe(server: str, each: int, seed: int) -> None:
    async with staged(server, seed) as stage:
        for act in ACTS[:-1]:
            await act(stage, each)
        await _print_refused(server, stage)
        await ACTS[-1](stage, each)
        for line in told(stage.got):
            _print({"subject": server, **line})


async def _print_refused(server: str, stage: Stage) -> None:
    """Send what the server itself should refuse."""
    for name, request in REQUESTS.items():
        found = await exchanged(stage.running.port, request.sent)
        refused = found.status >= httpx.codes.BAD_REQUEST and b'"trace_id"' not in found.body
        fault = fault_of(found.status, found.media_type, found.body, request.path) if refused else ""
        line = {"subject": f"{server}, by itself", "case": name, "cases": int(refused), "status": found.status}
        _print(
            {**line, "closed": int(not found.status), "not_problem": int(bool(fault)), "faults": [fault] * bool(fault)}
        )


async def _observe_twin() -> None:
    """Ask the framework as it comes for what needs no dependency."""
    async with hosted(TWIN_SETTINGS, app=TWIN_APP) as running, lone_client() as client:
        got = [await sent(client, running.url, kind, "alone") for kind in ALWAYS]
    lines = told(got)
    caught = sum(bool(line["not_problem"]) for line in lines)
    missed = [line["case"] for line in lines if not line["not_problem"]]
    line = {"subject": "as FastAPI ships", "case": "the framework's own handlers", "cases": len(lines)}
    _print({**line, "not_problem": caught, "problems_all_the_same": missed, "twin": True})


def told(got: Sequence[Got]) -> list[dict[str, object]]:
    """Give one line for each kind and circumstance."""
    lines = []
    for (name, circumstance), group in groupby(sorted(got, key=_where), key=_where):
        answers = list(group)
        errors = [one for one in answers if not one.succeeded]
        faults = sorted({fault for one in errors if (fault := _fault(one))})
        lines.append(
            {
                "case": name,
                "circumstance": circumstance,
                "cases": int(bool(errors)),
                "asked": len(answers),
                "not_problem": int(bool(faults)),
                "unexpected": sum(one.status != one.kind.status for one in answers),
                "statuses": statuses(answers),
                "faults": faults,
            }
        )
    return lines


def _where(one: Got) -> tuple[str, str]:
    return one.kind.name, one.circumstance


def _fault(one: Got) -> str:
    if not one.status:
        return f"no answer ({one.media_type})"
    return fault_of(one.status, one.media_type, one.body, one.kind.bare_path)


def _print(line: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps(dict(line)) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
