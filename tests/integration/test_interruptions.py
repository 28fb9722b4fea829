"""A duel that is not let to its end: what was finished is kept, the message says the way on, and nothing is left."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from pathlib import Path

from harness.store.blocks import block_folders
from tests.support import apps, command
from tests.support.waiting import until

WORDS = ("--app", "strange:app", "--path", "/a", "--path", "/b", "--seconds", "1", "--budget", "4s", "--rate", "150")


def test_kill_9_of_the_harness_leaves_nothing_and_resume_goes_on(tmp_path):
    """A user would find servers on the machine after a crash, or lose the blocks that were finished."""
    folder = apps.write(tmp_path / "app")
    words = ("duel", "uvicorn", "uvicorn", "--app-dir", str(folder), *WORDS, "--results", str(tmp_path))
    process = subprocess.Popen(command.argv(*words), cwd=command.ROOT, stderr=subprocess.DEVNULL)
    runs = tmp_path / "runs"
    until(lambda: list(runs.glob("*/blocks/[0-9]*")))
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    until(lambda: not command.labelled(process.pid), 3.0)
    run = next(runs.iterdir())
    kept = len(block_folders(run))
    assert kept >= 1
    done = command.run("resume", str(run))
    assert done.returncode in {0, 4}, done.stderr
    assert len(block_folders(run)) > kept


def test_kill_9_in_the_pilot_leaves_no_temporary_folder(tmp_path):
    """A user who kills the harness now and then would find his disk filling with folders of nobody."""
    folder = apps.write(tmp_path / "app")
    words = ("duel", "uvicorn", "uvicorn", "--app-dir", str(folder), *WORDS[:4], "--results", str(tmp_path))
    process = subprocess.Popen(command.argv(*words), cwd=command.ROOT, stderr=subprocess.DEVNULL)
    try:
        until(lambda: temporary(process.pid))
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    until(lambda: not temporary(process.pid))
    assert not command.labelled(process.pid)


def temporary(harness):
    """Temporary folders of a session that a process has begun."""
    return list(Path(tempfile.gettempdir()).glob(f"harness-{harness}-*"))
