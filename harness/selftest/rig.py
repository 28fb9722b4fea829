"""What self-test checks share: a lone load on one address, and short sessions of truth against truth."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct

from harness import block, listeners, load, processes
from harness.model import App, Condition, Grain, Load, Target
from harness.runtimes import local
from harness.store import samples

TRUTH = App(module=local.TRUTH_APP)
"""The app whose burns and stalls are known."""


class Row(Struct, frozen=True):
    """One known truth: what was injected, what was reported, and whether they agree."""

    name: str
    injected: float
    reported: float | None
    unit: str
    tolerance: float
    """Largest allowed |reported − injected| in ``unit``."""
    low: float | None = None
    high: float | None = None
    """95 % interval of what is reported; None for counts and single readings."""

    @property
    def error(self) -> float | None:
        """Reported less injected."""
        return None if self.reported is None else self.reported - self.injected

    @property
    def ok(self) -> bool:
        """Whether the instrument told the truth."""
        return self.error is not None and abs(self.error) <= self.tolerance


class Bench(Struct, frozen=True):
    """Where checks run."""

    rig: block.Rig
    folder: Path
    seed: int = 7


def condition(name: str, baseline: dict[str, str], candidate: dict[str, str], work: Load, grain: Grain) -> Condition:
    """Two truth apps under uvicorn that differ in their environment alone."""
    return Condition(
        name=name,
        regime="open" if work.model == "open" else "saturated",
        baseline=Target(spec="uvicorn", server="uvicorn", environment=baseline),
        candidate=Target(spec="uvicorn", server="uvicorn", environment=candidate),
        app=TRUTH,
        scenario="paths",
        parameters={"paths": ["/"], "ledger": "/truth"},
        load=work,
        grains=(grain,),
    )


def start_module(bench: Bench, module: str, *arguments: str) -> tuple[subprocess.Popen[bytes], int]:
    """Start a truth server of ``targets.truth`` on a free port and wait until it listens."""
    port = listeners.free_port()
    process = processes.start(
        [sys.executable, "-m", module, "--port", str(port), *arguments],
        session=bench.rig.session,
        environment=local.environment(Target(spec=module), TRUTH, bench.rig.root),
        log=bench.folder / f"{module}-{port}.log",
        cores=bench.rig.layout.arms if bench.rig.layout.pinned else None,
        directory=bench.rig.root,
    )
    deadline = time.monotonic() + local.READY_S
    while not listeners.listening_inodes(port) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
    return process, port


def lone(bench: Bench, name: str, port: int, work: Load, **parameters: Any) -> np.ndarray[Any, Any]:
    """Load one address alone; the raw rows of its measured phase."""
    place = bench.folder / name
    (place / "logs").mkdir(parents=True)
    what = condition(name, {}, {}, work, "block")
    what = Condition(
        name=name,
        regime=what.regime,
        baseline=what.baseline,
        candidate=what.candidate,
        app=what.app,
        scenario="paths",
        parameters={"paths": ["/"], **parameters},
        load=work,
        grains=("block",),
    )
    output = load.write_trial(
        place / "trial.json",
        condition=what,
        grain="block",
        arms=[load.Arm(name="baseline", instance=1, url=f"http://{local.HOST}:{port}")],
        seed=bench.seed,
        slice_s=0.5,
        workers=1,
    )
    generator = load.launch(
        place / "trial.json",
        bench.rig.scenarios["paths"],
        output,
        session=bench.rig.session,
        workers=1,
        cores=bench.rig.layout.generator,
    )
    try:
        load.wait_ready(generator)
        load.begin(generator)
        load.collect(generator, work.warmup_s + work.measure_s + block.DRAIN_S)
    finally:
        processes.stop(generator.processes, grace_s=2.0)
    rows = samples.load_rows(output)
    measured: np.ndarray[Any, Any] = rows[rows["phase"] == 1]
    return measured
