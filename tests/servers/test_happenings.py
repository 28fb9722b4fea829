"""Faults happen at their planned moments, for as long as planned, and whatever becomes of them is kept."""

from __future__ import annotations

import os
import re
import resource
import signal
import sys
import time
from pathlib import Path

import pytest
from support import echo

from harness import catalog, happenings, listeners, processes, supervisor
from harness.backends import toxiproxy as tp
from harness.faults import _processes
from harness.faults.fault import Place, load
from harness.meters.process_clock import process_cpu_ns
from harness.model import Fault
from harness.runtimes import local

BOUND_NS = 500_000_000
"""Far more than a moment needs to be met, so that a noisy neighbour fails no test."""

TREE = """
import os, signal, socket, sys, time
place = socket.create_server(("127.0.0.1", int(sys.argv[1])))
def note(number, _):
    with open(sys.argv[2], "a") as file:
        file.write(f"{os.getpid()} {number}\\n")
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, note)
for _ in range(2):
    if not os.fork():
        break
with open(f"{sys.argv[2]}.{os.getpid()}", "a", buffering=1) as ticks:
    while True:
        ticks.write(f"{time.monotonic_ns()}\\n")
        time.sleep(0.002)
"""
"""Three processes that share a listening socket, note signals, and write down when they run."""


@pytest.fixture
def place(tmp_path):
    """A tree of processes under a session of its own."""
    port = listeners.free_port()
    with processes.supervised() as session:
        process = processes.start(
            [sys.executable, "-c", TREE, str(port), str(tmp_path / "notes")],
            session=session,
            environment={},
            log=tmp_path / "log",
        )
        server = local.Server("target", process, port, f"http://127.0.0.1:{port}", tmp_path / "log")
        _until(lambda: len(list(tmp_path.glob("notes.*"))) == 3)
        try:
            yield Place(session=session, server=server)
        finally:
            processes.stop([process], grace_s=0.0)


def _in(seconds: float) -> int:
    return time.monotonic_ns() + round(seconds * 1e9)


def _on_target(name: str, start_s: float, end_s: float | None = None, **values: float) -> Fault:
    return Fault(fault=name, on="target", start_s=start_s, end_s=end_s, values=values)


def _until(done, patience_s: float = 20.0) -> None:
    deadline = time.monotonic() + patience_s
    while not done() and time.monotonic() < deadline:
        time.sleep(0.01)


def _lives(pids) -> list[int]:
    return [pid for pid in pids if _processes.state(pid) not in _processes.GONE]


def test_a_freeze_is_seen_by_the_frozen_at_the_moments_that_are_kept(place, tmp_path):
    """Detection and recovery would be timed from moments at which nothing had happened."""
    zero_ns = _in(0.2)
    with happenings.running([_on_target("freeze", 0.2, 0.7)], {"target": place}, zero_ns) as found:
        _until(lambda: len(found) == 1)
        time.sleep(0.3)
    [one] = found
    assert one.error is None
    assert 0 <= one.began_ns - zero_ns - 200_000_000 < BOUND_NS
    assert one.began_ns <= one.acknowledged_ns < one.began_ns + BOUND_NS
    assert 0 <= one.ended_ns - zero_ns - 700_000_000 < BOUND_NS
    for ticks in tmp_path.glob("notes.*"):
        times = [int(line) for line in ticks.read_text().splitlines()]
        assert not [at for at in times if one.acknowledged_ns < at < zero_ns + 700_000_000], (
            "it ran while it was frozen"
        )
        assert [at for at in times if at < one.began_ns]
        assert [at for at in times if at > one.ended_ns]


def test_what_lasts_to_the_end_is_ended_with_the_block_even_if_that_breaks(place):
    """A frozen service would be left behind by every failed trial."""
    pids = place.server.pids()
    assert len(pids) == 3
    found, states = [], set()

    def broken_load() -> None:
        with happenings.running([_on_target("freeze", 0.0)], {"target": place}, _in(0)) as happened:
            found.append(happened)
            _until(lambda: {_processes.state(pid) for pid in pids} == {"T"})
            states.update(_processes.state(pid) for pid in pids)
            raise KeyError

    with pytest.raises(KeyError):
        broken_load()
    assert states == {"T"}
    assert "T" not in {_processes.state(pid) for pid in pids}
    assert found[0][0].ended_ns is not None


@pytest.mark.parametrize(
    ("name", "number"),
    [("terminate", signal.SIGTERM), ("interrupt", signal.SIGINT), ("rolling_restart", signal.SIGHUP)],
)
def test_a_signal_reaches_the_first_process_alone(place, tmp_path, name, number):
    """Workers would be ended under their supervisor, which no orchestrator does."""
    first = place.server.pids()[0]
    with happenings.running([_on_target(name, 0.0)], {"target": place}, _in(0.05)) as found:
        _until((tmp_path / "notes").exists)
        time.sleep(0.2)
    assert found[0].error is None
    assert found[0].ended_ns is None
    assert (tmp_path / "notes").read_text() == f"{first} {int(number)}\n"


def test_kills_take_one_worker_or_everybody_and_come_in_their_order(place):
    """A crash of one worker would be one of the service, or a dead target would be called alive."""
    pids = place.server.pids()
    faults = [_on_target("kill", 1.0), _on_target("kill_worker", 0.0), _on_target("freeze", 1.3, 1.4)]
    with happenings.running(faults, {"target": place}, _in(0.1)) as found:
        _until(lambda: len(found) == 1)
        left = _lives(pids)
        assert len(left) == 2
        assert pids[0] in left
        _until(lambda: len(found) == 3)
    assert _lives(pids) == []
    assert [one.fault for one in found] == ["kill_worker", "kill", "freeze"]
    assert [one.error is None for one in found] == [True, True, False]
    assert "had ended before the fault" in found[2].error


def test_a_hog_burns_beside_the_target_carries_the_label_and_goes(place):
    """A burner that is left would slow every later figure on the machine."""
    core = min(os.sched_getaffinity(0))
    here = Place(session=place.session, server=place.server, cores=[core])
    before = set(supervisor.labelled(place.session.label))
    with happenings.running([_on_target("cpu_hog", 0.0, processes=2)], {"target": here}, _in(0)) as found:
        _until(lambda: len(supervisor.labelled(place.session.label)) == len(before) + 2)
        burning = set(supervisor.labelled(place.session.label)) - before
        assert len(burning) == 2
        assert all(os.sched_getaffinity(pid) == {core} for pid in burning)
        first = sum(process_cpu_ns(pid) for pid in burning)
        _until(lambda: sum(process_cpu_ns(pid) for pid in burning) > first)
        assert sum(process_cpu_ns(pid) for pid in burning) > first
    assert found[0].error is None
    assert _lives(burning) == []


def test_the_fault_that_is_printed_for_contributors_works(place, tmp_path):
    """The first fault of one's own would begin with the search for what the example lacks."""
    text = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    example = re.search(r"## A fault: .*?```python\n(.*?)```", text, re.DOTALL)[1]
    path = tmp_path / "harness" / "faults" / "few_files.py"
    path.parent.mkdir(parents=True)
    path.write_text(example, encoding="utf-8")
    plugin = load(catalog.find("fault", "few_files", catalog.faults(tmp_path, [tmp_path])))

    def limits() -> list[int]:
        return [resource.prlimit(pid, resource.RLIMIT_NOFILE)[0] for pid in place.server.pids()]

    before = limits()
    begun = plugin.begin(place, plugin.complete({"files": 9}))
    assert limits() == [9, 9, 9]
    assert begun.end() > begun.acknowledged_ns
    assert limits() == before


def test_a_fault_that_the_trial_did_not_reach_is_said(place):
    """A trial that was cut short would count as one that the service survived."""
    with happenings.running([_on_target("kill", 30.0)], {"target": place}, _in(0)) as found:
        pass
    assert "before it was due" in found[0].error
    assert len(_lives(place.server.pids())) == 3


@pytest.fixture
def proxied(toxiproxy_binary):
    """A proxy with a server of its own, which a test may harm."""
    root = toxiproxy_binary.parents[2]
    with (
        echo.echoing() as upstream,
        processes.supervised() as session,
        tp.embedded(root, session, None, {}) as server,
    ):
        proxy = tp.proxy(server, "valkey", f"127.0.0.1:{upstream.server_address[1]}", session)
        yield Place(session=session, proxies=server, proxy=proxy)


def _on_valkey(name: str, start_s: float, end_s: float | None, **values: float) -> Fault:
    return Fault(fault=name, on="valkey", start_s=start_s, end_s=end_s, values=values)


def test_a_proxy_is_struck_at_the_moments_that_are_kept_by_one_fault_after_the_other(proxied):
    """Detection would be timed from a moment at which the way was still open."""
    faults = [_on_valkey("down", 0.6, 0.9), _on_valkey("latency", 0.1, 0.5, delay_ms=300)]
    happenings.check(faults, {"valkey": proxied}, 2.0)
    zero_ns = _in(0.1)
    with happenings.running(faults, {"valkey": proxied}, zero_ns) as found:
        with echo.opened(proxied.proxy.port) as link:
            time.sleep(max(0.0, (zero_ns + 200_000_000 - time.monotonic_ns()) / 1e9))
            assert echo.asked(link, b"x").took_s > 0.1
        refused = _refused(proxied.proxy.port, zero_ns + 1_200_000_000)
    assert [(one.fault, one.error) for one in found] == [("latency", None), ("down", None)]
    latency, down = found
    assert latency.ended_ns <= down.began_ns
    # Closed no sooner than it was asked for, open no later than was acknowledged.
    assert down.began_ns <= min(refused) < down.acknowledged_ns + BOUND_NS
    assert down.acknowledged_ns < max(refused) <= down.ended_ns


def _refused(port: int, until_ns: int) -> list[int]:
    """Moments at which a connection was refused."""
    found = []
    while (now_ns := time.monotonic_ns()) < until_ns:
        try:
            echo.opened(port).close()
        except ConnectionRefusedError:
            found.append(now_ns)
        time.sleep(0.002)
    return found


def test_a_server_that_stalls_harms_no_load_and_is_said(proxied):
    """The load would end with the instrument's fault, or the trial would count as one with a fault."""
    os.kill(proxied.proxies.process.pid, signal.SIGSTOP)
    began = time.monotonic()
    with happenings.running([_on_valkey("down", 0.0, None)], {"valkey": proxied}, _in(0)) as found:
        time.sleep(0.1)
    assert time.monotonic() - began < happenings.JOIN_S
    assert "stalls" in found[0].error
    assert found[0].acknowledged_ns is None


def test_a_server_that_dies_meanwhile_harms_no_load_and_is_said(proxied):
    """A fault that nobody could end would look like one that ended as planned."""
    with happenings.running([_on_valkey("latency", 0.0, 0.5)], {"valkey": proxied}, _in(0)) as found:
        time.sleep(0.3)
        proxied.proxies.process.kill()
        proxied.proxies.process.wait()
        time.sleep(0.5)
    assert found[0].acknowledged_ns is not None
    assert found[0].ended_ns is None
    assert "could not be ended" in found[0].error
    assert "has died" in found[0].error
