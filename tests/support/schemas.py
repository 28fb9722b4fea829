"""Holds a document to a JSON Schema."""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator


def faults(document: object, schema: dict[str, Any]) -> list[str]:
    """What is wrong with a document, each with its place."""
    found = Draft202012Validator(schema).iter_errors(document)
    return [f"{error.json_path}: {error.message}" for error in found]
