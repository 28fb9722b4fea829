"""The claims of the standard as data: one file per section, found in this folder."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from harness.claims.claim import Claim
from harness.errors import UsageError
from harness.target import nearest

NEAREST = 4
"""Ids that a person reads when his own is unknown; there are ninety."""

NOUN = "claim"
"""The module that defines the noun; every other one in this folder is a section."""


def load_claims(files: Sequence[Path] = ()) -> tuple[Claim, ...]:
    """All claims by number: those of this folder and those of plug-in ``files``.

    Raises UsageError for a file that breaks or has no CLAIMS, and for a number or id given twice.
    """
    claims = [claim for _, found in sections(files) for claim in found]
    seen: dict[int | str, Claim] = {}
    for claim in claims:
        for key in (claim.number, claim.id):
            if key in seen:
                raise UsageError(
                    f"two claims are called {key}: {seen[key].statement!r} and {claim.statement!r}",
                    "Give one of them another number and id.",
                )
            seen[key] = claim
    return tuple(sorted(claims, key=lambda claim: claim.number))


def sections(files: Sequence[Path] = ()) -> tuple[tuple[Path, tuple[Claim, ...]], ...]:
    """Every file of claims with what it holds."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name != NOUN)
    own = [importlib.import_module(f"{__name__}.{name}") for name in names if not name.startswith("_")]
    known = {Path(module.__file__ or "").resolve() for module in own}
    extra = [_load(path) for path in files if path.resolve() not in known]
    return tuple((Path(module.__file__ or ""), _claims(module)) for module in (*own, *extra))


def find(names: Sequence[str], claims: Sequence[Claim] | None = None) -> tuple[Claim, ...]:
    """Claims named by number or id, in that order and each once.

    Raises UsageError for an unknown name; it lists the choices, the nearest first.
    """
    every = load_claims() if claims is None else claims
    named = {str(claim.number): claim for claim in every} | {claim.id: claim for claim in every}
    chosen: dict[int, Claim] = {}
    for name in names:
        key = name.lstrip("#").lstrip("0") if name.lstrip("#").isdigit() else name
        if key not in named:
            raise UsageError(f"unknown claim {name!r}", _choices(name, every))
        chosen[named[key].number] = named[key]
    return tuple(chosen.values())


def _choices(name: str, claims: Sequence[Claim]) -> str:
    if not claims:
        return "No claim is known here."
    numbers = [claim.number for claim in claims]
    ids = nearest(name, [claim.id for claim in claims])
    alike, more = ", ".join(ids[:NEAREST]), "; `harness list claims` has all" if len(ids) > NEAREST else ""
    return f"Choose a number from {min(numbers)} to {max(numbers)}, or an id such as: {alike}{more}."


def _claims(module: ModuleType) -> tuple[Claim, ...]:
    claims = getattr(module, "CLAIMS", None)
    if not isinstance(claims, tuple) or not all(isinstance(claim, Claim) for claim in claims):
        raise UsageError(f"{module.__file__} has no CLAIMS", "Write CLAIMS = (Claim(…), …) in it.")
    return claims


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"_harness_claims_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} is no Python file", "Claims are single .py files.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # The file is a plug-in: whatever it raises is its author's to read.
        raise UsageError(
            f"claims {path} cannot be loaded: {type(error).__name__}: {error}", "Mend the file or remove it."
        ) from error
    return module
