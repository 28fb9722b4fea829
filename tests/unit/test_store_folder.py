"""The run folder survives crashes, full disks and damaged or newer files with a message that helps."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import CannotMeasure, UsageError
from harness.store import folder
from harness.store.run import Run, hash_plan, read_run, verify_plan_hash, write_run
from tests.support import runs

NOW = datetime(2026, 11, 24, 3, 15, tzinfo=UTC)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
ROOT = Path(__file__).parents[2]


def test_run_names_sort_by_time_and_say_what_they_are(tmp_path):
    """A user would have to open every folder to find yesterday's duel."""
    run = folder.create_run(tmp_path, "duel", "Granian + uvicorn", NOW)
    stem, tag = run.name.rsplit("-", 1)
    assert stem == "20261124T031500Z-duel-granian-uvicorn"
    assert len(tag) == 4
    assert run.parent == tmp_path / "runs"
    assert (run / "blocks").is_dir()
    assert folder.create_run(tmp_path, "duel", "Granian + uvicorn", NOW) != run


def test_results_that_are_a_file_are_a_usage_error(tmp_path):
    """A user who mistypes --results would get a traceback instead of exit code 2."""
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(UsageError, match="not a folder"):
        folder.create_run(file, "duel", "x", NOW)


def test_a_place_that_cannot_be_written_is_found_before_the_load():
    """A user would measure for an hour and then lose everything."""
    with pytest.raises(CannotMeasure) as caught:
        folder.create_run(Path("/proc/nowhere"), "duel", "x", NOW)
    assert caught.value.exit_code == 3
    assert "--results" in caught.value.mend


def test_a_full_disk_is_named_and_leaves_no_half_run(tmp_path):
    """A user with a full disk would see a defect (70) and find an empty run later."""
    code = (
        "import resource, sys; from datetime import datetime, UTC; from pathlib import Path\n"
        "from harness.store import folder; from harness.errors import CannotMeasure\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try: folder.create_run(Path(sys.argv[1]), 'duel', 'x', datetime.now(UTC))\n"
        "except CannotMeasure as error: print(error.message)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert "disk is full" in done.stdout
    assert list((tmp_path / "runs").iterdir()) == []


@given(value=st.dictionaries(st.text(), JSON, max_size=4))
def test_json_round_trip(tmp_path_factory, value):
    """A user would read other values than the ones that were measured."""
    path = tmp_path_factory.mktemp("json") / "thing.json"
    folder.write_json(path, {**value, "schema": 1, "kind": "thing", "harness_version": "9"})
    read = folder.read_json(path, dict[str, Any])
    assert read == {**value, "schema": 1, "kind": "thing", "harness_version": "9"}


def test_every_document_says_schema_kind_and_version(tmp_path):
    """A user's tool could not tell which document it reads, nor which harness wrote it."""
    folder.write_json(tmp_path / "events.json", {"events": []})
    read = folder.read_json(tmp_path / "events.json", dict[str, Any], kind="events")
    assert read["schema"] == 1
    assert read["harness_version"]


@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_a_crash_between_write_and_rename_keeps_the_old_document(tmp_path, moment):
    """A user whose machine dies while run.json is rewritten would lose the whole run."""
    path = tmp_path / "run.json"
    folder.write_json(path, {"kind": "run", "state": "running"})
    before = path.read_bytes()
    code = (
        "import os, sys; from pathlib import Path; from harness.store import folder\n"
        "def die(*_): os._exit(9)\n"
        f"os.fsync = die if {moment!r} == 'fsync' else os.fsync\n"
        f"Path.replace = die if {moment!r} == 'replace' else Path.replace\n"
        "folder.write_json(Path(sys.argv[1]), {'kind': 'run', 'state': 'finished'})\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], cwd=ROOT, check=False)
    assert done.returncode == 9
    assert path.read_bytes() == before
    assert folder.read_json(path, dict[str, Any])["state"] == "running"


def test_a_refused_write_keeps_the_old_document_and_no_litter(tmp_path):
    """A user whose disk fills up would be left with half a document or a heap of temporary files."""
    path = tmp_path / "run.json"
    folder.write_json(path, {"state": "running"})
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from harness.store import folder; from harness.errors import CannotMeasure\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try: folder.write_json(Path(sys.argv[1]), {'text': 'x' * 10000})\n"
        "except CannotMeasure: print('told')\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout == "told\n"
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]
    assert folder.read_json(path, dict[str, Any])["state"] == "running"


def test_a_newer_schema_is_refused_with_a_mend(tmp_path):
    """A user would read a newer run with wrong meanings instead of being told to upgrade."""
    path = tmp_path / "run.json"
    path.write_text('{"schema": 2, "kind": "run"}')
    with pytest.raises(UsageError, match="newer harness") as caught:
        folder.read_json(path, dict[str, Any])
    assert caught.value.exit_code == 2
    assert "Install" in caught.value.mend


def test_the_previous_schema_is_read_and_never_rewritten(tmp_path):
    """A user's older runs would become unreadable, or be changed behind their back."""
    path = tmp_path / "run.json"
    path.write_text('{"schema": 0, "kind": "run", "seed": 3}')
    assert folder.read_json(path, dict[str, Any])["seed"] == 3
    assert path.read_text() == '{"schema": 0, "kind": "run", "seed": 3}'


@pytest.mark.parametrize("text", ["", "{", '{"kind": "run"}', '{"schema": true}', "\x00\x01", '{"schema": -1}'])
def test_damaged_json_names_the_file(tmp_path, text):
    """A user could not find out which of a thousand files is broken."""
    path = tmp_path / "run.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"run\.json"):
        folder.read_json(path, dict[str, Any])


def test_a_document_of_another_kind_or_shape_is_refused(tmp_path):
    """A user who copies a wrong file into a run would get nonsense instead of an error."""
    path = tmp_path / "run.json"
    folder.write_json(path, {"kind": "block"})
    with pytest.raises(UsageError, match="'block'"):
        read_run(tmp_path)
    folder.write_json(path, {"kind": "run", "seed": "seven"})
    with pytest.raises(UsageError, match="damaged"):
        read_run(tmp_path)


def test_open_run_tells_apart_what_is_no_run(tmp_path):
    """A user who names a wrong path would get a traceback instead of exit code 2."""
    file = tmp_path / "file"
    file.touch()
    for path in (tmp_path / "nothing", file, tmp_path):
        with pytest.raises(UsageError):
            folder.open_run(path)
    (tmp_path / "run.json").touch()
    assert folder.open_run(tmp_path) == tmp_path.resolve()


def test_a_changed_plan_is_caught(tmp_path):
    """A sceptic could not trust that the thresholds were fixed before the data were seen."""
    plan = runs.plan()
    record = Run(plan=plan, plan_hash=hash_plan(plan), seed=7, argv=("harness",), machine={}, started_utc="x")
    write_run(tmp_path, record)
    again = read_run(tmp_path)
    verify_plan_hash(again)
    assert again.plan == plan
    with pytest.raises(UsageError, match="registered"):
        verify_plan_hash(msgspec.structs.replace(again, plan=msgspec.structs.replace(plan, margin=0.5)))


def test_a_plan_of_an_older_version_keeps_its_hash():
    """A run that was begun before an upgrade could not go on after it."""
    # Taken from this plan by the version before there were courses of faults.
    assert hash_plan(runs.plan()) == "bc1f1e80a843a2975ef1ac13453aeb153e16d5e54c2cb98c0ea982ca94738a94"
