"""One address under load, alone: for known truths and for timelines, where two arms would only disturb."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct

from harness import load, processes
from harness.block import DRAIN_S, Rig
from harness.model import App, Condition, Load, Target
from harness.store import samples

Rows = np.ndarray[Any, Any]

_MEASURED = 1


class Lone(Struct, frozen=True):
    """A generator that is ready to load one address."""

    generator: load.Generator
    work: Load

    def begin(self) -> int:
        """Start the load; returns the zero of the trial's clock (CLOCK_MONOTONIC, ns)."""
        return load.begin(self.generator)

    def finish(self) -> Rows:
        """Wait for the load's end; the raw rows of its measured phase."""
        load.collect(self.generator, self.work.warmup_s + self.work.measure_s + DRAIN_S)
        rows = samples.load_rows(self.generator.output)
        measured: Rows = rows[rows["phase"] == _MEASURED]
        return measured


@contextlib.contextmanager
def loading(
    rig: Rig, place: Path, url: str, work: Load, *, seed: int, parameters: Mapping[str, Any] | None = None
) -> Iterator[Lone]:
    """Start Locust on ``url`` in the folder ``place`` (made here) and end it with the block.

    Raises load.GeneratorFailedError where Locust does not get ready.
    """
    (place / "logs").mkdir(parents=True)
    nobody = Target(spec=url, url=url)
    condition = Condition(
        name=place.name,
        regime="open" if work.model == "open" else "saturated",
        baseline=nobody,
        candidate=nobody,
        app=App(),
        scenario="paths",
        parameters={"paths": ["/"], **(parameters or {})},
        load=work,
        grains=("block",),
    )
    output = load.write_trial(
        place / "trial.json",
        condition=condition,
        grain="block",
        arms=[load.Arm(name="baseline", instance=1, url=url)],
        seed=seed,
        slice_s=condition.slice_s,
        workers=1,
    )
    generator = load.launch(
        place / "trial.json",
        rig.scenarios["paths"],
        output,
        session=rig.session,
        workers=1,
        cores=rig.layout.generator,
    )
    try:
        load.wait_ready(generator)
        yield Lone(generator=generator, work=work)
    finally:
        processes.stop(generator.processes, grace_s=2.0)
