"""Duels with a database behind the arms: the reference service's and a stranger's, and what happens when it dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from harness.store.blocks import block_folders
from tests.support import apps, command

STRANGER = """
import os
import asyncpg
import redis.asyncio

state = {}

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            event = await receive()
            kind = event["type"].removeprefix("lifespan.")
            if kind == "startup":
                state["pool"] = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=1, max_size=2)
                state["cache"] = redis.asyncio.Redis.from_url(os.environ["REDIS_URL"])
            await send({"type": f"lifespan.{kind}.complete"})
            if kind == "shutdown":
                return
    await state["cache"].incr("asked")
    status = 200 if await state["pool"].fetchval("select 1") == 1 else 500
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})
"""

SHORT = ("--seconds", "1", "--budget", "1s", "--rate", "60")
PATIENCE_S = 400.0
"""These sessions share their cores with other tests."""

STORED = "uvicorn,SERVICE_DATA__KIND=postgres"
PAGE = ("--path", "/api/v1/orders?limit=10", "--rows", "10000")


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    """One place for all runs, so that the data are filled once."""
    return tmp_path_factory.mktemp("results")


def test_a_strangers_app_gets_what_it_asks_for(results, tmp_path):
    """A team could measure nothing but the harness's own service behind a database."""
    folder = apps.write(tmp_path, STRANGER)
    words = ("--app", "strange:app", "--app-dir", str(folder), "--behind", "postgres", "--behind", "valkey")
    process = command.begin("duel", "uvicorn", "uvicorn", *words, *SHORT, "--results", str(results))
    command.interrupted(process, lambda: len(list(results.glob("runs/*/blocks/[0-9]*"))) >= 2, PATIENCE_S)
    run = max((results / "runs").iterdir())
    blocks = [json.loads((folder / "block.json").read_text()) for folder in block_folders(run)]
    assert blocks
    assert all(block["errors"] == {} and block["completed"] > 50 for block in blocks)


def test_an_unknown_service_behind_lists_the_choices():
    """A typing slip would start nothing, and the app would fail far away from the cause."""
    done = command.run("duel", "uvicorn", "uvicorn", "--behind", "postgress", "--json")
    assert done.returncode == 2
    assert "postgres" in json.loads(done.stdout)["error"]["mend"]


@pytest.mark.parametrize("rows", ["-1", "100000000"])
def test_impossible_numbers_of_rows_are_refused(rows):
    """A fill of hours would begin, or PostgreSQL's own error would come."""
    done = command.run("duel", STORED, STORED, "--rows", rows, "--json")
    assert done.returncode == 2
    assert "--rows" in json.loads(done.stdout)["error"]["message"]


def test_a_database_url_that_nobody_answers_is_an_exit_of_3_with_the_mend(results, monkeypatch):
    """Every block would be measured against a service that answers 503."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:s3cret@127.0.0.1:1/none")
    done = command.run("duel", STORED, STORED, *PAGE, *SHORT, "--results", str(results), "--json")
    assert done.returncode == 3
    error = json.loads(done.stdout)["error"]
    assert "DATABASE_URL" in error["mend"]
    assert "s3cret" not in done.stdout + done.stderr


def test_the_reference_service_gets_its_database_and_a_death_of_it_voids_one_block(results):
    """A user would have to fill a database before the first question, or read its crash as a slow service."""
    words = ("duel", STORED, STORED, *PAGE, "--seconds", "3", "--budget", "4s", "--rate", "60")
    before = set(results.glob("runs/*"))
    running = command.begin(*words, "--results", str(results), "--json")
    postmaster = _loaded_postmaster(results, before, running)
    os.kill(postmaster, signal.SIGKILL)
    [run] = set(results.glob("runs/*")) - before
    out, _ = command.interrupted(running, lambda: len(block_folders(run)) >= 3, PATIENCE_S)
    first, *later = [json.loads((folder / "block.json").read_text()) for folder in block_folders(run)]
    assert any("PostgreSQL ended" in void["sentence"] for void in first["voids"])
    assert later
    for block in later:  # They have a database again.
        assert not any("PostgreSQL ended" in void["sentence"] for void in block["voids"])
        assert (block["errors"], block["completed"] > 100, block["backend_share"] > 0) == ({}, True, True)
    settings = json.loads((run / "run.json").read_text())["machine"]["postgres"]
    assert settings["server_version"].startswith("18")
    assert {"fsync", "jit", "shared_buffers", "synchronous_commit"} <= set(settings)
    assert json.loads(out)["schema"] == 1
    assert command.labelled(running.pid) == []


def _loaded_postmaster(results: Path, before: set[Path], running: subprocess.Popen[str]) -> int:
    """Wait until the first block's load runs; returns the process of its PostgreSQL."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and running.poll() is None:
        pid_file = results / "data" / "postgres" / "data" / "postmaster.pid"
        fresh = set(results.glob("runs/*")) - before
        if pid_file.exists() and any(list(run.glob("blocks/*/stretch-1/load/start.json")) for run in fresh):
            time.sleep(1.5)
            return int(pid_file.read_text().splitlines()[0])
        time.sleep(0.05)
    raise AssertionError(f"no load began: {running.communicate()[1]}")
