"""What ``--json`` prints when a command fails."""

from __future__ import annotations

from harness.model import SCHEMA
from harness.schemas import _parts
from harness.schemas._parts import TEXT, maybe, record


def build() -> _parts.Schema:
    """Build it: the exit code says how bad it is, ``mend`` what to do."""
    error = {"code": TEXT, "message": TEXT, "mend": maybe(TEXT), "run": maybe(TEXT)}
    return record({"schema": {"const": SCHEMA}, "error": record(error)})
