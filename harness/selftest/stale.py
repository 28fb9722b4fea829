"""A stale server on the same port (SO_REUSEPORT) must be caught: it would answer half of the requests."""

from __future__ import annotations

from harness import listeners, processes
from harness.model import Target
from harness.runtimes import local
from harness.selftest.rig import TRUTH, Bench, Row


def check(bench: Bench) -> list[Row]:
    """Start two granian servers on one port; the second is the one that the harness would measure."""
    port = listeners.free_port()
    target = Target(spec="granian", server="granian")
    started = [
        processes.start(
            local.command(target, TRUTH, port, bench.rig.root),
            session=bench.rig.session,
            environment=local.environment(target, TRUTH, bench.rig.root),
            log=bench.folder / f"stale-{number}.log",
            directory=bench.rig.root,
        )
        for number in range(2)
    ]
    servers = [
        local.Server(
            name=f"stale-{k}",
            process=one,
            port=port,
            url=f"http://{local.HOST}:{port}",
            log=bench.folder / f"stale-{k}.log",
        )
        for k, one in enumerate(started)
    ]
    try:
        caught = _caught(port, servers)
    finally:
        processes.stop(started)
    return [Row("stale server caught", 1, float(caught), "times", 0)]


def _caught(port: int, servers: list[local.Server]) -> bool:
    """Both listen within a few seconds; from then on the port has a stranger."""
    import time  # noqa: PLC0415

    deadline = time.monotonic() + local.READY_S
    while len(listeners.listening_inodes(port)) < 2 and time.monotonic() < deadline:  # noqa: PLR2004  (two servers)
        time.sleep(0.05)
    return listeners.verdict(port, servers[1].pids()) is not None
