"""Finds servers, serializers, scenarios, faults and claims by the folders in which they lie.

Nothing found is executed here: description and label come from the source through ``ast``.  The one
exception is servers, which import the standard library alone and say how they are started.
"""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from msgspec import Struct

from harness import settings
from harness.errors import UsageError
from harness.model import Target
from harness.target import COMMON_OPTIONS, choose, parse

Kind = Literal["server", "serializer", "scenario", "fault", "claim"]

FOLDERS: Mapping[Kind, str] = {
    "server": "targets/servers",
    "serializer": "targets/serializers",
    "scenario": "scenarios",
    "fault": "harness/faults",
    "claim": "harness/claims",
}

_COMMON = ("fault", "claim")
"""Kinds whose folder also holds the file that defines the noun: ``fault.py``, ``claim.py``."""

_LABELLED = ("serializer",)
"""Kinds whose folder also holds what they share: a file without LABEL is no plug-in."""


class Entry(Struct, frozen=True):
    """One thing that a folder offers: its name is the name of its file."""

    kind: Kind
    name: str
    label: str
    description: str
    path: Path


class Server(Struct, frozen=True):
    """A server that can be started."""

    entry: Entry
    package: str
    """Distribution whose version is recorded."""
    options: Mapping[str, str]
    """Options of the server with what they mean."""
    command: Callable[..., list[str]]

    def argv(
        self, *, python: str, app: str, factory: bool, host: str, port: int, options: Mapping[str, str]
    ) -> list[str]:
        """Arguments that start it; UsageError for an option or value that it does not take."""
        try:
            return self.command(python=python, app=app, factory=factory, host=host, port=port, options=options)
        except ValueError as error:
            raise UsageError(str(error), "See `harness list servers` for its options.") from error


def servers(root: Path, plugins: Sequence[Path] = ()) -> tuple[Entry, ...]:
    """List servers, one per file of ``targets/servers``."""
    return _found("server", root, plugins)


def serializers(root: Path, plugins: Sequence[Path] = ()) -> tuple[Entry, ...]:
    """List serializers of the reference service, one per file of ``targets/serializers``."""
    return _found("serializer", root, plugins)


def scenarios(root: Path, plugins: Sequence[Path] = ()) -> tuple[Entry, ...]:
    """List Locust files, one per file right in ``scenarios``."""
    return _found("scenario", root, plugins)


def faults(root: Path, plugins: Sequence[Path] = ()) -> tuple[Entry, ...]:
    """List faults, one per file of ``harness/faults``."""
    return _found("fault", root, plugins)


def claims(root: Path, plugins: Sequence[Path] = ()) -> tuple[Entry, ...]:
    """List files of claims, one per section of the standard; ``harness.claims`` reads what is in them."""
    return _found("claim", root, plugins)


def find(kind: str, name: str, entries: Iterable[Entry]) -> Entry:
    """Entry called ``name``; UsageError lists the choices, the nearest first."""
    named = {entry.name: entry for entry in entries}
    return named[choose(kind, name, named)]


def server(entry: Entry) -> Server:
    """Load a server's file by its path.

    Raises UsageError if it cannot be loaded or lacks LABEL, PACKAGE, OPTIONS or command().
    """
    spec = importlib.util.spec_from_file_location(f"_harness_server_{entry.name}", entry.path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{entry.path} is no Python file", "Servers are single .py files.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        return Server(entry=entry, package=module.PACKAGE, options=dict(module.OPTIONS), command=module.command)
    except Exception as error:  # The file is a plug-in: whatever it raises is its author's to read.
        raise UsageError(
            f"server {entry.path} cannot be loaded: {type(error).__name__}: {error}",
            "A server imports the standard library only and has LABEL, PACKAGE, OPTIONS, command().",
        ) from error


def server_options(root: Path, plugins: Sequence[Path] = ()) -> dict[str, tuple[str, ...]]:
    """Names of the options of every server, as ``target.parse`` wants them."""
    return {entry.name: tuple(server(entry).options) for entry in servers(root, plugins)}


def _found(kind: Kind, root: Path, plugins: Sequence[Path]) -> tuple[Entry, ...]:
    entries: dict[str, Entry] = {}
    for path in _files(kind, root, plugins):
        entry = _entry(kind, path)
        if entry is None:
            continue
        if entry.name in entries:
            raise UsageError(
                f"two {kind}s are called {entry.name}: {entries[entry.name].path} and {path}",
                "Rename one of the files.",
            )
        entries[entry.name] = entry
    return tuple(sorted(entries.values(), key=lambda entry: entry.name))


def _files(kind: Kind, root: Path, plugins: Sequence[Path]) -> list[Path]:
    files = []
    for base in dict.fromkeys((_base(root), *(plugin.resolve() for plugin in plugins))):
        folder = base / FOLDERS[kind]
        files += [path for path in folder.glob("*.py") if not path.name.startswith("_")]
    return [path for path in files if not (kind in _COMMON and path.stem == kind)]


def _base(root: Path) -> Path:
    """Folder of what ships with the harness: a root that is a copy of the project, else this copy."""
    is_copy = (root / "harness" / "catalog.py").is_file() and (root / FOLDERS["server"]).is_dir()
    return root.resolve() if is_copy else settings.home()


def _entry(kind: Kind, path: Path) -> Entry | None:
    try:
        tree = ast.parse(path.read_bytes(), filename=str(path))
    except (OSError, SyntaxError, ValueError) as error:
        raise UsageError(f"{kind} {path} cannot be read: {error}", "Mend the file or remove it.") from error
    label = _label(tree)
    if kind in _LABELLED and label is None:
        return None
    lines = (ast.get_docstring(tree) or "").splitlines()
    return Entry(
        kind=kind,
        name=path.stem,
        label=label or path.stem,
        description=lines[0] if lines else "",
        path=path,
    )


def _label(tree: ast.Module) -> str | None:
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AnnAssign):
            targets = [node.target]
        for target in targets:
            if isinstance(target, ast.Name) and target.id == "LABEL":
                value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    return value.value
    return None


def target(text: str, root: Path, plugins: Sequence[Path] = (), allow_hosts: Collection[str] = ()) -> Target:
    """A target as people write it, among the servers and serializers that there are.

    Raises UsageError as ``parse``, and for an option's value that its server does not take.
    """
    known = [entry.name for entry in serializers(root, plugins)]
    found = parse(text, servers=server_options(root, plugins), serializers=known, allow_hosts=allow_hosts)
    if found.server is not None:
        its = server(find("server", found.server, servers(root, plugins)))
        its.argv(python="", app="", factory=False, host="", port=0, options=own_options(found))
    return found


def own_options(of: Target) -> dict[str, str]:
    """Options that are the server's, without those that the harness reads itself."""
    return {key: value for key, value in of.options.items() if key not in COMMON_OPTIONS}
