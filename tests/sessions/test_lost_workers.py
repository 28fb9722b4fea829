"""A worker or the master of the generator dies in the middle of a session."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pyarrow.parquet as pq

from harness.store.blocks import block_folders
from tests.support import apps, command


def processes_of(harness: int, variable: str = "") -> list[int]:
    """Processes of the session that this harness has begun, with a variable in their environment."""
    found = []
    for pid in command.labelled(harness):
        try:
            variables = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
        except OSError:
            continue
        if not variable or variable in variables:
            found.append(pid)
    return found


def test_a_lost_worker_or_master_voids_its_block_by_name_and_the_session_goes_on(tmp_path):
    """A user would get a block that lacks a third of its load, or a session that hangs with its master."""
    folder = apps.write(tmp_path / "app")
    words = ("duel", "uvicorn", "uvicorn", "--app-dir", str(folder), "--app", "strange:app", "--path", "/a")
    more = ("--seconds", "1", "--rate", "60", "--budget", "1s", "--load-workers", "2", "--results", str(tmp_path))
    process = command.begin(*words, *more)
    for block, victim in enumerate((2, 0)):
        deadline = time.monotonic() + 120
        pattern = f"*/blocks/.tmp-{block:04d}-*/stretch-1/load/start.json"
        while not list((tmp_path / "runs").glob(pattern)):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        [pid] = processes_of(process.pid, f"LOAD_WORKER={victim}")
        os.kill(pid, signal.SIGKILL)
    [run] = (tmp_path / "runs").iterdir()
    command.interrupted(process, lambda: len(block_folders(run)) >= 4)
    blocks = [json.loads((folder / "block.json").read_text()) for folder in block_folders(run)]
    reasons = [" ".join(void["sentence"] for void in block["voids"]) for block in blocks]
    assert "Worker 2 of Locust was ended by SIGKILL" in reasons[0]
    assert "Locust's master was ended by SIGKILL" in reasons[1]
    assert len(blocks) >= 4
    assert all("SIGKILL" not in reason for reason in reasons[2:])
    for folder, block in zip(block_folders(run)[2:], blocks[2:], strict=True):
        table = pq.read_table(folder / "requests.parquet", columns=["phase", "worker", "logical_id"]).to_pandas()
        measured = table[table["phase"] == "measure"]
        assert set(measured["worker"]) == {1, 2}
        assert len(measured) == block["due"] == measured["logical_id"].nunique()
    assert not processes_of(process.pid)
