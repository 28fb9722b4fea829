"""Connections that PostgreSQL still counts after a server has ended, as JSON lines.

``python -m targets.probes.connections_left [--quick]``

It needs DATABASE_URL (seeded), whose database nobody else may use.  The service runs under each server with USERS users
at work, is told to stop, and has ended; then its connections are counted.

Each line is one end of one server: ``{"subject", "case", "repeat", "cases", "opened", "left", "left_at_once",
"abandoned", "lifespan_skipped", "exit_s", "exit_status"}``.

- ``opened`` connections were there before the signal; ``left_at_once`` at the moment of the exit, ``left`` SETTLE_S
  later.
- ``abandoned`` are those that PostgreSQL saw break off without a farewell (``pg_stat_database.sessions_abandoned``).
- ``lifespan_skipped`` is 1 where the service's last word, written after its pool is closed, did not come.
- Subjects: ``SIGTERM``; ``SIGTERM, hung``: one statement waits for a lock, and the server's limit of LIMIT_S runs out
  (uvicorn
  and gunicorn ``graceful_timeout``, granian ``kill_timeout``); ``SIGKILL`` to the whole group; and ``SIGKILL, hung``,
  the twin: a session that waits for a lock does not notice that its client is gone, so it must be left.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from typing import IO, Any, NamedTuple

import psycopg

from targets.orchestrator.cluster import free_port
from targets.orchestrator.fetching import fetch
from targets.orchestrator.service import service

SERVERS = ("uvicorn", "granian", "gunicorn", "gunicorn_asgi")
LIMIT = {"granian": "kill_timeout"}
"""How a server calls its limit, where it is not ``graceful_timeout``."""
LIMIT_S = 1
START_S = 30.0
EXIT_S = 15.0
SETTLE_S = 0.5
USERS = 4
LOADED_S = 0.5
POOL = 3
PATH = "/api/v1/orders?limit=1"
HUNG = "/api/v1/users/1"
SETTINGS = {
    "SERVICE_DATA__KIND": "postgres",
    "SERVICE_DATA__POOL_SIZE": str(POOL),
    "SERVICE_LOGGING__KIND": "stdlib",
    "SERVICE_ENVIRONMENT": "production",
}
LAST_WORD = b'"event": "stopped"'


class Plan(NamedTuple):
    """One end of one server."""

    server: str
    signal: signal.Signals
    hung: bool

    @property
    def subject(self) -> str:
        """Name what happens."""
        return f"{self.signal.name}, hung" if self.hung else self.signal.name


def main(arguments: Sequence[str]) -> None:
    """Print one line for each end."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="SIGTERM to two servers once, and the twin")
    quick = parser.parse_args(arguments).quick
    url = os.environ["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as watcher:
        for repeat, plan in enumerate(_plans(quick=quick)):
            line = {"subject": plan.subject, "case": plan.server, "repeat": repeat, "cases": 1}
            line |= asyncio.run(_ended(plan, watcher, url))
            twin = {"twin": True} if plan.subject == "SIGKILL, hung" else {}
            sys.stdout.write(json.dumps(line | twin) + "\n")
            sys.stdout.flush()


def _plans(*, quick: bool) -> list[Plan]:
    plain = [Plan(server, signal.SIGTERM, hung=False) for server in SERVERS]
    twin = [Plan("uvicorn", signal.SIGKILL, hung=True)]
    if quick:
        return [*plain[:2], *twin]
    hung = [Plan(server, signal.SIGTERM, hung=True) for server in SERVERS]
    killed = [Plan(server, signal.SIGKILL, hung=False) for server in SERVERS]
    return [*plain, *hung, *plain, *killed, *twin]


async def _ended(plan: Plan, watcher: psycopg.Connection[Any], url: str) -> dict[str, Any]:
    """Start the server, load it, stop it, and count what is left."""
    options = {LIMIT.get(plan.server, "graceful_timeout"): str(LIMIT_S)} if plan.hung else {}
    container, port = service(SETTINGS, plan.server, **options), free_port()
    with tempfile.TemporaryFile() as output:
        argv = [*container.argv(port)]
        process = subprocess.Popen(argv, env=dict(container.environment), stdout=output, start_new_session=True)  # noqa: ASYNC220  (it begins at once)
        try:
            await _until_ready(process, port)
            async with _loaded(port), _hanging(port, url, hung=plan.hung):
                await asyncio.sleep(LOADED_S)
                before = _counted(watcher)
                told_s = time.monotonic()
                (os.killpg if plan.signal == signal.SIGKILL else os.kill)(process.pid, plan.signal)
                await _until_ended(process)
                exit_s = time.monotonic() - told_s
                at_once, _ = _counted(watcher)
                await asyncio.sleep(SETTLE_S)
                left, abandoned = _counted(watcher)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        return {
            "opened": before[0],
            "left": left,
            "left_at_once": at_once,
            "abandoned": abandoned - before[1],
            "lifespan_skipped": int(LAST_WORD not in _read(output)),
            "exit_s": exit_s,
            "exit_status": process.returncode,
        }


def _read(output: IO[bytes]) -> bytes:
    output.seek(0)
    return output.read()


def _counted(watcher: psycopg.Connection[Any]) -> tuple[int, int]:
    """Connections of the service now, and sessions that ever broke off."""
    row = watcher.execute(
        "select (select count(*) from pg_stat_activity where application_name = 'service'"
        " and datname = current_database()),"
        " (select sessions_abandoned from pg_stat_database where datname = current_database())"
    ).fetchone()
    return (0, 0) if row is None else (int(row[0]), int(row[1]))


async def _until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    deadline_s = time.monotonic() + START_S
    while not (await fetch(port, "/health/ready", 2.0)).good:
        if process.poll() is not None or time.monotonic() > deadline_s:
            raise RuntimeError(f"the server did not get ready (status {process.poll()})")
        await asyncio.sleep(0.02)


async def _until_ended(process: subprocess.Popen[bytes]) -> None:
    """Wait for the first process; its workers end before it does, or with it."""
    deadline_s = time.monotonic() + EXIT_S
    while process.poll() is None and time.monotonic() < deadline_s:  # noqa: ASYNC110  (a clock and a process set no event)
        await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def _loaded(port: int) -> AsyncIterator[None]:
    """Let users ask one thing after the other, also while nobody answers any more."""

    async def use() -> None:
        while True:
            answer = await fetch(port, PATH, 5.0)
            await asyncio.sleep(0 if answer.good else 0.02)

    tasks = [asyncio.create_task(use()) for _ in range(USERS)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def _hanging(port: int, url: str, *, hung: bool) -> AsyncIterator[None]:
    """Lock a table that no user reads, and send one request that needs it."""
    if not hung:
        yield
        return
    with psycopg.connect(url) as blocker:
        blocker.execute("lock table users in access exclusive mode")
        task = asyncio.create_task(fetch(port, HUNG, EXIT_S))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            blocker.rollback()


if __name__ == "__main__":
    main(sys.argv[1:])
