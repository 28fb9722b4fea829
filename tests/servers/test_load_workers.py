"""Several workers of one generator: no sample is lost or doubled, clocks are one, and a lost worker is named."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from harness import load, machine, processes
from harness.model import App, Condition, Load, Target
from harness.runtimes import local
from harness.store import samples
from scenarios.support.arrivals import arrivals_of
from scenarios.support.switches import slices_of
from scenarios.support.trial import parse_trial
from tests.support import wire

TRUTH = App(module=local.TRUTH_APP)
OPEN = Load(model="open", rate_rps=120, connections_max=7, warmup_s=0.2, measure_s=0.6)
CLOSED = Load(model="closed", users=5, warmup_s=0.2, measure_s=0.6)
SHIFT_NS = 86_400_000_000_000
"""A day: two machines that were not switched on together."""

SHIFTED = """
import os, time
true_ns, shift_ns = time.monotonic_ns, int(os.environ.get("SHIFT_NS", "0"))
if shift_ns:
    time.monotonic_ns = lambda: true_ns() + shift_ns
import support.clock, support.link
if shift_ns:
    support.link.identity = lambda: "another machine"
from support.wire.request import request
from support.wire.user import WireUser
class Http(WireUser):
    def requests(self, parameters, seed):
        return [request("GET", path) for path in os.environ.get("ONLY_PATHS", "/x").split(",")]
"""
"""Runs on a clock that SHIFT_NS says, and asks ONLY_PATHS."""


@pytest.fixture(scope="module")
def session():
    """The label of these tests' processes; all of them end with it."""
    with processes.supervised() as one:
        yield one


@pytest.fixture(scope="module")
def servers(session, tmp_path_factory):
    """Two truth apps, which count what reaches them."""
    logs, target = tmp_path_factory.mktemp("truth"), Target(spec="uvicorn", server="uvicorn")
    found = []
    for name in ("baseline", "candidate"):
        promised = [server.port for server in found]
        found.append(
            local.launch(name, target, TRUTH, root=wire.ROOT, session=session, logs=logs, cores=None, promised=promised)
        )
    for server in found:
        local.wait_ready(server, ["/truth"], (200,))
    yield found
    local.stop(found)


def counted(servers):
    """What each server itself has counted."""
    return [json.loads(local.verify_path(server.url, "/truth", (200,)))["requests"] for server in servers]


def write(place: Path, servers, work: Load, grain: str, workers: int) -> Path:
    """Write the trial of two arms; returns the folder for the samples."""
    condition = Condition(
        name="x",
        regime="open" if work.model == "open" else "saturated",
        baseline=Target(spec="uvicorn"),
        candidate=Target(spec="uvicorn"),
        app=TRUTH,
        scenario="paths",
        parameters={"paths": ["/a", "/b", "/c"]},
        load=work,
        grains=(grain,),
    )
    arms = [load.Arm(server.name, 1, server.url) for server in servers]
    (place / "logs").mkdir()
    return load.write_trial(
        place / "trial.json", condition=condition, grain=grain, arms=arms, seed=5, slice_s=0.1, workers=workers
    )


def cores_of(workers: int) -> tuple[int, ...]:
    """Where so many workers run."""
    return machine.layout(machine.usable_cores(), generators=workers).generator


def launched(place: Path, output: Path, session, workers: int) -> load.Generator:
    """Start the generator on a trial that is written."""
    scenario, cores = wire.ROOT / "scenarios" / "paths.py", cores_of(workers)
    return load.launch(place / "trial.json", scenario, output, session=session, workers=workers, cores=cores)


@pytest.mark.parametrize(
    ("workers", "work", "grain"),
    [
        (1, OPEN, "request"),
        (2, OPEN, "slice"),
        (2, OPEN, "block"),
        (2, CLOSED, "slice"),
        (4, OPEN, "request"),
        (4, CLOSED, "slice"),
    ],
    ids=lambda value: value.model if isinstance(value, Load) else str(value),
)
def test_every_sample_of_every_worker_arrives_once(tmp_path, session, servers, workers, work, grain):
    """A user who scales the generator would read figures of a part of the requests, or of some twice."""
    output = write(tmp_path, servers, work, grain, workers)
    before = counted(servers)
    generator = launched(tmp_path, output, session, workers)
    try:
        slices = load.wait_ready(generator)
        t0_ns = load.begin(generator)
        done = load.collect(generator, 30)
    finally:
        processes.stop(generator.processes, grace_s=2.0)
    rows, seen = samples.load_rows(output), [b - a for a, b in zip(before, counted(servers), strict=True)]
    assert [int((rows["entry"] == entry).sum()) for entry in (0, 1)] == seen
    assert sum(one["sent"] for one in done) == sum(one["completed"] for one in done) == len(rows) == sum(seen)
    assert all(one["slices"] == done[0]["slices"] for one in done)
    assert len(slices) == len(done[0]["slices"])
    samples.write_parquet([output], tmp_path / "requests.parquet")
    kept = Counter(pq.read_table(tmp_path / "requests.parquet", columns=["worker"])["worker"].to_pylist())
    assert kept == {one["worker"]: one["rows"] for one in done}
    for one in done:
        assert (one["clock_offset_ns"], one["clock_bound_ns"]) == (0, 0)
        assert (one["clock"] is None) == (workers == 1)
        if one["clock"]:
            assert one["clock"]["one"]
            assert abs(one["clock"]["measured_ns"]) <= one["clock"]["measured_bound_ns"]
    if work.model == "open":
        whole = parse_trial({**json.loads((tmp_path / "trial.json").read_text()), "workers": 1})
        planned = arrivals_of(whole, slices_of(whole))
        assert sorted(rows["due_ns"] - t0_ns) == list(planned.due_ns)
        assert sorted(rows["logical_id"]) == list(range(len(planned)))
        assert max(one["due"] for one in done) - min(one["due"] for one in done) <= 1
    else:
        busy = sum((one["work_ns"] + one["idle_spin_ns"]) / one["wall_ns"] for one in done)
        assert busy <= 1.2 * len(cores_of(workers)), "workers that share a core report no more than that core"
        assert sum(one["connections_opened"] for one in done) == 5 * len(servers)
        assert len(np.unique(rows["logical_id"])) == len(rows)


def cluster(place: Path, document: dict, variables: list[dict[str, str]]) -> list[subprocess.Popen[str]]:
    """Start a master that gives the start, and workers that are all started alike but for some variables.

    With the options of the Kubernetes operator, and ``support`` as one archive, as docs/scale.md says.
    """
    (place / "mine.py").write_text(SHIFTED)
    packed = [sys.executable, "-m", "zipfile", "-c", str(place / "support.zip"), "support"]
    subprocess.run(packed, cwd=wire.ROOT / "scenarios", check=True)
    (place / "trial.json").write_text(json.dumps(document))
    (place / "load").mkdir()
    port = str(wire.refused_url().rpartition(":")[2])
    common = {"LOAD_TRIAL": str(place / "trial.json"), "PYTHONPATH": str(place / "support.zip")}
    size = ["-u", str(len(variables)), "-r", str(len(variables)), "--expect-workers", str(len(variables))]
    size += ["--autostart", "--autoquit", "60", "--enable-rebalancing"]
    master = ["--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", port, *size]
    here = ("-f", str(place / "mine.py"))
    started = [wire.locust(*here, *master, environment={**common, "LOAD_START": "master"})]
    argv = [str(Path(sys.executable).parent / "locust"), *here, "--worker", "--master-port", port]
    for own in variables:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("LOAD_")}
        out = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        started.append(subprocess.Popen(argv, env={**kept, **common, **own}, cwd=wire.ROOT, **out))
    return started


def ended(started: list[subprocess.Popen[str]]) -> str:
    """Wait until all have ended by themselves; what they said."""
    deadline = time.monotonic() + 120
    while any(process.poll() is None for process in started) and time.monotonic() < deadline:
        time.sleep(0.05)
    statuses = [process.poll() for process in started]
    for process in started:
        process.kill()
    said = "\n".join(process.communicate()[0] for process in started)
    assert statuses == [0] * len(started), f"{statuses}\n{said}"
    return said


def test_workers_of_other_machines_are_brought_to_one_clock(tmp_path):
    """A user with several machines would see requests that were answered a day before they were due."""
    with wire.server() as it:
        document = wire.trial_document(
            tmp_path / "load", [it.url], {"model": "open", "rate_rps": 100}, workers=2, grain="block"
        )
        said = ended(cluster(tmp_path, document, [{}, {"SHIFT_NS": str(SHIFT_NS)}]))
    done = {k: json.loads((tmp_path / "load" / f"done-{k}.json").read_text()) for k in (1, 2)}
    rows = samples.load_rows(tmp_path / "load")
    assert len(rows) == it.counts.total() == done[1]["due"] + done[2]["due"], said
    [here, there] = sorted(done.values(), key=lambda one: one["clock"]["one"], reverse=True)
    assert (here["clock"]["one"], there["clock"]["one"]) == (True, False)
    assert abs(there["clock_offset_ns"] + SHIFT_NS) <= there["clock_bound_ns"]
    planned = parse_trial({**document, "workers": 1})
    relative = np.sort(rows["due_ns"]) - here["t0_ns"]
    assert np.abs(relative - list(arrivals_of(planned, slices_of(planned)).due_ns)).max() <= there["clock_bound_ns"]


def test_a_worker_that_ends_first_takes_nothing_from_the_others(tmp_path):
    """A user would lose all samples of the worker that waits for slow answers, which are those that matter."""
    load_ = {"model": "open", "rate_rps": 60, "warmup_s": 0, "measure_s": 0.5}
    with wire.server() as it:
        document = wire.trial_document(
            tmp_path / "load", [it.url], load_, workers=2, grain="block", parameters={"timeout_s": 3}
        )
        said = ended(cluster(tmp_path, document, [{}, {"ONLY_PATHS": "/hang"}]))
    rows = samples.load_rows(tmp_path / "load")
    due = sum(done.due for done in samples.read_done(tmp_path / "load").values())
    assert len(rows) == due == it.counts.total(), said
    assert int((rows["error"] == 4).sum()) == it.counts["/hang"] > 0


@pytest.mark.parametrize("silent", [1, 2], ids=["worker", "all"])
def test_workers_that_never_get_ready_are_named(tmp_path, session, servers, silent):
    """A user would wait for ever, or have to look through five logs for the one that hangs."""
    output = write(tmp_path, servers, OPEN, "request", 2)
    generator = launched(tmp_path, output, session, 2)
    try:
        for process in generator.processes[3 - silent :]:
            os.kill(process.pid, signal.SIGSTOP)
        while silent == 1 and not (output / "joined-1").exists():
            time.sleep(0.05)
        with pytest.raises(load.GeneratorFailedError, match=r"did not get ready within 0\.5 s") as failed:
            load.wait_ready(generator, patience_s=0.5)
        assert str(failed.value).startswith("Worker 2 of Locust" if silent == 1 else "Workers 1 and 2 of Locust")
    finally:
        processes.stop(generator.processes, grace_s=1.0)
    assert all(process.poll() is not None for process in generator.processes)
