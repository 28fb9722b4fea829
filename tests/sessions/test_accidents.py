"""Accidents in the middle of a session: what was finished is kept, nothing is left running, and the message helps."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from harness.store.blocks import block_folders
from tests.support import apps, command, runs
from tests.support.waiting import until

WORDS = ("--app", "strange:app", "--path", "/a", "--seconds", "1", "--rate", "150")


def begin(place: Path, *words: str) -> subprocess.Popen[str]:
    """Start a duel whose results go to ``place``."""
    folder = apps.write(place / "app")
    return command.begin(
        *("duel", "uvicorn", "uvicorn", "--app-dir", str(folder), *WORDS, "--results", str(place), *words)
    )


def processes_with(word: str, harness: int) -> list[int]:
    """Processes of a session whose command line holds a word."""
    return [pid for pid in command.labelled(harness) if word.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_with_its_status_and_the_way_on(tmp_path, number, status):
    """A user who interrupts, or whose scheduler ends the job, would lose the run, or leave servers behind."""
    process = begin(tmp_path, "--budget", "20s")
    until(lambda: list((tmp_path / "runs").glob("*/blocks/*")))
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    assert process.returncode == status
    assert "harness resume" in said
    assert not command.labelled(process.pid)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_in_the_pilot_ends_with_its_status_and_one_document(tmp_path, number, status):
    """A script whose job is ended before the first block would read nothing, or another status than later."""
    folder = apps.write(tmp_path / "app")
    words = ("--app-dir", str(folder), "--app", "strange:app", "--path", "/a", "--results", str(tmp_path), "--json")
    process = command.begin("duel", "uvicorn", "uvicorn", *words)
    until(lambda: processes_with("uvicorn", process.pid))
    process.send_signal(number)
    out, said = process.communicate(timeout=30)
    assert process.returncode == status, said
    assert json.loads(out)["error"]["code"] == "interrupted"
    assert not list(tmp_path.glob("runs/*"))
    assert not command.labelled(process.pid)


def test_killed_processes_void_their_blocks_and_the_session_goes_on(tmp_path):
    """A user would get a block in the figures that had lost its generator or one of its servers."""
    process = begin(tmp_path, "--budget", "4s")
    for block, victim in enumerate(("locust", "uvicorn")):
        begun = f"*/blocks/.tmp-{block:04d}-*/stretch-1/load/start.json"
        until(lambda begun=begun: list((tmp_path / "runs").glob(begun)))
        time.sleep(1.2)
        os.kill(processes_with(victim, process.pid)[-1], signal.SIGKILL)
    _, said = process.communicate(timeout=120)
    assert process.returncode in {0, 4}, said
    [run] = (tmp_path / "runs").iterdir()
    blocks = [json.loads((folder / "block.json").read_text()) for folder in block_folders(run)]
    for block, check in zip(blocks, ("load generator", "who answers"), strict=False):
        assert check in {void["check"] for void in block["voids"]}
    assert len(blocks) >= 4
    assert not command.labelled(process.pid)


def test_results_that_cannot_be_written_are_named(tmp_path):
    """A user would wait for a measurement whose results then vanish."""
    occupied = tmp_path / "file"
    occupied.write_text("in the way")
    done = command.run("duel", "uvicorn", "uvicorn", "--rate", "50", "--results", str(occupied / "deeper"))
    assert done.returncode in {2, 3}, done.stderr
    assert "file" in done.stderr
    assert "Traceback" not in done.stderr
    assert not command.labelled(done.pid)


def on_a_small_disk(
    place: Path, kept: Path, words: tuple[str, ...], size: str = "1m"
) -> subprocess.CompletedProcess[str]:
    """Run a command with so much space at ``place``, in a mount name space of its own; ``kept`` gets what it left.

    Without root a user name space stands in for it.
    """
    script = f"mount -t tmpfs -o size={size} tmpfs "
    script += '"$1" && kept="$2" && place="$1" && shift 2 && { "$@" & echo $! >"$kept/pid"; wait $!; code=$?; }'
    script += ' ; cp -r "$place/." "$kept"; exit $code'
    space = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    argv = [*space, "sh", "-c", script, "small-disk", str(place), str(kept), *command.argv(*words)]
    return subprocess.run(argv, cwd=command.ROOT, capture_output=True, text=True, timeout=240, check=False)


def test_a_full_disk_is_said_and_what_was_finished_stays(tmp_path):
    """A user would find a half-written block that looks whole, or a traceback instead of a reason."""
    folder = apps.write(tmp_path / "app")
    small, kept = tmp_path / "small", tmp_path / "kept"
    small.mkdir()
    kept.mkdir()
    words = ("--app-dir", str(folder), "--app", "strange:app", "--path", "/a", "--seconds", "2", "--budget", "20s")
    done = on_a_small_disk(
        small, kept, ("duel", "uvicorn", "uvicorn", *words, "--rate", "1500", "--results", str(small))
    )
    assert done.returncode == 3, done.stderr
    assert "disk" in done.stderr.lower() or "space" in done.stderr.lower()
    assert "Traceback" not in done.stderr
    assert not command.labelled(int((kept / "pid").read_text()))
    [run] = (kept / "runs").iterdir()
    assert block_folders(run), "the disk was full before the first block: nothing was tried"
    for block in block_folders(run):
        assert json.loads((block / "block.json").read_text())["kind"] == "block"


def test_a_disk_too_small_for_the_database_is_said_with_the_mend(tmp_path):
    """A user would get PostgreSQL's panic, or a service that answers 503 for the whole session."""
    small, kept = tmp_path / "small", tmp_path / "kept"
    small.mkdir()
    kept.mkdir()
    stored = "uvicorn,SERVICE_DATA__KIND=postgres"
    words = ("duel", stored, stored, "--path", "/api/v1/orders", "--rows", "1000", "--results", str(small))
    done = on_a_small_disk(small, kept, words, size="8m")
    assert done.returncode == 3, done.stderr
    assert "PostgreSQL cannot make its data folder" in done.stderr
    assert "--results DIR" in done.stderr
    assert "Traceback" not in done.stderr
    assert not command.labelled(int((kept / "pid").read_text()))
    assert not list(kept.glob("runs/*"))


@pytest.mark.parametrize("name", ["run.json", "block.json"])
@pytest.mark.parametrize("words", [("report",), ("resume",)])
def test_a_damaged_run_folder_is_named_and_left_alone(tmp_path, name, words):
    """A user would get a report of what is left, or a traceback, instead of the name of the damaged file."""
    run = runs.duel_run(tmp_path)
    damaged = next(run.rglob(name))
    damaged.write_text('{"schema": 1, "kind": "ru')
    done = command.run(*words, str(run))
    assert done.returncode == 2, done.stderr
    assert name in done.stderr
    assert "Traceback" not in done.stderr
    assert damaged.read_text() == '{"schema": 1, "kind": "ru'
