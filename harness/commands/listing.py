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
        {"name": one.name, "label": one.label, "description": one.description, "path": str(one.path), **_more(one)}
        for one in found
    ]


def _more(entry: catalog.Entry) -> dict[str, Any]:
    """What only a fault has: where it strikes, whether it lasts, and what can be set."""
    if entry.kind != "fault":
        return {}
    from harness.faults import fault  # noqa: PLC0415  (servers and proxies come with it, only here)

    plugin = fault.load(entry)
    return {"on": plugin.on, "lasts": plugin.lasts, "parameters": msgspec.to_builtins(plugin.parameters)}


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
                lines += [f"    {_parameter(*one)}" for one in row.get("parameters", {}).items()]
        if not found[name]:
            lines.append("  none yet")
    return "\n".join(lines)


def _parameter(name: str, what: dict[str, Any]) -> str:
    limits = f"{what['default']:,.12g}, from {what['minimum']:,.12g} to {what['maximum']:,.12g}"
    return f"{name:<16} {what['meaning']} ({limits})"
