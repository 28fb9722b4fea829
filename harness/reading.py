"""The meters of a block, from the load's begin to its last edge."""

from __future__ import annotations

from collections.abc import Sequence

from harness import evidence, load
from harness.machine import CoreLayout
from harness.meters import sampler
from harness.meters.meter import Meter
from harness.model import Grain
from harness.runtimes.runtime import Server


def read(
    layout: CoreLayout,
    generator: load.Generator,
    slices: tuple[load.Slice, ...],
    grain: Grain,
    servers: Sequence[Server],
    behind: Sequence[tuple[str, Meter]],
    between: Sequence[tuple[str, Meter]] = (),
) -> sampler.Readings:
    """Begin the load and read the meters of the servers, and of what stands behind them and between, until the end.

    Raises load.GeneratorFailedError with Locust's last words where it ended before.
    """
    meters = [(server.name, server.meter()) for server in servers]
    workers = generator.processes if generator.workers == 1 else generator.processes[1:]
    edges = evidence.edges_of(slices, grain, len(servers))
    t0_ns = load.begin(generator)
    readings = sampler.sample(
        meters,
        edges=edges,
        quiet=evidence.quiet_of(slices),
        t0_ns=t0_ns,
        cores=layout.arms,
        generators=[(process.pid, generator.output / f"live-{k + 1}") for k, process in enumerate(workers)],
        keep_on=lambda: load.alive(generator),
        backends=behind,
        between=between,
    )
    if max(edges) not in readings.at_edges:
        load.collect(generator, load.ENDING_S)
        raise load.GeneratorFailedError("Locust's workers had done their work before the last slice ended.")
    return readings
