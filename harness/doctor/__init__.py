"""What this machine can measure and how to mend it: one file per check, found in this folder.

A check is a module with ``check(settings) -> Finding``; it changes nothing and ends within seconds.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from types import ModuleType

from harness.doctor.finding import Finding
from harness.settings import Settings

NOUN = "finding"
"""The module that defines the noun; every other one in this folder is a check."""


def checks() -> Iterator[tuple[str, ModuleType]]:
    """Import the checks in the order of their names."""
    for found in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        if found.name != NOUN and not found.name.startswith("_"):
            yield found.name, importlib.import_module(f"{__name__}.{found.name}")


def examine(settings: Settings) -> tuple[Finding, ...]:
    """Run every check; one that breaks is a finding of its own and hides none of the others."""
    return tuple(run(name, module.check, settings) for name, module in checks())


def run(name: str, check: Callable[[Settings], Finding], settings: Settings) -> Finding:
    """Run one check and turn whatever it raises into a failed finding."""
    try:
        return check(settings)
    except Exception as error:  # noqa: BLE001  (a broken check must not hide the other findings)
        seen = f"the check itself broke: {type(error).__name__}: {error}"
        return Finding(name=name, status="fail", sees=seen, mend="Please report it as a defect.")
