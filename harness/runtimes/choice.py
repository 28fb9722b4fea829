"""Which runtime a plan names, ready to launch: the one place that knows them all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.model import RuntimeName
from harness.runtimes import local
from harness.runtimes.runtime import Runtime

NAMES: tuple[RuntimeName, ...] = ("local", "compose")


def ready(name: RuntimeName, root: Path, before: Mapping[str, Any] | None = None) -> Runtime:
    """The runtime that a plan names; ``before`` is the record of the run that is gone on with.

    Raises CannotMeasure with the mend where containers cannot be had here, or where a run's image is gone.
    """
    return _MAKERS[name](root, before)


def _local(_root: Path, _before: Mapping[str, Any] | None) -> Runtime:
    return local.RUNTIME


def _compose(root: Path, before: Mapping[str, Any] | None) -> Runtime:
    from harness import engine  # noqa: PLC0415  (only sessions with containers need them)
    from harness.runtimes import compose  # noqa: PLC0415

    found = engine.connect()
    image = engine.build(found, root) if before is None else engine.image_of(found, before["tag"], before["image"])
    return compose.runtime(found, image)


_MAKERS = {"local": _local, "compose": _compose}
