"""The record of every request, in rows of fixed width: cheap enough to keep them all.

Locust's own statistics round before they store and cost 2.8 µs a request; a row here costs a third of a
microsecond and keeps nanoseconds.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
from pathlib import Path
from typing import Any, BinaryIO

ROW = "<qqqqIIHHBBBB"
"""One row, little-endian; the columns below name its fields."""

COLUMNS = (
    "due_ns",
    "start_ns",
    "end_ns",
    "logical_id",
    "slice",
    "bytes",
    "name_index",
    "status",
    "attempt",
    "error",
    "entry",
    "phase",
)

ERRORS = ("", "refused", "rst", "eof", "timeout", "protocol")
"""Classes of failure by their code in a row; 0 is none."""

NONE, REFUSED, RST, EOF, TIMEOUT, PROTOCOL = range(6)

FLUSH_ROWS = 256
"""Rows are joined and written when so many wait: 12 KiB, some 20 µs into the page cache.  Blocks of 200 KiB
took 0.4 ms, and every request due meanwhile was late by as much."""


class Recorder:
    """Rows of one worker.  Hot loops append packed rows to ``rows`` themselves and call ``flush``."""

    def __init__(self, output: Path, worker: int) -> None:
        self.output = output
        self.worker = worker
        self.pack = struct.Struct(ROW).pack
        self.rows: list[bytes] = []
        self.names: dict[str, int] = {}
        self.written = 0
        output.mkdir(parents=True, exist_ok=True)
        self._file: BinaryIO = (output / f"requests-{worker}.bin").open("wb", buffering=0)

    def name_index(self, name: str) -> int:
        """Give the number of a request's name, a new one where it is unseen."""
        return self.names.setdefault(name, len(self.names))

    def add(
        self,
        due_ns: int,
        start_ns: int,
        end_ns: int,
        logical_id: int,
        slice_index: int,
        size: int,
        name_index: int,
        status: int,
        error: int,
        entry: int,
        phase: int,
    ) -> None:
        """Keep one request; absolute CLOCK_MONOTONIC nanoseconds, -1 for never sent or never answered."""
        self.rows.append(
            self.pack(
                due_ns, start_ns, end_ns, logical_id, slice_index, size, name_index, status, 1, error, entry, phase
            )
        )

    def flush(self) -> None:
        """Write the waiting rows; raises OSError where the disk refuses them."""
        block = b"".join(self.rows)
        self.written += len(self.rows)
        self.rows.clear()
        view = memoryview(block)
        while view:
            view = view[self._file.write(view) :]

    def close(self) -> None:
        """Write what waits and close the file of rows."""
        self.flush()
        self._file.close()


class Live:
    """Four int64 in a shared file, (t_ns, spin_ns, sent, completed), for a meter that looks on."""

    def __init__(self, output: Path, worker: int) -> None:
        self._pack_into = struct.Struct("<qqqq").pack_into
        path = output / f"live-{worker}"
        path.write_bytes(bytes(32))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 32)

    def update(self, t_ns: int, spin_ns: int, sent: int, completed: int) -> None:
        """Show the state at ``t_ns``."""
        self._pack_into(self._map, 0, t_ns, spin_ns, sent, completed)

    def close(self) -> None:
        """Unmap; the file stays with its last values."""
        self._map.close()


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Write a document so that a reader sees all of it or nothing."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_text(json.dumps(document), encoding="utf-8")
    temporary.replace(path)
