"""Connections that are known to reach so many processes of a service, and what a rate-limited answer says."""

from __future__ import annotations

import contextlib
import http.client
import json
import time
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

ANSWER_S = 30.0
SPREAD_S = 30.0
"""A service answers as soon as its first process does; the others take as long again on a busy machine."""
LOOK_S = 0.002
"""Between connections that found nothing new: idle processes race for each, and one of four may win many in a row."""

PATH = "/api/v1/items/00000000-0000-4000-8000-000000000001"
"""One item of about a kilobyte: what a small answer is in this service."""
CLIENT = "X-Client"


class Answer(NamedTuple):
    """One answer of the service; instants are seconds since 1970, since Reset speaks of them."""

    status: int
    limit: int
    remaining: int
    reset_s: int
    retry_after_s: int | None
    sent_s: float
    end_s: float

    @property
    def admitted(self) -> bool:
        """Whether the limit let it through; RuntimeError for what is neither that nor a refusal."""
        if self.status not in {http.client.OK, http.client.TOO_MANY_REQUESTS}:
            raise RuntimeError(f"an answer with status {self.status}")
        return self.status == http.client.OK


Line = http.client.HTTPConnection
"""A connection stays with the process that accepted it."""


@contextlib.contextmanager
def spread(url: str, processes: int, each: int) -> Iterator[list[Line]]:
    """Open ``each`` connections to each of so many processes, theirs in turn; the service may have more processes.

    RuntimeError where too few processes answer.
    """
    with contextlib.ExitStack() as stack:
        found: dict[int, list[Line]] = {}
        deadline_s = time.monotonic() + SPREAD_S
        while time.monotonic() < deadline_s:
            line = opened(url)
            stack.callback(line.close)
            mine = found.setdefault(_pid(line), [])
            if len(mine) < each and (mine or sum(bool(lines) for lines in found.values()) < processes):
                mine.append(line)
            else:
                line.close()
                time.sleep(LOOK_S)
            full = [lines for lines in found.values() if len(lines) == each]
            if len(full) == processes:
                yield [line for together in zip(*full, strict=True) for line in together]
                return
        counts = sorted(map(len, found.values()))
    raise RuntimeError(f"connections of {SPREAD_S:.0f} s reached too few processes: {counts} of {each} each")


def opened(url: str) -> Line:
    """Give a connection to the service."""
    parts = urlsplit(url)
    return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=ANSWER_S)


def ask(line: Line, client: str) -> Answer:
    """Send one request of this client, and read what the answer says of its limit in the standard's fields."""
    sent_s = time.time()
    line.request("GET", PATH, headers={CLIENT: client})
    answer = line.getresponse()
    answer.read()
    end_s = time.time()
    limit, remaining, reset_s = (int(answer.headers[f"X-RateLimit-{name}"]) for name in ("Limit", "Remaining", "Reset"))
    retry = answer.headers["Retry-After"]
    return Answer(answer.status, limit, remaining, reset_s, None if retry is None else int(retry), sent_s, end_s)


def _pid(line: Line) -> int:
    line.request("GET", "/internal/arm")
    return int(json.loads(line.getresponse().read())["pid"])
