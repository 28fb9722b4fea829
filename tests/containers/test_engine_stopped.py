"""The container engine stops in the middle of a session: the message says the way on, and what was finished stays."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from harness import engine
from harness.store.blocks import block_folders
from tests.support import command, containers, relay

WORDS = ("--runtime", "compose", "--app", containers.TRUTH.module or "", "--path", "/", "--seconds", "1")


def test_an_engine_that_stops_in_mid_session_is_said_with_the_way_on(tmp_path):
    """A user would read the engine's end as the service's, lose the finished blocks, or find servers still running."""
    found = engine.connect()
    # A path of a Unix socket has at most 107 bytes, and pytest's folders are deep.
    with tempfile.TemporaryDirectory() as short, relay.relayed(Path(short) / "engine", found.address) as way:
        words = ("duel", "uvicorn", "uvicorn", *WORDS, "--rate", "100", "--budget", "60s", "--results", str(tmp_path))
        process = command.begin(*words, DOCKER_HOST=f"unix://{short}/engine")
        deadline = time.monotonic() + 120
        while not list(tmp_path.glob("runs/*/blocks/*/block.json")):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        way.cut()
        _, said = process.communicate(timeout=180)
    assert process.returncode == 3, said
    assert "container engine" in said
    assert "harness resume" in said
    assert "Traceback" not in said
    [run] = (tmp_path / "runs").iterdir()
    assert block_folders(run)
    mine = containers.begun(found, process.pid)
    running = [one for one in mine if one.attrs["State"] == "running"]
    for one in mine:
        one.remove(force=True)
    assert running == []
