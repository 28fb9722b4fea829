"""The schema's steps: a document of the previous schema is brought to the present one while it is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harness.errors import UsageError
from harness.model import SCHEMA

Step = Callable[[dict[str, Any]], dict[str, Any]]


def _from_draft(document: dict[str, Any]) -> dict[str, Any]:
    """Read the draft, schema 0: the fields of schema 1 before documents named the harness that wrote them."""
    return {"harness_version": "", **document, "schema": 1}


STEPS: Mapping[int, Step] = MappingProxyType({0: _from_draft})
"""From each readable older schema to the next one; the file itself is never rewritten."""


def to_current(document: dict[str, Any], path: Path) -> dict[str, Any]:
    """Return the document in the present schema.

    Raises UsageError (exit 2) where it is newer than this harness, too old, or has no schema.
    """
    schema = document.get("schema")
    if not isinstance(schema, int) or isinstance(schema, bool):
        raise UsageError(f"{path} is damaged: it does not say its schema.", "Restore it from a copy.")
    if schema > SCHEMA:
        raise UsageError(
            f"{path} was written by a newer harness (schema {schema}; this one reads up to {SCHEMA}).",
            "Install the newer harness to read it.",
        )
    while schema < SCHEMA:
        if schema not in STEPS:
            raise UsageError(
                f"{path} is of schema {schema}, too old for this harness.",
                f"Read it with the harness that wrote it ({document.get('harness_version') or 'unknown'}).",
            )
        document = STEPS[schema](document)
        schema = document["schema"]
    return document
