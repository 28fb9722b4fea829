"""How much memory the service takes under load, per server and number of workers, in 256 MB, as JSON lines.

``python -m targets.probes.memory_limit [--repeats 4] [--quick]``

Every start is a new process tree in a control group of LIMIT_MIB, as a container engine limits it; where none can be
made (one line says why), the memory is measured without a limit.  CLIENTS careful clients ask each tree for pages and
for all items at once, REQUESTS times each.  The servers' trees stand side by side: that makes them slow, and takes
nobody's memory.

Lines of kind ``start``: ``{"kind", "subject", "server", "workers", "case", "repeat", "cases": 1, "limited", "peak_mib",
"pss_mib", "charged_mib", "kills", "killed", "answered", "failed"}``.

- ``peak_mib`` is the most memory that the tree had at once, as if it were alone: what is its own by its share (PSS),
  and mapped files, which all of its processes share, once.  PSS by itself would charge a part of those to whatever
  else runs this Python here.  A tree that the kernel killed is started once more without a limit, to be measured.
- ``pss_mib`` is the plain sum of PSS, ``charged_mib`` what the kernel charged to the group, page cache included: the
  kernel gives that back under pressure, so that it says little.
- ``kills`` are processes that the kernel killed for want of memory, ``killed`` is 1 where there are any.

Lines of kind ``servers``: ``{"kind", "workers", "case", "survived"}``, 1 where none of a server's starts was killed.
The line of kind ``twin`` is a start in TWIN_MIB, in which Python alone does not fit: it must be killed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import itertools
import json
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from targets.orchestrator.cluster import free_port
from targets.orchestrator.fetching import fetch
from targets.probes.memory_group import Group, impossible, limited
from targets.probes.started import REFERENCE, SERVERS, command, environment, first_answer_s, group, started

LIMIT_MIB = 256
TWIN_MIB = 32
MIB = 1 << 20

WORKERS = (1, 2, 4)
PATHS = ("/api/v1/items?limit=50", "/api/v1/items?limit=200", "/api/v1/items/export")
CLIENTS = 8
REQUESTS = 24
"""Of each client; the service has seen every path often by then, and its memory no longer grows."""
TIMEOUT_S = 30.0
READING_S = 0.1
"""A PSS takes the kernel about a millisecond for each process."""


class Memory(NamedTuple):
    """What a process tree has."""

    alone_bytes: int
    pss_bytes: int


def main(arguments: Sequence[str]) -> None:
    """Print a line for each start, then what they come to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--repeats", type=int, default=4)
    parser.add_argument("--quick", action="store_true", help="one start of two servers with one worker and with two")
    chosen = parser.parse_args(arguments)
    servers, workers, repeats = (SERVERS[:2], (1, 2), 1) if chosen.quick else (SERVERS, WORKERS, chosen.repeats)
    why = impossible()
    lines = []
    with ThreadPoolExecutor(len(servers)) as pool:
        for repeat, count in itertools.product(range(repeats), workers):
            found = pool.map(functools.partial(_start, count, repeat, why is None), servers)
            lines += [_say(line) for line in found]
    if why is not None:
        _say({"kind": "servers", "untested": why})
        _say({"kind": "start", "limited": 1, "untested": why})
        return
    for count in workers:
        for server in servers:
            killed = sum(line["killed"] for line in lines if (line["server"], line["workers"]) == (server, count))
            _say({"kind": "servers", "workers": count, "case": server, "survived": int(not killed)})
    _say(_twin())


def _say(line: dict[str, Any]) -> dict[str, Any]:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
    return line


def _start(workers: int, repeat: int, limit: bool, server: str) -> dict[str, Any]:  # noqa: FBT001  (the fact decides)
    line = {
        "kind": "start",
        "subject": f"{server}, {workers} worker{'s' if workers > 1 else ''}",
        "server": server,
        "workers": workers,
        "case": f"{server} {repeat + 1}",
        "repeat": repeat,
        "cases": 1,
        "limited": int(limit),
    }
    if not limit:
        return line | _measured(server, workers, None) | {"charged_mib": None, "kills": None, "killed": 0}
    with limited(f"{server}-{workers}-{repeat}", LIMIT_MIB * MIB) as box:
        seen = _measured(server, workers, box)
        kills, charged = box.kills(), box.peak_bytes()
    if kills:
        seen |= {key: value for key, value in _measured(server, workers, None).items() if key.endswith("_mib")}
    charged_mib = None if charged is None else charged / MIB
    return line | seen | {"charged_mib": charged_mib, "kills": kills, "killed": int(kills > 0)}


def _twin() -> dict[str, Any]:
    """Start Python with the service where it cannot fit."""
    with limited("twin", TWIN_MIB * MIB) as box:
        argv = box.command(command(SERVERS[0], REFERENCE, port := free_port()))
        with started(argv, environment({})) as process, contextlib.suppress(RuntimeError):
            first_answer_s(process, port, "/health/ready")
        return {"kind": "twin", "twin": True, "case": f"{TWIN_MIB} MiB", "killed": int(box.kills() > 0)}


def _measured(server: str, workers: int, box: Group | None) -> dict[str, Any]:
    """Start a tree, load it and watch its memory; one that is killed while it starts answers nothing."""
    port = free_port()
    argv = command(server, REFERENCE, port, {"workers": str(workers)})
    with started(argv if box is None else box.command(argv), environment({})) as process:
        answers: list[bool] = []
        try:
            first_answer_s(process, port, "/health/ready")
        except RuntimeError:
            if box is None:
                raise
            most = Memory(0, 0)
        else:
            _all_up(process.pid, workers)
            answers, most = asyncio.run(_loaded(port, process.pid))
    return {
        "peak_mib": most.alone_bytes / MIB,
        "pss_mib": most.pss_bytes / MIB,
        "answered": sum(answers),
        "failed": len(answers) - sum(answers),
    }


def _all_up(leader: int, workers: int) -> None:
    """Wait until every worker has imported the service: their memory no longer grows by much."""
    deadline_s = time.monotonic() + TIMEOUT_S
    before, steady = 0, 0
    while time.monotonic() < deadline_s and steady < 3:  # noqa: PLR2004  (three readings alike)
        time.sleep(READING_S * workers)
        now = _memory(leader).alone_bytes
        steady, before = (steady + 1 if now < before * 1.01 else 0), now


async def _loaded(port: int, leader: int) -> tuple[list[bool], Memory]:
    """Send the load and read the memory beside it; the most of each figure."""
    clients = asyncio.gather(*(_client(port, number) for number in range(CLIENTS)))
    alone, pss = [], []
    while not clients.done():
        now = _memory(leader)
        alone.append(now.alone_bytes)
        pss.append(now.pss_bytes)
        await asyncio.sleep(READING_S)
    return [good for answers in await clients for good in answers], Memory(max(alone), max(pss))


async def _client(port: int, number: int) -> list[bool]:
    return [(await fetch(port, PATHS[(number + turn) % len(PATHS)], TIMEOUT_S)).good for turn in range(REQUESTS)]


def _memory(leader: int) -> Memory:
    own = pss = files = 0
    for pid in group(leader):
        rollup = dict(_kilobytes(Path(f"/proc/{pid}/smaps_rollup")))
        own += rollup.get("Pss_Anon", 0) + rollup.get("Pss_Shmem", 0)
        pss += rollup.get("Pss", 0)
        files = max(files, dict(_kilobytes(Path(f"/proc/{pid}/status"))).get("RssFile", 0))
    return Memory((own + files) * 1024, pss * 1024)


def _kilobytes(file: Path) -> Iterator[tuple[str, int]]:
    # Processes end while one looks.
    with contextlib.suppress(OSError):
        for line in file.read_text().splitlines():
            name, _, value = line.partition(":")
            if value.endswith(" kB"):
                yield name, int(value.split()[0])


if __name__ == "__main__":
    main(sys.argv[1:])
