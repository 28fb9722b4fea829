"""``harness list``: what the folders offer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from harness import catalog, settings, target

_KINDS = ("servers", "serializers", "scenarios", "faults", "claims")


def document(kind: str | None) -> dict[str, Any]:
    """All entries by kind; UsageError for an unknown kind, listing the choices."""
    where = settings.load(Path.cwd())
    wanted = _KINDS if kind is None else (target.choose("kind", kind, _KINDS),)
    return {"schema": 1, "kind": "list", **{name: _entries(name, where) for name in wanted}}


def _entries(name: str, where: settings.Settings) -> list[dict[str, Any]]:
    if name == "claims":
        from harness.claims import load_claims  # noqa: PLC0415  (fourteen files, only here)

        return [msgspec.to_builtins(claim) for claim in load_claims()]
    found = getattr(catalog, name)(where.root, where.plugins)
    return [
        {"name": one.name, "label": one.label, "description": one.description, "path": str(one.path)} for one in found
    ]


def text(found: dict[str, Any]) -> str:
    """The list as a person reads it."""
    lines: list[str] = []
    for name in _KINDS:
        if name not in found:
            continue
        lines.append(name)
        for row in found[name]:
            if name == "claims":
                lines.append(f"  {row['number']:>3}  {row['id']:<34} {row['statement']}")
            else:
                lines.append(f"  {row['name']:<16} {row['description']}")
        if not found[name]:
            lines.append("  none yet")
    return "\n".join(lines)
