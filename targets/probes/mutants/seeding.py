"""A fault in the loaded code: the module's source is altered on its way in, never on the disk."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import CodeType, ModuleType

from targets.probes.mutants.faults import Fault


class UnfitError(Exception):
    """The fault cannot be put in: whatever a suite says then says nothing of it."""


@dataclass(frozen=True, slots=True)
class Slipped:
    """Loads a module from code of our own; no byte code is read or kept."""

    code: CodeType

    def create_module(self, _: ModuleSpec) -> None:
        """Let Python make the module."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the altered source."""
        exec(self.code, module.__dict__)  # noqa: S102  (our own source)


@dataclass(frozen=True, slots=True)
class Finder:
    """Gives the altered module for the fault's name, and leaves all others to Python."""

    fault: Fault

    def find_spec(self, name: str, path: Sequence[str] | None, _: ModuleType | None = None) -> ModuleSpec | None:
        """Give what loads the module."""
        if name != self.fault.module:
            return None
        spec = PathFinder.find_spec(name, path)
        if spec is None or spec.origin is None:
            raise UnfitError(f"there is no module {name}")
        source = altered(Path(spec.origin).read_text(encoding="utf-8"), self.fault)
        loader = Slipped(compile(source, spec.origin, "exec", dont_inherit=True))
        return importlib.util.spec_from_file_location(name, spec.origin, loader=loader)  # type: ignore[arg-type]  # (a loader by its methods)


def altered(source: str, fault: Fault) -> str:
    """Give the source with the slip in it; UnfitError where its place does not stand there once."""
    if source.count(fault.right) != 1:
        raise UnfitError(f"{fault.right!r} stands {source.count(fault.right)} times in {fault.module}")
    return source.replace(fault.right, fault.wrong)


def seed(fault: Fault) -> None:
    """Let this process import the module with the slip in it; UnfitError where it is too late or does not fit.

    Before its package: a package that imports the module itself gets the altered one as well.
    """
    if fault.module in sys.modules:
        raise UnfitError(f"{fault.module} is loaded already")
    sys.meta_path.insert(0, Finder(fault))
    importlib.import_module(fault.module)
