"""Whom CORS admits: foreign origins, methods and fields against a list, as JSON lines.

``python -m targets.probes.cors_origins [--drawn 60] [--seed 0] [--quick]``

It needs nothing.  The reference service lists three origins (with credentials), the methods GET and PATCH and two
fields, under each server; the requests are bytes on a socket, since no client library sends them all.  Each line is one
case:

- ``foreign origins`` (``targets/probes/foreign_origins.py``): ``violations`` are the origins that an answer admitted,
  be it to a request, to one that fails, or to a preflight; any Access-Control-Allow-Origin counts.  ``in_preflights``
  are those that a preflight admitted, ``not_varied`` those with an answer that does not say ``Vary: Origin``,
  ``unanswered`` those that the server itself refused.  ``cases`` are origins.
- ``listed origins``: ``turned_away`` are the requests and preflights that a browser would not let pass.
- ``methods``, ``fields``: ``admitted`` are those outside the list for which a browser would send the request.
- ``settings``: ``accepted`` are the lists that no service should start with (``*`` with credentials and the like).

The twins are CORS as it is often got wrong (``broken_cors.py``), and a service without any.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from targets.probes import foreign_origins as foreign
from targets.probes.cors_browser import Answer, Fields, admits, ask, passes, preflight
from targets.probes.hosted import APP, SERVERS, Hosted, hosted
from targets.service.practices.cors import Listed

PATH = "/ping"
FAILING = "/nowhere"
SETTINGS = {
    "SERVICE_CORS__KIND": "listed",
    "SERVICE_CORS__ORIGINS": json.dumps([origin.decode() for origin in foreign.LISTED]),
    "SERVICE_CORS__METHODS": json.dumps([method.decode() for method in foreign.METHODS]),
    "SERVICE_CORS__HEADERS": json.dumps([name.decode() for name in foreign.NAMES]),
    "SERVICE_CORS__CREDENTIALS": "true",
}
BROKEN = {"reflecting": "create_reflecting", "suffix match": "create_suffix", "* with credentials": "create_wildcard"}
LENIENT = "preflights without errors"

UNFIT: tuple[Mapping[str, Any], ...] = (
    {"origins": ["*"], "credentials": True},
    {"origins": ["*", "https://shop.example"]},
    {"origins": ["https://*.example"]},
    {"origins": ["null"]},
    {"origins": ["https://shop.example/"]},
    {"origins": ["https://shop.example:443"]},
    {"origins": ["https://SHOP.example"]},
    {"origins": ["https://shop.example"], "methods": ["*"]},
    {"origins": ["https://shop.example"], "headers": ["*"], "credentials": True},
    {"origins": []},
)


def main(arguments: Sequence[str]) -> None:
    """Print the lines of each server, of the twins, and of the settings."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--drawn", type=int, default=60, help="origins that are drawn, beside those that are known")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="one server, ten drawn origins, two of the twins")
    chosen = parser.parse_args(arguments)
    origins = foreign.foreign(chosen.seed, 10 if chosen.quick else max(0, chosen.drawn))
    for server in SERVERS[:1] if chosen.quick else SERVERS:
        asyncio.run(_observe(server, origins))
    for name, factory in list(BROKEN.items())[: 1 if chosen.quick else None]:
        asyncio.run(_observe_broken(name, factory, origins))
    asyncio.run(_observe_lenient())
    asyncio.run(_observe_off())
    _print("listed", "settings", cases=len(UNFIT), accepted=sum(map(_is_accepted, UNFIT)))


async def _observe(server: str, origins: Sequence[bytes]) -> None:
    async with hosted(SETTINGS, server) as running:
        _print(server, "foreign origins", **await _foreign(running, origins))
        _print(server, "listed origins", **await _turned_away(running))
        _print(server, "methods", **await _methods(running))
        _print(server, "fields", **await _fields(running))


async def _observe_broken(name: str, factory: str, origins: Sequence[bytes]) -> None:
    async with hosted({}, app=f"targets.probes.broken_cors:{factory}") as running:
        _print(name, "foreign origins", **await _foreign(running, origins), twin=True)


async def _observe_lenient() -> None:
    """Let those methods pass that a browser takes for safe, whatever the list says."""
    async with hosted({}, app="targets.probes.broken_cors:create_lenient") as running:
        _print(LENIENT, "methods", **await _methods(running), twin=True)


async def _observe_off() -> None:
    async with hosted({}, app=APP) as running:
        _print("off", "listed origins", **await _turned_away(running), twin=True)


async def _foreign(running: Hosted, origins: Sequence[bytes]) -> dict[str, Any]:
    """Send each origin with a request, with one that fails, and with a preflight."""
    admitted, in_preflights, not_varied, unanswered = [], 0, 0, 0
    for origin in origins:
        fields: Fields = [(b"Origin", origin)]
        plain = [await ask(running.port, "GET", path, fields) for path in (PATH, FAILING)]
        asked = await ask(running.port, "OPTIONS", PATH, preflight(origin, b"GET"))
        seen = [one for one in (*plain, asked) if not _by_the_server(one)]
        if any(_is_marked(one) for one in seen):
            admitted.append(origin)
        in_preflights += _is_marked(asked) and not _by_the_server(asked)
        not_varied += not all(one.varies() for one in seen)
        unanswered += not seen
    names = [origin.decode("latin-1") for origin in admitted[:20]]
    counts = {"violations": len(admitted), "in_preflights": in_preflights, "not_varied": not_varied}
    return {"cases": len(origins), **counts, "unanswered": unanswered, "admitted_origins": names}


async def _turned_away(running: Hosted) -> dict[str, int]:
    """Send what is listed, each origin with each method and all fields."""
    failed = cases = 0
    for origin in foreign.LISTED:
        for path in (PATH, FAILING):
            failed += not admits(await ask(running.port, "GET", path, [(b"Origin", origin)]), origin, credentials=True)
            cases += 1
        for method in foreign.METHODS:
            answer = await ask(running.port, "OPTIONS", PATH, preflight(origin, method, b", ".join(foreign.NAMES)))
            failed += not passes(answer, origin, method, foreign.NAMES, credentials=True)
            cases += 1
    return {"cases": cases, "turned_away": failed}


async def _methods(running: Hosted) -> dict[str, Any]:
    origin, admitted = foreign.LISTED[0], []
    for method in foreign.UNLISTED_METHODS:
        answer = await ask(running.port, "OPTIONS", PATH, preflight(origin, method))
        if passes(answer, origin, method, (), credentials=True):
            admitted.append(method.decode("latin-1"))
    return {"cases": len(foreign.UNLISTED_METHODS), "admitted": len(admitted), "admitted_methods": admitted}


async def _fields(running: Hosted) -> dict[str, Any]:
    origin, admitted = foreign.LISTED[0], 0
    for names in foreign.UNLISTED_NAMES:
        answer = await ask(running.port, "OPTIONS", PATH, preflight(origin, b"GET", names))
        wanted = [name.strip() for name in names.split(b",")]
        admitted += passes(answer, origin, b"GET", wanted, credentials=True)
    return {"cases": len(foreign.UNLISTED_NAMES), "admitted": admitted}


def _is_marked(answer: Answer) -> bool:
    return answer.get(b"access-control-allow-origin") is not None


def _by_the_server(answer: Answer) -> bool:
    """Tell an answer of the server itself, or none, from one of the service, which always has an id."""
    return answer.get(b"x-request-id") is None and not _is_marked(answer)


def _is_accepted(fields: Mapping[str, Any]) -> bool:
    try:
        Listed(**fields)
    except ValidationError:
        return False
    return True


def _print(subject: str, case: str, **fields: object) -> None:
    sys.stdout.write(json.dumps({"subject": subject, "case": case, **fields}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
