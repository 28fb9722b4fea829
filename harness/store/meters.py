"""Meters and slices as Parquet: what processes cost over time, and when which arm was loaded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from harness.model import Window
from harness.store.folder import damaged, os_errors_explained

_METERS = pa.schema(
    [
        ("t_ns", pa.int64()),
        ("role", pa.string()),
        ("name", pa.string()),
        ("pid", pa.int64()),
        ("cpu_ns", pa.int64()),
        ("spin_ns", pa.int64()),
        ("steal_ns", pa.int64()),
        ("pss_bytes", pa.int64()),
        ("threads", pa.int32()),
        ("fds", pa.int32()),
    ]
)
_SLICES = pa.schema(
    [
        ("role", pa.string()),
        ("instance", pa.int32()),
        ("slice", pa.int32()),
        ("start_ns", pa.int64()),
        ("end_ns", pa.int64()),
        ("cpu_ns", pa.int64()),
        ("requests", pa.int64()),
        ("slow", pa.float64()),
        ("backend_ns", pa.int64()),
    ]
)


_PACE = pa.schema([("t_ns", pa.int64()), ("took_ns", pa.int64())])


def write_pace(path: Path, looks: Iterable[tuple[int, int]]) -> None:
    """Write the watcher's looks at the pace of the arms' core as ``pace.parquet``.

    When (CLOCK_MONOTONIC) the fixed work began and how long it took.  Raises CannotMeasure if the disk refuses.
    """
    _write(path, list(looks), _PACE)


def write_meters(path: Path, rows: Iterable[Sequence[Any]]) -> None:
    """Write readings as ``meters.parquet``; each row has the ten columns of the contract, None where unknown.

    ``cpu_ns``, ``spin_ns`` and ``steal_ns`` are cumulative.  Raises CannotMeasure if the disk refuses
    and ValueError if a row has another number of columns.
    """
    _write(path, [tuple(row) for row in rows], _METERS)


def write_slices(path: Path, windows: Iterable[Window]) -> None:
    """Write the slices of every server process as ``slices.parquet``.

    Raises CannotMeasure if the disk refuses.
    """
    _write(path, [msgspec.structs.astuple(window) for window in windows], _SLICES)


def read_meters(path: Path) -> pd.DataFrame:
    """Read ``meters.parquet`` with nullable integers; raises UsageError naming a damaged file."""
    return _read(path)


def read_slices(path: Path) -> pd.DataFrame:
    """Read ``slices.parquet`` with nullable integers; raises UsageError naming a damaged file."""
    return _read(path)


def _write(path: Path, rows: list[tuple[Any, ...]], schema: Any) -> None:
    columns = list(zip(*rows, strict=True)) if rows else [() for _ in schema]
    if len(columns) != len(schema):
        raise ValueError(f"Rows of {path.name} have {len(schema)} columns ({', '.join(schema.names)}).")
    arrays = [pa.array(column, type=field.type) for column, field in zip(columns, schema, strict=True)]
    with os_errors_explained(path):
        pq.write_table(pa.table(arrays, schema=schema), path, compression="zstd")


def _read(path: Path) -> pd.DataFrame:
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise damaged(path, str(error).splitlines()[0]) from error
    # numpy's integers have no missing value: a reading that failed would silently become a float.
    kinds = {pa.int64(): pd.Int64Dtype(), pa.int32(): pd.Int32Dtype()}
    frame: pd.DataFrame = table.to_pandas(types_mapper=kinds.get)
    return frame
