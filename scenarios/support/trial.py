"""The trial file: what to load, how much, for how long, and where to leave the records."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import urlsplit

SCHEMA = 1
"""The only version of the trial file that this code reads."""

S_NS = 1_000_000_000

Grain = Literal["request", "slice", "block"]


class TrialError(ValueError):
    """The trial file cannot be used; the message names the file and the field."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One process under load: its role's name, its address, and which process of its role it is."""

    name: str
    url: str
    host: str
    port: int
    instance: int = 1

    @property
    def authority(self) -> str:
        """Host and port as the Host header carries them."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return f"{name}:{self.port}"


@dataclass(frozen=True, slots=True)
class Load:
    """Open model: ``rate_rps`` per loaded arm.  Closed model: ``users`` (connections) per loaded arm."""

    model: Literal["open", "closed"]
    rate_rps: float = 0.0
    users: int = 0
    arrivals: Literal["poisson", "constant"] = "poisson"
    connections_max: int = 4096
    warmup_s: float = 0.0
    measure_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Window:
    """One slice as the trial file dictates it, in seconds from the zero of the trial's clock."""

    phase: Literal["warmup", "measure"]
    start_s: float
    end_s: float
    entries: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """The recipe of one block, and which of its ``workers`` this process is (``worker``, from 1)."""

    seed: int
    output: Path
    grain: Grain
    slice_s: float
    arms: tuple[Arm, ...]
    load: Load
    expect: frozenset[int] = frozenset({200})
    parameters: Mapping[str, Any] = field(default_factory=dict)
    workers: int = 1
    worker: int = 1
    switches: tuple[Window, ...] | None = None

    @property
    def timeout_ns(self) -> int:
        """How long a request may take once it is sent (``parameters.timeout_s``, 10 s by default)."""
        return int(float(self.parameters.get("timeout_s", 10.0)) * S_NS)

    def share(self, total: int) -> int:
        """Give this worker's share of something that all workers drive together: the first ones take the rest."""
        return len(range(self.worker - 1, total, self.workers))


def arm_of(name: str, url: str, instance: int = 1) -> Arm:
    """Parse the address of an arm.

    :raises TrialError: the address is not plain http, or has no host.
    """
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise TrialError(f"arm {name!r}: {url!r} is not an http:// address")
    return Arm(name=name, url=url.rstrip("/"), host=parts.hostname, port=parts.port or 80, instance=instance)


def read_trial(environment: Mapping[str, str] = os.environ) -> Trial | None:
    """Read the trial named by ``LOAD_TRIAL``; None where it is unset (a plain Locust file).

    ``LOAD_WORKER`` says which worker this process is, from 1.

    :raises TrialError: the file is missing, is no JSON, or has a schema or field that is unknown here.
    """
    name = environment.get("LOAD_TRIAL")
    if not name:
        return None
    try:
        document = json.loads(Path(name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TrialError(f"LOAD_TRIAL={name}: {error}") from error
    try:
        return parse_trial(document, worker=int(environment.get("LOAD_WORKER", "1")))
    except TrialError as error:
        raise TrialError(f"LOAD_TRIAL={name}: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise TrialError(f"LOAD_TRIAL={name}: bad or missing field: {error!r}") from error


def parse_trial(document: Mapping[str, Any], worker: int = 1) -> Trial:
    """Turn the JSON document of a trial into plain data.

    :raises TrialError: an unknown schema, or a value that cannot be loaded.
    :raises KeyError: a field that is missing.
    """
    schema = document.get("schema")
    if schema != SCHEMA:
        raise TrialError(f"schema {schema!r} is unknown here; this code reads schema {SCHEMA}")
    switches = document.get("switches")
    trial = Trial(
        seed=int(document["seed"]),
        output=Path(document["output"]),
        grain=document.get("grain", "block"),
        slice_s=float(document.get("slice_s", 0.5)),
        arms=tuple(arm_of(a["name"], a["url"], int(a.get("instance", 1))) for a in document["arms"]),
        load=_load(document["load"]),
        expect=frozenset(int(status) for status in document.get("expect", [200])),
        parameters=dict(document.get("parameters") or {}),
        workers=int(document.get("workers", 1)),
        worker=worker,
        switches=None if switches is None else tuple(_window(window) for window in switches),
    )
    _check(trial)
    return trial


def _load(document: Mapping[str, Any]) -> Load:
    measure_s = document.get("measure_s", document.get("duration", 5.0))
    return Load(
        model=document["model"],
        rate_rps=float(document.get("rate_rps") or 0.0),
        users=int(document.get("users") or 0),
        arrivals=document.get("arrivals") or "poisson",
        connections_max=int(document.get("connections_max") or 4096),
        warmup_s=float(document.get("warmup_s") or 0.0),
        measure_s=float(measure_s),
    )


def _window(document: Mapping[str, Any]) -> Window:
    phase = document["phase"]
    if phase not in {"warmup", "measure"}:
        raise TrialError(f"switches: phase {phase!r} is neither warmup nor measure")
    return Window(
        phase=cast("Literal['warmup', 'measure']", phase),
        start_s=float(document["start_s"]),
        end_s=float(document["end_s"]),
        entries=tuple(int(entry) for entry in document["entries"]),
    )


def _check(trial: Trial) -> None:
    load = trial.load
    faults = {
        f"grain {trial.grain!r} is none of request, slice, block": (trial.grain not in {"request", "slice", "block"}),
        "arms is empty": not trial.arms,
        "more than 255 arms": len(trial.arms) > 255,  # noqa: PLR2004  (the record keeps the arm in one byte)
        f"load.model {load.model!r} is neither open nor closed": load.model not in {"open", "closed"},
        f"load.arrivals {load.arrivals!r} is neither poisson nor constant": (
            load.arrivals not in {"poisson", "constant"}
        ),
        "load.rate_rps must be positive in the open model": load.model == "open" and load.rate_rps <= 0,
        "load.users must be positive in the closed model": load.model == "closed" and load.users <= 0,
        "load.connections_max must be positive": load.connections_max <= 0,
        "load.connections_max must not be below the number of workers": 0 < load.connections_max < trial.workers,
        "load.measure_s must be positive": load.measure_s <= 0,
        "load.warmup_s must not be negative": load.warmup_s < 0,
        "slice_s must be positive": trial.slice_s <= 0,
        f"worker {trial.worker} is not one of 1…{trial.workers}": not 1 <= trial.worker <= trial.workers,
        "parameters.timeout_s must be positive": trial.timeout_ns <= 0,
    }
    for message, wrong in faults.items():
        if wrong:
            raise TrialError(message)
