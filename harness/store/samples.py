"""Requests: from the generator's raw arrays to ``requests.parquet``, and from there to latencies.

Everything streams in row groups, so that ten million samples stay far below a gibibyte.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import Struct

from harness.store.blocks import REQUESTS_FILE
from harness.store.folder import damaged, os_errors_explained

Array = npt.NDArray[Any]

ROW_FORMAT = "<qqqqIIHHBBBB"
"""One request as the generator writes it, in the terms of Python's ``struct``."""
ROW = np.dtype(
    [
        ("due_ns", "<i8"),
        ("start_ns", "<i8"),
        ("end_ns", "<i8"),
        ("logical_id", "<i8"),
        ("slice", "<u4"),
        ("bytes", "<u4"),
        ("name_index", "<u2"),
        ("status", "<u2"),
        ("attempt", "u1"),
        ("error", "u1"),
        ("entry", "u1"),
        ("phase", "u1"),
    ]
)
ERRORS = ("refused", "rst", "eof", "timeout", "protocol")
"""Names of the error codes 1 to 5; code 0 is no error and becomes null."""
PHASES = ("warmup", "measure")
NEVER = -1
"""The generator's mark for a time that never came: not sent, or not ended."""

_ROWS_PER_GROUP = 1 << 20
"""48 MB raw: small beside the memory limit, large enough for Parquet to compress well."""
_TIMES = ("due_ns", "start_ns", "end_ns", "logical_id")
_WORDS = ("arm", "phase", "name", "error")
_SCHEMA = pa.schema(
    [
        ("worker", pa.int16()),
        ("arm", pa.dictionary(pa.int32(), pa.string())),
        ("instance", pa.int16()),
        ("slice", pa.int32()),
        ("phase", pa.dictionary(pa.int32(), pa.string())),
        ("name", pa.dictionary(pa.int32(), pa.string())),
        ("due_ns", pa.int64()),
        ("start_ns", pa.int64()),
        ("end_ns", pa.int64()),
        ("status", pa.int16()),
        ("error", pa.dictionary(pa.int32(), pa.string())),
        ("bytes", pa.int64()),
        ("logical_id", pa.int64()),
        ("attempt", pa.int16()),
    ]
)


class DamagedSamples(ValueError):
    """What the generator left is incomplete or contradicts itself: the block is void."""


class Entry(Struct, frozen=True):
    """One server process that was loaded: the arm's name, which of its processes, and its address."""

    name: str
    instance: int
    url: str = ""


class Done(Struct, frozen=True):
    """What one worker says about itself at its end (``done-k.json``)."""

    rows: int
    names: tuple[str, ...]
    arms: tuple[Entry, ...]
    due: int
    sent: int
    completed: int
    unsent: int = 0
    idle_spin_ns: int = 0
    work_ns: int = 0
    wall_ns: int = 0
    workers: int = 0
    """How many the trial has; 0 where the document does not say."""
    clock_offset_ns: int = 0
    """The master's clock less this worker's: added to every time of its rows."""
    row: Any = None
    columns: Any = None
    slices: Any = None


def read_done(load: Path) -> dict[int, Done]:
    """Read the ``done-k.json`` of every worker that left one, by the worker's number.

    Raises DamagedSamples if there is none, if one cannot be read, or if a worker of the trial left none.
    """
    found = {_worker(path): path for path in load.glob("done-*.json")}
    done = {worker: _read_done(found[worker]) for worker in sorted(found)}
    began = {_worker(path) for path in load.glob("requests-*.bin")}
    planned = range(1, max((one.workers for one in done.values()), default=0) + 1)
    missing = sorted({*began, *planned} - set(found))
    if missing or not found:
        who = ", ".join(map(str, missing)) or "any"
        raise DamagedSamples(f"The load generator left no done file of worker {who} in {load}.")
    return done


def load_rows(load: Path) -> Array:
    """Return the raw rows (:data:`ROW`) of all workers, worker after worker.

    Raises DamagedSamples if a file is missing, cut short, or holds codes outside its own tables.
    """
    parts = [
        rows for worker, done in read_done(load).items() for rows in _chunks(load / f"requests-{worker}.bin", done)
    ]
    return np.concatenate(parts) if parts else np.empty(0, dtype=ROW)


def write_parquet(loads: Sequence[Path], parquet: Path) -> int:
    """Turn the raw arrays of one or several loads into one Parquet file; return the number of rows.

    Slices of a later load are numbered on from those of the load before, so that they stay distinct.
    Raises DamagedSamples as :func:`load_rows` does, and CannotMeasure if the disk refuses.
    """
    written, offset = 0, 0
    with os_errors_explained(parquet), _writer(parquet) as writer:
        for load in loads:
            last = -1
            for worker, done in read_done(load).items():
                last = max(last, _last_slice(done))
                for rows in _chunks(load / f"requests-{worker}.bin", done):
                    last = max(last, int(rows["slice"].max()))
                    writer.write_table(_table(rows, worker, done, offset))
                    written += len(rows)
            offset += last + 1
    return written


def latencies_ns(
    block_dirs: Iterable[Path], arm: str, model: Literal["open", "closed"], phase: str = "measure"
) -> npt.NDArray[np.int64]:
    """Return the latencies of one arm over several blocks, in nanoseconds and in no special order.

    Open model: from the due time; closed model: from the start.  An answered request counts, whatever
    its status, and so does one that timed out (its wait is a lower bound, and leaving it out would
    flatter the arm).  Refused, reset and broken connections are counted as errors, not as latencies.
    Raises UsageError naming the file if it is missing or damaged.
    """
    since = "due_ns" if model == "open" else "start_ns"
    columns = ["arm", "phase", "error", since, "end_ns"]
    parts = [
        _latencies(group, arm, phase, since)
        for folder in block_dirs
        for group in row_groups(folder / REQUESTS_FILE, columns)
    ]
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)


def row_groups(path: Path, columns: list[str] | None = None) -> Iterator[pa.Table]:
    """Yield a Parquet file's row groups with only ``columns``; raises UsageError naming a damaged file."""
    try:
        with pq.ParquetFile(path) as file:
            for number in range(file.num_row_groups):
                yield file.read_row_group(number, columns=columns, use_threads=False)
    except (OSError, pa.ArrowException) as error:
        raise damaged(path, str(error).splitlines()[0]) from error


def _latencies(group: pa.Table, arm: str, phase: str, since: str) -> npt.NDArray[np.int64]:
    end = _column(group, "end_ns")
    begin = _column(group, since)
    error = _column(group, "error")
    keep = _mask(_column(group, "arm"), arm) & _mask(_column(group, "phase"), phase)
    keep &= np.asarray(end.is_valid()) & np.asarray(begin.is_valid())
    keep &= np.asarray(error.is_null()) | _mask(error, "timeout")
    return np.asarray(_numbers(end)[keep] - _numbers(begin)[keep], dtype=np.int64)


def _column(group: pa.Table, name: str) -> Any:
    """Return one column of a row group as a single Arrow array (a group has one chunk, an empty one none)."""
    return group.column(name).combine_chunks()


def _mask(words: Any, word: str) -> npt.NDArray[np.bool_]:
    """Compare a dictionary column with one word by its codes: no string is built for a row."""
    if isinstance(words, pa.ChunkedArray):
        words = words.combine_chunks()
    places = words.dictionary.to_pylist()
    if word not in places:
        return np.zeros(len(words), dtype=np.bool_)
    codes = words.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return np.asarray(codes == places.index(word), dtype=np.bool_)


def _numbers(values: Any) -> Array:
    return np.asarray(values.fill_null(NEVER).to_numpy(zero_copy_only=False))


def _worker(path: Path) -> int:
    match = re.search(r"-(\d+)\.", path.name)
    if match is None:
        raise DamagedSamples(f"{path} does not name its worker.")
    return int(match.group(1))


def _last_slice(done: Done) -> int:
    """Return the largest slice number of the worker's plan: its last slice may have no rows."""
    slices = done.slices if isinstance(done.slices, list) else []
    return max((int(piece["index"]) for piece in slices if isinstance(piece, dict) and "index" in piece), default=-1)


def _read_done(path: Path) -> Done:
    try:
        done = msgspec.json.decode(path.read_bytes(), type=Done)
    except (msgspec.DecodeError, UnicodeDecodeError, OSError) as error:
        raise DamagedSamples(f"{path} cannot be read: {error}.") from error
    if done.row not in (None, ROW.itemsize, ROW_FORMAT):
        raise DamagedSamples(f"{path} describes rows of {done.row!r}; this harness reads {ROW_FORMAT!r}.")
    return done


def _chunks(path: Path, done: Done) -> Iterator[Array]:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise DamagedSamples(f"{path} is missing.") from error
    if size != done.rows * ROW.itemsize:
        raise DamagedSamples(f"{path} holds {size} bytes; {done.rows} rows are {done.rows * ROW.itemsize}.")
    with path.open("rb") as file:
        for first in range(0, done.rows, _ROWS_PER_GROUP):
            rows = np.fromfile(file, dtype=ROW, count=min(_ROWS_PER_GROUP, done.rows - first))
            _check_codes(rows, done, path)
            _to_masters_clock(rows, done.clock_offset_ns)
            yield rows


def _to_masters_clock(rows: Array, offset_ns: int) -> None:
    """Bring a worker's times to the clock of the trial; what never happened keeps its mark."""
    if offset_ns:
        for column in ("due_ns", "start_ns", "end_ns"):
            rows[column][rows[column] != NEVER] += offset_ns


def _check_codes(rows: Array, done: Done, path: Path) -> None:
    limits = {
        "entry": len(done.arms),
        "name_index": len(done.names),
        "error": len(ERRORS) + 1,
        "phase": len(PHASES),
    }
    for column, limit in limits.items():
        largest = int(rows[column].max())
        if largest >= limit:
            raise DamagedSamples(f"{path} holds {column} {largest}; its table has {limit} entries.")


def _writer(parquet: Path) -> Any:
    # Times of neighbouring requests are close: their differences are small, and a dictionary of
    # unique times would only cost space.
    encodings = dict.fromkeys(_TIMES, "DELTA_BINARY_PACKED")
    return pq.ParquetWriter(
        parquet, _SCHEMA, compression="zstd", use_dictionary=list(_WORDS), column_encoding=encodings
    )


def _table(rows: Array, worker: int, done: Done, slice_offset: int) -> pa.Table:
    entries = rows["entry"]
    arm_names = list(dict.fromkeys(entry.name for entry in done.arms))
    arm_codes = np.array([arm_names.index(entry.name) for entry in done.arms], dtype=np.int32)
    instances = np.array([entry.instance for entry in done.arms], dtype=np.int16)
    error = rows["error"].astype(np.int32) - 1
    columns = {
        "worker": pa.array(np.full(len(rows), worker, dtype=np.int16)),
        "arm": _words(arm_codes[entries], arm_names),
        "instance": pa.array(instances[entries]),
        "slice": pa.array(rows["slice"].astype(np.int32) + np.int32(slice_offset)),
        "phase": _words(rows["phase"].astype(np.int32), list(PHASES)),
        "name": _words(rows["name_index"].astype(np.int32), list(done.names)),
        "due_ns": pa.array(np.ascontiguousarray(rows["due_ns"])),
        "start_ns": _nullable(rows["start_ns"], NEVER),
        "end_ns": _nullable(rows["end_ns"], NEVER),
        "status": _nullable(rows["status"].astype(np.int16), 0),
        "error": _words(error, list(ERRORS)),
        "bytes": pa.array(rows["bytes"].astype(np.int64)),
        "logical_id": pa.array(np.ascontiguousarray(rows["logical_id"])),
        "attempt": pa.array(rows["attempt"].astype(np.int16)),
    }
    return pa.table([columns[field.name] for field in _SCHEMA], schema=_SCHEMA)


def _nullable(values: Array, missing: int) -> Any:
    return pa.array(np.ascontiguousarray(values), mask=np.asarray(values == missing))


def _words(codes: Array, words: list[str]) -> Any:
    """Return a dictionary column; a negative code is null."""
    indices = pa.array(np.ascontiguousarray(codes), mask=np.asarray(codes < 0))
    return pa.DictionaryArray.from_arrays(indices, pa.array(words, type=pa.string()))
