"""Block folders: built under a hidden name, renamed when they are whole.

A crash therefore loses at most the block in progress, and a reader never meets half a block.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from harness.errors import UsageError
from harness.model import Block
from harness.store.folder import BLOCKS_FOLDER, fsync_folder, os_errors_explained, read_json, slugify

BLOCK_FILE = "block.json"
REQUESTS_FILE = "requests.parquet"
METERS_FILE = "meters.parquet"
SLICES_FILE = "slices.parquet"
EVENTS_FILE = "events.json"
LOGS_FOLDER = "logs"

_UNFINISHED = ".tmp-"
_NAME = re.compile(r"^(\d{4,})-")


def begin_block(run: Path, number: int, slug: str) -> Path:
    """Make the hidden folder of block ``number`` (with ``logs/``) and return it.

    What an earlier attempt at the same block left is removed.  Raises CannotMeasure if the disk
    refuses and ValueError if that block is finished already.
    """
    blocks = run / BLOCKS_FOLDER
    if any(_number(folder) == number for folder in block_folders(run)):
        raise ValueError(f"Block {number} of {run} is finished already.")
    with os_errors_explained(blocks):
        blocks.mkdir(exist_ok=True)
        for leftover in blocks.glob(f"{_UNFINISHED}{number:04d}-*"):
            shutil.rmtree(leftover)
        folder = blocks / f"{_UNFINISHED}{number:04d}-{slugify(slug)}"
        (folder / LOGS_FOLDER).mkdir(parents=True)
    return folder


def finish_block(tmp: Path) -> Path:
    """Flush everything in the hidden folder, give it its final name and return that.

    Raises ValueError if it is no unfinished block or lacks ``block.json``, CannotMeasure if the disk refuses.
    """
    if not tmp.name.startswith(_UNFINISHED) or not (tmp / BLOCK_FILE).is_file():
        raise ValueError(f"{tmp} is not an unfinished block with a {BLOCK_FILE}.")
    final = tmp.with_name(tmp.name.removeprefix(_UNFINISHED))
    with os_errors_explained(tmp):
        for file in tmp.rglob("*"):
            _fsync(file)
        fsync_folder(tmp)
        tmp.rename(final)
        fsync_folder(final.parent)
    return final


def block_folders(run: Path) -> list[Path]:
    """Return the finished blocks' folders in the order of their numbers."""
    blocks = run / BLOCKS_FOLDER
    if not blocks.is_dir():
        return []
    folders = [path for path in blocks.iterdir() if _NAME.match(path.name) and path.is_dir()]
    return sorted(folders, key=_number)


def read_block(folder: Path) -> Block:
    """Read one ``block.json``; raises UsageError naming the file if it is damaged."""
    block = read_json(folder / BLOCK_FILE, Block, kind="block")
    if block.number != _number(folder):
        raise UsageError(
            f"{folder / BLOCK_FILE} says block {block.number}; its folder says {_number(folder)}.",
            "Restore the folder from a copy, or remove it and resume the run.",
        )
    return block


def read_blocks(run: Path) -> list[Block]:
    """Read every finished block in the order of :func:`block_folders`; unfinished ones are ignored.

    Raises UsageError naming the file if one is damaged.
    """
    return [read_block(folder) for folder in block_folders(run)]


def discard_unfinished(run: Path) -> int:
    """Remove what a crash left of blocks in progress; return how many."""
    leftovers = list((run / BLOCKS_FOLDER).glob(f"{_UNFINISHED}*"))
    with os_errors_explained(run / BLOCKS_FOLDER):
        for leftover in leftovers:
            shutil.rmtree(leftover)
    return len(leftovers)


def _number(folder: Path) -> int:
    match = _NAME.match(folder.name)
    return int(match.group(1)) if match else -1


def _fsync(path: Path) -> None:
    if path.is_symlink() or not (path.is_file() or path.is_dir()):
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
