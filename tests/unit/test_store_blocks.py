"""Blocks appear whole or not at all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.model import Window
from harness.store import blocks, folder, meters
from tests.support import runs

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run(tmp_path):
    """Return an empty run folder."""
    return folder.create_run(tmp_path, "duel", "x", runs.NOW)


def keep(run, number):
    """Write a block without samples."""
    tmp = blocks.begin_block(run, number, "open slice")
    folder.write_json(tmp / "block.json", runs.block(number, "open", 1.1))
    return blocks.finish_block(tmp)


def test_blocks_are_read_in_the_order_of_their_numbers(run):
    """A user would see blocks of one session shuffled, and past 9999 lost."""
    for number in (10000, 2, 1):
        keep(run, number)
    assert [block.number for block in blocks.read_blocks(run)] == [1, 2, 10000]
    assert blocks.block_folders(run)[0].name == "0001-open-slice"


def test_an_unfinished_block_is_invisible_and_discarded(run):
    """A user who resumes after a crash would count half a block as a measurement."""
    keep(run, 1)
    tmp = blocks.begin_block(run, 2, "open")
    folder.write_json(tmp / "block.json", runs.block(2, "open", 1.1))
    assert len(blocks.read_blocks(run)) == 1
    assert blocks.discard_unfinished(run) == 1
    assert blocks.discard_unfinished(run) == 0
    assert len(blocks.read_blocks(run)) == 1


def test_a_crash_before_the_rename_loses_that_block_only(run):
    """A user whose machine dies would lose more than the block in progress."""
    keep(run, 1)
    tmp = blocks.begin_block(run, 2, "open")
    folder.write_json(tmp / "block.json", runs.block(2, "open", 1.1))
    code = (
        "import os, sys; from pathlib import Path; from harness.store import blocks\n"
        "Path.rename = lambda *_: os._exit(9)\n"
        "blocks.finish_block(Path(sys.argv[1]))\n"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp)], cwd=ROOT, check=False).returncode == 9
    assert [block.number for block in blocks.read_blocks(run)] == [1]
    again = blocks.begin_block(run, 2, "open")
    assert not (again / "block.json").exists()


def test_a_finished_block_is_never_overwritten(run):
    """A user would lose a measurement when a session numbers a block twice."""
    keep(run, 1)
    with pytest.raises(ValueError, match="finished already"):
        blocks.begin_block(run, 1, "other")


def test_a_block_without_its_record_is_not_finished(run):
    """A user would find a folder that looks like a block and cannot be read."""
    with pytest.raises(ValueError, match=r"block\.json"):
        blocks.finish_block(blocks.begin_block(run, 1, "open"))


@pytest.mark.parametrize("text", ["", "{}", '{"schema": 9}'])
def test_a_damaged_block_is_named(run, text):
    """A user could not tell which block to remove."""
    (keep(run, 7) / "block.json").write_text(text)
    with pytest.raises(UsageError, match="0007-open-slice"):
        blocks.read_blocks(run)


def test_a_block_in_a_wrong_folder_is_refused(run):
    """A user who copies folders by hand would count one block twice."""
    final = keep(run, 7)
    final.rename(final.with_name("0008-open-slice"))
    with pytest.raises(UsageError, match="says block 7"):
        blocks.read_blocks(run)


def test_meters_keep_unknown_readings_unknown(tmp_path):
    """A user would see 0 bytes of memory where nothing could be read."""
    path = tmp_path / "meters.parquet"
    meters.write_meters(path, [(2**62 + 1, "arm", "baseline-1", 1, 5, None, None, None, 3, None)])
    frame = meters.read_meters(path)
    assert list(frame.columns) == [
        "t_ns",
        "role",
        "name",
        "pid",
        "cpu_ns",
        "spin_ns",
        "steal_ns",
        "pss_bytes",
        "threads",
        "fds",
    ]
    assert int(frame["t_ns"][0]) == 2**62 + 1
    assert frame["pss_bytes"].isna().all()
    meters.write_meters(path, [])
    assert len(meters.read_meters(path)) == 0
    with pytest.raises(ValueError, match="columns"):
        meters.write_meters(path, [(1, "arm")])
    path.write_bytes(b"no parquet")
    with pytest.raises(UsageError, match=r"meters\.parquet"):
        meters.read_meters(path)


def test_the_looks_at_the_pace_are_kept(tmp_path):
    """A sceptic could not check what was taken off the figures."""
    path = tmp_path / "pace.parquet"
    meters.write_pace(path, [(2**62 + 1, 5000), (2**62 + 2, 8000)])
    frame = meters.read_meters(path)
    assert frame["t_ns"].tolist() == [2**62 + 1, 2**62 + 2]
    assert frame["took_ns"].tolist() == [5000, 8000]


def test_slices_round_trip(tmp_path):
    """A user could not join samples with the slices that they belong to."""
    path = tmp_path / "slices.parquet"
    meters.write_slices(path, [Window("candidate", 2, 5, 10, 20, None, 30)])
    frame = meters.read_slices(path)
    assert frame["slice"].tolist() == [5]
    assert frame["cpu_ns"].isna().all()
