"""What self-test checks share: a lone load on one address, and short sessions of truth against truth."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct

from harness import block, listeners, processes
from harness.lone import loading
from harness.model import App, Condition, Grain, Load, Target
from harness.runtimes import local

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
        """Whether the instrument told the truth: what is reported lies within the tolerance."""
        return self.error is not None and abs(self.error) <= self.tolerance

    @property
    def decided(self) -> bool:
        """Whether the whole interval lies on the same side of the tolerance as what is reported."""
        if self.low is None or self.high is None:
            return True
        inside = abs(self.low - self.injected) <= self.tolerance and abs(self.high - self.injected) <= self.tolerance
        outside = self.low > self.injected + self.tolerance or self.high < self.injected - self.tolerance
        return inside if self.ok else outside


class Bench(Struct, frozen=True):
    """Where checks run."""

    rig: block.Rig
    folder: Path
    seed: int = 7
    turns: int = 3
    """How often each truth is injected where it needs several blocks."""


def condition(
    name: str,
    baseline: dict[str, str],
    candidate: dict[str, str],
    work: Load,
    grain: Grain,
    servers: tuple[str, str] = ("uvicorn", "uvicorn"),
) -> Condition:
    """Two truth apps that differ in their environment, and in their server where two are named."""
    return Condition(
        name=name,
        regime="open" if work.model == "open" else "saturated",
        baseline=Target(spec=servers[0], server=servers[0], environment=baseline),
        candidate=Target(spec=servers[1], server=servers[1], environment=candidate),
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
    url = f"http://{local.HOST}:{port}"
    with loading(bench.rig, bench.folder / name, url, work, seed=bench.seed, parameters=parameters) as one:
        one.begin()
        return one.finish()
