"""Courses of faults and restarts on real containers: the same moments, counts and statuses as on processes."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness import claims, crashes, engine, load, supervisor
from harness.claims.claim import Claim, Recovers, Restart
from harness.commands import coursing, resume, run
from harness.course import Course, Most, Subject, Timeline
from harness.errors import CannotMeasure
from harness.model import Fault, Load
from harness.passage import Passage, figure
from harness.runtimes import compose
from harness.runtimes.runtime import Runtime
from tests.support import command, containers
from tests.support.courses import once, parse, rigged
from tests.support.waiting import until

SLOW = "targets.truth.slow:app"
CALLER = "uvicorn,loop=uvloop,http=httptools,SERVICE_UPSTREAM__KIND=on"
BUSY = {"send lag", "the arms' core"}
"""What a busy machine does to a passage; no count may be wrong for it."""


@pytest.fixture(scope="module")
def found() -> engine.Engine:
    """The engine; without one these tests are skipped with the reason."""
    return engine.connect()


@pytest.fixture(scope="module")
def inside(found: engine.Engine) -> Runtime:
    """Containers of the image as it is built from this folder."""
    return compose.runtime(found, engine.build(found, command.ROOT))


@pytest.fixture(autouse=True)
def nothing_left(found: engine.Engine) -> Iterator[None]:
    """After each test no container carries the label of its session."""
    yield
    assert containers.labelled(found, os.getpid()) == []


def fault(name: str, start_s: float = 0.5, end_s: float | None = None, on: str = "target", **values: float) -> Fault:
    """One fault."""
    return Fault(fault=name, on=on, start_s=start_s, end_s=end_s, values=values)


def course(name: str, *faults: Fault, target: str = "uvicorn", **more) -> Course:
    """One subject under 100 requests/s, most often of 0.1 s each."""
    rate_rps, measure_s = more.pop("rate_rps", 100.0), more.pop("measure_s", 1.5)
    plain = {"paths": ("/slow?ms=100",), "app": SLOW}
    return Course(
        id=name,
        subjects=(Subject("it", target),),
        faults=faults,
        load=Load(model="open", rate_rps=rate_rps, warmup_s=0.3, measure_s=measure_s),
        what="something happens",
        **{**plain, **more},
    )


def called(name: str, *faults: Fault) -> Course:
    """The reference service, which calls another one through Toxiproxy."""
    upstream = {"UPSTREAM_WORK_MS": "1", "UPSTREAM_CAPACITY": "50"}
    more = {"paths": ("/api/v1/quotes/1",), "app": None, "upstream": upstream, "proxied": ("upstream",)}
    return course(name, *faults, target=CALLER, rate_rps=60.0, measure_s=1.8, **more)


def counted(one: Passage) -> Passage:
    """The passage, of whose requests none may be unexplained."""
    assert one.unexplained == {}
    assert {void.check for void in one.voids} <= BUSY, one.voids
    assert sum(one.explained.values()) > 0
    return one


def drops(one: Passage, moment: str) -> Counter[str]:
    """Requests of a moment that failed, by class."""
    found: Counter[str] = Counter()
    for group in one.groups:
        if group.moment == moment:
            found.update(group.drops)
    return found


def test_a_terminated_container_leaves_counts_that_add_up(inside, tmp_path):
    """A user would read what a container's shutdown drops from a ledger that the container could not write."""
    one = counted(once(course("terminated", fault("terminate")), tmp_path, inside))
    assert one.explained["answered"] > 20
    assert one.ended is not None
    assert one.ended.status in {0, -15}
    assert one.ended.after_s >= 0.0
    # What was in work is finished, and whoever comes later is refused.
    assert drops(one, "before") == Counter()
    assert drops(one, "over")["refused"] > 10
    assert one.utilisation is not None
    assert one.utilisation > 0.0
    assert (tmp_path / "logs" / "target.log").read_text()


def test_a_killed_container_is_dead_when_the_kill_is_acknowledged(inside, tmp_path):
    """A user would time a crash from the engine's answer, which comes long after the end."""
    one = counted(once(course("killed", fault("kill")), tmp_path, inside))
    assert 1 <= one.explained["lost in work"] <= 40
    assert one.ended is not None
    assert one.ended.status == -9
    [happened] = one.happened
    assert happened.began_ns < happened.acknowledged_ns
    assert one.recovered_s is None


def test_a_frozen_container_answers_nothing_and_one_killed_worker_leaves_the_other(inside, tmp_path):
    """A user's freeze would leave workers running, or a crash of one worker be one of the whole container."""
    faults = fault("freeze", 0.4, 0.9), fault("kill_worker", 1.3)
    one = counted(once(course("struck", *faults, target="uvicorn,workers=2", measure_s=2.0), tmp_path, inside))
    frozen, killed = one.happened
    assert frozen.ended_ns > frozen.acknowledged_ns > frozen.began_ns
    assert killed.acknowledged_ns > frozen.ended_ns
    readings = [tuple(at) for at in json.loads((tmp_path / "lookout.json").read_text())["cpu"]]
    still = [ns for at, ns in readings if frozen.acknowledged_ns < at < frozen.ended_ns - 50_000_000]
    assert len(still) > 1
    assert len(set(still)) == 1
    assert one.ended is None
    assert sum(drops(one, "over").values()) < one.explained["answered"]


def test_latency_before_the_dependency_of_a_container_is_as_long_as_injected(inside, tmp_path):
    """A user's container would reach what is behind it around the proxy, and no toxic would ever strike it."""
    toxic = fault("latency", 0.7, 1.4, on="upstream", delay_ms=150)
    one = counted(once(called("late", toxic), tmp_path, inside))
    before, during = figure(one, "p50_before_ms"), figure(one, "p50_during_ms")
    assert during >= 150 > before
    assert one.attempts.sent == one.attempts.arrived


def test_a_dependency_that_fails_fails_the_container_and_every_attempt_is_counted(inside, tmp_path):
    """A user would be told that a service in a container survived what never happened."""
    one = counted(once(called("failing", fault("failing", 0.6, None, on="upstream", share=1.0)), tmp_path, inside))
    assert figure(one, "goodput_before") > 0.5
    assert figure(one, "goodput_during") == 0.0
    assert one.attempts.sent == one.attempts.arrived == one.attempts.logical


def test_the_disk_of_a_container_is_full_only_while_it_lasts(inside, tmp_path):
    """A user's own disk would be filled, or a container that loses what it cannot write pass for one that copes."""
    keep = {"requests": [{"method": "POST", "path": "/keep", "body": "x" * 20_000}]}
    full = fault("full_disk", 0.5, 1.0)
    one = counted(once(course("full", full, paths=("/quick",), parameters=keep, disk_mib=1), tmp_path, inside))
    assert drops(one, "during")["5xx"] > 10
    # Those that were sent a moment before the disk was full, or before it was free again, may meet the other.
    assert drops(one, "before")["5xx"] + drops(one, "over")["5xx"] <= drops(one, "during")["5xx"] // 2
    assert list((tmp_path / "disk").iterdir()) == []


def test_a_killed_worker_of_a_container_is_replaced(inside, tmp_path):
    """A user could not see in containers which servers replace a crashed worker."""
    restart = Restart(
        name="worker",
        target="gunicorn,workers=2",
        fault="kill-worker",
        at_s=0.3,
        load=Load(model="open", rate_rps=50.0, warmup_s=0.2, measure_s=3.0),
        paths=("/health/live",),
        rule=Recovers(within_s=5.0, supports=True),
    )
    with rigged(inside) as rig:
        [one] = crashes.observe(restart, parse(restart.target), rig, tmp_path, 1, 7)
    assert one.workers == 2
    assert one.full_again_s is not None
    assert one.ended is None


def test_an_engine_that_is_gone_in_mid_passage_ends_the_run_with_the_mend(found, tmp_path, monkeypatch):
    """A user would read the end of the engine as a finding about the service, and keep its processes."""
    own = engine.connect()
    runtime = compose.runtime(own, engine.build(own, command.ROOT))
    begin = load.begin

    def cut(generator):
        own.client.api.mount("http+docker://", type(own.client.api._custom_adapter)("http+unix:///nowhere/docker.sock"))
        return begin(generator)

    monkeypatch.setattr(load, "begin", cut)
    one = course("cut", fault("terminate"))
    claim = SimpleNamespace(conditions=(Timeline("it", one, Most("it", 1.0), "lost"),))
    plan = SimpleNamespace(courses={one.id: 1}, seed=7)
    with rigged(runtime) as rig:
        with pytest.raises(CannotMeasure, match=compose.GONE) as gone:
            coursing.observe([claim], plan, rig, tmp_path, parse)
        # Killed without the engine's word: the kernel takes a moment.
        until(lambda: not supervisor.labelled(rig.session.label), 5.0)
    assert "harness resume" in gone.value.mend
    assert list(tmp_path.rglob("passage.json")) == []
    assert containers.labelled(found, os.getpid()) == []


@pytest.fixture
def tiny(monkeypatch) -> Claim:
    """A claim of one course, the only one that there is."""
    claim = Claim(
        number=990,
        id="tiny",
        section="Test",
        statement="It ends.",
        hypothesis="It ends.",
        experiment="timeline",
        conditions=(Timeline("it", course("tiny", fault("terminate")), Most("it", 1.0), "lost"),),
    )
    monkeypatch.setattr(claims, "sections", lambda _=(): ((Path("tiny.py"), (claim,)),))
    monkeypatch.chdir(command.ROOT)
    return claim


def test_a_run_in_containers_decides_its_course_and_goes_on_without_repeating(tiny, tmp_path):
    """A user would wait for hours of passages again, or get another verdict from the same ones."""
    document = run.run([tiny.id], profile="smoke", budget_s=None, seed=7, results=tmp_path, runtime="compose")
    folder = Path(document["run"])
    kept = {path: path.stat().st_mtime_ns for path in folder.glob("timelines/*/*/passage.json")}
    assert kept
    [row] = document["claims"]
    assert row["verdict"] != "untested", row
    assert row["rerun"].endswith("--runtime compose")
    again = resume.resume(folder)
    assert again["claims"] == document["claims"]
    assert {path: path.stat().st_mtime_ns for path in folder.glob("timelines/*/*/passage.json")} == kept
