"""What a fault is: where it strikes, what can be set, how it begins and how it ends."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, get_args

from msgspec import Struct

from harness import catalog, processes
from harness.backends import toxiproxy
from harness.errors import UsageError
from harness.runtimes.runtime import Server

On = Literal["proxy", "process", "service", "disk"]
"""What a fault needs at its place: a proxy, a process that the harness has started, a service that takes orders, or a
disk of the process's own."""


class Parameter(Struct, frozen=True):
    """One thing that can be set; its unit stands in its name, too."""

    unit: str
    default: float
    minimum: float
    maximum: float
    meaning: str
    whole: bool = True
    """Whether it takes whole numbers only."""


class Place(Struct, frozen=True, kw_only=True):
    """Where a fault strikes, with what it may need there."""

    session: processes.Session
    server: Server | None = None
    """What the harness has started there; None where it is not ours."""
    proxies: toxiproxy.Toxiproxy | None = None
    proxy: toxiproxy.Proxy | None = None
    """The proxy before it; None where there is none."""
    cores: Sequence[int] | None = None
    """Cores of the arms; None: nothing is pinned."""
    disk: Path | None = None
    """Where the server there has a small disk that nobody else sees; None where it has none."""


class Begun(Struct, frozen=True):
    """A fault that has begun."""

    acknowledged_ns: int
    """When what it was asked of said that it is done (CLOCK_MONOTONIC)."""
    end: Callable[[], int] | None = None
    """Ends it and gives the moment of that acknowledgement; None for what is over as soon as it has begun."""


class Plugin(Struct, frozen=True):
    """One file of ``harness/faults``."""

    name: str
    on: On
    lasts: bool
    """False: an instant, such as a signal."""
    parameters: Mapping[str, Parameter]
    begin: Callable[[Place, Mapping[str, float]], Begun]
    """Gets every parameter, the defaults included."""
    wrong: Callable[[Mapping[str, float]], str | None]
    """What does not fit together, in words; None where all does."""

    def complete(self, values: Mapping[str, float]) -> dict[str, float]:
        """All parameters: those given, else the defaults.  UsageError for what cannot be."""
        for name, value in values.items():
            self._check(name, value)
        found = {name: parameter.default for name, parameter in self.parameters.items()} | dict(values)
        words = self.wrong(found)
        if words is not None:
            raise UsageError(f"{self.name}: {words}.", "Change one of the two.")
        return found

    def _check(self, name: str, value: float) -> None:
        if name not in self.parameters:
            known = ", ".join(self.parameters) or "nothing"
            raise UsageError(f"The fault {self.name} has no {name}.", f"It takes {known} (`harness list faults`).")
        parameter = self.parameters[name]
        number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        within = number and parameter.minimum <= value <= parameter.maximum
        if not within or (parameter.whole and value != int(value)):
            kind = "a whole number" if parameter.whole else "a number"
            raise UsageError(
                f"{self.name}: {name} cannot be {value!r}.",
                f"Give {kind} from {parameter.minimum:g} to {parameter.maximum:g} ({parameter.unit}).",
            )


def load(entry: catalog.Entry) -> Plugin:
    """Load a fault's file by its path.

    Raises UsageError if it cannot be loaded or lacks ON, LASTS, PARAMETERS or begin().
    """
    spec = importlib.util.spec_from_file_location(f"_harness_fault_{entry.name}", entry.path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{entry.path} is no Python file", "Faults are single .py files.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        found = Plugin(
            name=entry.name,
            on=_known(module.ON),
            lasts=bool(module.LASTS),
            parameters=dict(module.PARAMETERS),
            begin=module.begin,
            wrong=getattr(module, "wrong", _nothing),
        )
    except Exception as error:  # The file is a plug-in: whatever it raises is its author's to read.
        raise UsageError(
            f"fault {entry.path} cannot be loaded: {type(error).__name__}: {error}",
            "A fault has LABEL, ON, LASTS, PARAMETERS and begin(place, values).",
        ) from error
    return found


def _known(on: On) -> On:
    if on not in get_args(On):
        raise ValueError(f"ON is {on!r} instead of {' or '.join(get_args(On))}")
    return on


def _nothing(_: Mapping[str, float]) -> None:
    return None
