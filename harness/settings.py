"""The only reader of ``[tool.harness]``: where the root is, where results go, which plug-ins there are."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from harness.errors import UsageError

RESULTS = "results"
"""Folder below the root where runs go, unless ``results`` or ``--results`` says otherwise."""

GATE_METRICS = ("cpu_us_per_request",)
"""CPU time per request repeats best on shared machines, so it alone decides by default."""

_KNOWN = {"results", "plugins", "gate"}


class Settings(Struct, frozen=True):
    """What ``[tool.harness]`` says, as absolute paths."""

    root: Path
    results: Path
    plugins: tuple[Path, ...] = ()
    """Folders laid out like this project, from anybody's repository."""
    gate_metrics: tuple[str, ...] = GATE_METRICS
    """Metrics that decide a gate; others are shown only."""


def home() -> Path:
    """Folder that holds this copy of ``harness``, ``targets`` and ``scenarios``."""
    return Path(__file__).resolve().parent.parent


def load(start: Path) -> Settings:
    """Read the settings for work begun in the folder ``start``.

    The root is the nearest parent whose pyproject.toml has ``[tool.harness]``, else this copy of
    the project.  A copy without that table is an installed one: its runs go to ``start``, because
    the folder of installed packages is no place for data.

    Raises UsageError for a pyproject.toml that cannot be read or a wrong entry.
    """
    for folder in (start.resolve(), *start.resolve().parents, home()):
        table = _table(folder)
        if table is not None:
            return _settings(folder, table)
    return Settings(root=home(), results=start.resolve() / RESULTS)


def _table(folder: Path) -> Mapping[str, Any] | None:
    path = folder / "pyproject.toml"
    if not path.is_file():
        return None
    try:
        tool = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}", "Mend the file, or work elsewhere.") from error
    if not isinstance(tool, dict) or "harness" not in tool:
        return None
    if not isinstance(tool["harness"], dict):
        raise UsageError(f"{path}: tool.harness is not a table", "Write it as [tool.harness].")
    return tool["harness"]


def _settings(root: Path, table: Mapping[str, Any]) -> Settings:
    where = f"[tool.harness] of {root / 'pyproject.toml'}"
    unknown = sorted(set(table) - _KNOWN)
    if unknown:
        raise UsageError(f"{where} has the unknown entry {unknown[0]!r}", f"Choose from {', '.join(sorted(_KNOWN))}.")
    results = table.get("results", RESULTS)
    if not isinstance(results, str) or not results:
        raise UsageError(f"{where}: results is not a folder", 'Write results = "results".')
    plugins = tuple(root / name for name in _names(table, "plugins", (), where))
    for plugin in plugins:
        if not plugin.is_dir():
            raise UsageError(f"{where}: the plug-in folder {plugin} is not there", "Make it or drop it.")
    gate = table.get("gate", {})
    if not isinstance(gate, dict):
        raise UsageError(f"{where}: gate is not a table", "Write it as [tool.harness.gate].")
    return Settings(
        root=root,
        results=root / results,
        plugins=plugins,
        gate_metrics=_names(gate, "metrics", GATE_METRICS, where),
    )


def _names(table: Mapping[str, Any], key: str, default: tuple[str, ...], where: str) -> tuple[str, ...]:
    names = table.get(key, list(default))
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise UsageError(f"{where}: {key} is not a list of names", f'Write {key} = ["…"].')
    return tuple(names)
