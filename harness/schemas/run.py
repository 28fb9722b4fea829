"""``run.json``: what a session had decided before its first block, and the machine it ran on."""

from __future__ import annotations

from harness.schemas import _parts
from harness.store.run import Run


def build() -> _parts.Schema:
    """Take the schema from the type."""
    return _parts.of_type(Run)
