"""JSON Schemas (2020-12) of every document that the harness reads or writes: one file per document.

A schema is a module of this folder with ``build() -> dict``; documents that are frozen data take
theirs from the types.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from harness.target import choose


def names() -> tuple[str, ...]:
    """Names of the documents, in order."""
    found = (module.name for module in pkgutil.iter_modules(__path__))
    return tuple(sorted(name for name in found if not name.startswith("_")))


def schema(name: str) -> dict[str, Any]:
    """JSON Schema of the document ``name``; UsageError lists the choices, the nearest first."""
    module = importlib.import_module(f"{__name__}.{choose('schema', name, names())}")
    built: dict[str, Any] = module.build()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": name,
        "description": (module.__doc__ or "").strip().splitlines()[0],
        **built,
    }
