"""A ledger that outlives SIGKILL: one record of fixed width for each thing that happened to a request.

LEDGER_DIR names the folder; each process appends to ``<LEDGER_DIR>/<pid>.bin``.  A record is one write(2) on a
descriptor opened with O_APPEND: what has returned is in the page cache, which a killed process does not take along.

A record has 32 bytes, little-endian and without padding: ``<qiiiiq`` in the terms of Python's ``struct``.

======  ==========  =====  ==============================================================================
offset  field       type   meaning
======  ==========  =====  ==============================================================================
0       logical_id  int64  X-Logical-Id of the request; −1: the process itself; −2: the request had none
8       attempt     int32  X-Attempt of the request, 1 where there is none; 0 of the process
12      event       int32  1 arrived, 2 answered whole, 3 aborted, 10 start-up, 11 shutdown complete
16      status      int32  of the answer; 0: no answer has begun
20      pid         int32  who wrote it
24      t_ns        int64  CLOCK_MONOTONIC
======  ==========  =====  ==============================================================================

*Answered* is written just before the last piece is handed to the server, *arrived* before the application starts: no
client can have a whole answer without both, however the process ends.  Killed between record and hand-over, a process
leaves an answer that nobody got; so does a server that has lost its client and says nothing.  *Aborted* is written
where the application ended, failed or was cancelled without handing over its last piece, and once more behind
*answered* where handing it over failed.
"""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

VARIABLE = "LEDGER_DIR"

RECORD = "<qiiiiq"

ARRIVED, ANSWERED, ABORTED = 1, 2, 3
STARTED, STOPPED = 10, 11

PROCESS = -1
"""Logical id of what happens to the process and not to a request."""
NOBODY = -2
"""Logical id of a request that brought none."""

_ID_MAX, _ATTEMPT_MAX = 2**63 - 1, 2**31 - 1


class LedgerError(ValueError):
    """A file of the ledger does not end with a whole record: it is not what a process left."""


class Record(NamedTuple):
    """One record; the module says what the fields mean."""

    logical_id: int
    attempt: int
    event: int
    status: int
    pid: int
    t_ns: int


class Ledger:
    """Appends to the file of the process that calls, a forked one included; ``folder`` is made where it is missing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pack = struct.Struct(RECORD).pack
        self._pid = self._fd = -1

    def note(self, event: int, *, logical_id: int = PROCESS, attempt: int = 0, status: int = 0) -> None:
        """Append one record; OSError where the disk does not take all of it."""
        pid = os.getpid()
        if pid != self._pid:
            self._open(pid)
        block = self._pack(logical_id, attempt, event, status, pid, time.monotonic_ns())
        if os.write(self._fd, block) != len(block):
            raise OSError(f"the disk took a part of a record only: {self._folder}/{pid}.bin")

    def _open(self, pid: int) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        # A parent's descriptor stays open in a forked child: it is the parent's file and does no harm.
        self._fd = os.open(self._folder / f"{pid}.bin", os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._pid = pid


def opened(environment: Mapping[str, str]) -> Ledger | None:
    """Give the ledger that LEDGER_DIR names; None where it is unset."""
    folder = environment.get(VARIABLE)
    return Ledger(Path(folder)) if folder else None


def identity(headers: Iterable[tuple[bytes, bytes]]) -> tuple[int, int]:
    """Read logical id and attempt from a request's ASGI headers; what is missing or no number is −2 and 1."""
    logical_id, attempt = NOBODY, 1
    for name, value in headers:
        key = name.lower()
        if key == b"x-logical-id":
            logical_id = _whole(value, _ID_MAX, NOBODY)
        elif key == b"x-attempt":
            attempt = _whole(value, _ATTEMPT_MAX, 1)
    return logical_id, attempt


def _whole(value: bytes, largest: int, otherwise: int) -> int:
    digits = value.strip()
    if not digits.isdigit() or len(digits) > len(str(largest)) or int(digits) > largest:
        return otherwise
    return int(digits)


def read(folder: Path) -> list[Record]:
    """Read what all processes wrote, in the order of time; LedgerError names a file that is cut."""
    size = struct.calcsize(RECORD)
    records: list[Record] = []
    for path in sorted(folder.glob("*.bin")):
        block = path.read_bytes()
        if len(block) % size:
            raise LedgerError(f"{path} holds {len(block)} bytes; records have {size}")
        records += (Record(*fields) for fields in struct.iter_unpack(RECORD, block))
    return sorted(records, key=lambda record: record.t_ns)
