"""``block.json``: one execution of a trial in fresh processes, and whether it counts."""

from __future__ import annotations

from harness.model import Block
from harness.schemas import _parts


def build() -> _parts.Schema:
    """Take the schema from the type."""
    return _parts.of_type(Block)
