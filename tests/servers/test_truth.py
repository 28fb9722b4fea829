"""The servers of known truth do what they were told, and say what they did."""

from __future__ import annotations

import http.client
import socket
import statistics
import subprocess
import sys
import time
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets.truth import app as truth
from targets.truth.drops import FAILURES, assign, parse_plan
from tests.support import serving

APP = "targets.truth.app:app"


def under(name, **changes):
    """Run the truth application under a server."""
    return serving.served(name, APP, factory=False, ready="/truth", changes={"TRUTH_NONCE": name, **changes})


@pytest.mark.parametrize("name", serving.SERVERS)
def test_it_runs_under_every_server_and_counts_its_requests(name):
    """Without this a self-test could not be made for that server."""
    with under(name, TRUTH_BURN_US="200") as url, httpx.Client(base_url=url) as client:
        small = [client.get("/any/path") for _ in range(20)]
        big = client.get("/big?bytes=50000")
        report = client.get("/truth").json()
    assert {answer.status_code for answer in small} == {200}
    assert len(big.content) == 50_000
    assert (report["requests"], report["nonce"], report["stalls"]) == (21, name, [])
    # 30,000 turns of a loop: no interpreter does one in less than a third of a nanosecond.
    assert report["burned_ns"] >= 21 * 10_000
    # Each reading of the thread's clock takes about 1 µs that only it sees.
    assert 0 < report["burned_cpu_ns"] <= report["burned_ns"] * 1.05 + 21 * 20_000


@pytest.mark.parametrize(("us", "low", "high"), [((4, 8), 1.6, 2.4), ((40, 80), 1.8, 2.2)])
def test_twice_the_burn_is_twice_the_work(us, low, high):
    """Without this a dose would not be what its name says, and a slope could not be 1."""
    done = [truth.Done(), truth.Done()]
    told = [truth.read_truths({"TRUTH_BURN_US": str(one)}) for one in us]
    steps = [truth._burden(each, one) for each, one in zip(told, done, strict=True)]
    each: list[list[int]] = [[], []]
    for _ in range(2000):
        for step, one, took_ns in zip(steps, done, each, strict=True):
            before_ns = one.burned_ns
            step()
            took_ns.append(one.burned_ns - before_ns)
    # Medians, since a neighbour that takes the core for 20 ms in one step of one arm is no work of the burn.
    assert low < statistics.median(each[1]) / statistics.median(each[0]) < high


def test_without_a_burn_nothing_is_burned_and_the_status_is_as_told():
    """Without this the control arm would carry a trace of the effect."""
    with under("uvicorn", TRUTH_STATUS="503") as url, httpx.Client(base_url=url) as client:
        assert client.get("/").status_code == 503
        assert client.get("/big?bytes=x").status_code == 400
        report = client.get("/truth").json()
    assert (report["burned_ns"], report["burned_cpu_ns"], report["requests"]) == (0, 0, 2)
    environment = {"TRUTH_BURN_US": "1"}
    plain, burning = (truth._burden(truth.read_truths(e), truth.Done()) for e in ({}, environment))
    assert plain.__code__ is not burning.__code__


@pytest.mark.parametrize("name", serving.SERVERS)
def test_stalls_block_the_loop_when_and_as_long_as_reported(name):
    """Without this a stall that the instrument must find would not be where the truth says."""
    told = {"TRUTH_STALL_MS": "250", "TRUTH_STALL_FIRST_S": "0.3", "TRUTH_STALL_EVERY_S": "0.6"}
    with under(name, **told) as url, httpx.Client(base_url=url, timeout=10) as client:
        client.get("/")
        begun_ns = time.monotonic_ns()
        slow = []
        while time.monotonic_ns() - begun_ns < 1_400_000_000:
            start_ns = time.monotonic_ns()
            client.get("/")
            slow.append((start_ns, time.monotonic_ns()))
            time.sleep(0.005)
        stalls = client.get("/truth").json()["stalls"]
    assert len(stalls) >= 2
    assert all(end - start >= 250_000_000 for start, end in stalls)
    # On the multiples of the schedule: never early; a busy machine may make them late.
    assert stalls[1][0] - stalls[0][0] >= 550_000_000
    overlaps = [any(b < end and e > start for b, e in slow if e - b > 100_000_000) for start, end in stalls[:2]]
    assert overlaps == [True, True]


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"TRUTH_BRUN_US": "1"}, "TRUTH_BRUN_US"),
        ({"TRUTH_BURN_US": "much"}, "TRUTH_BURN_US"),
        ({"TRUTH_WORK_US": "-1"}, "TRUTH_WORK_US"),
        ({"TRUTH_STALL_MS": "nan"}, "TRUTH_STALL_MS"),
    ],
)
def test_a_truth_that_cannot_be_is_refused(environment, named):
    """Without this a mistyped truth would make the self-test blame the instrument."""
    with pytest.raises(ValueError, match=named):
        truth.read_truths(environment)


PLAN = "reset=7,cut=5,eof=3,status=4,hang=1"


def drops(plan, first, seed=3):
    """Run the dropping server."""
    port = serving.free_port()
    argv = [sys.executable, "-m", "targets.truth.drops", "--port", str(port), "--plan", plan]
    argv += ["--first", str(first), "--seed", str(seed)]
    return serving.process(argv, port, {"TRUTH_NONCE": "n"}, "/truth")


def one(url, method="GET", body=None):
    """Send one request on a new connection and name what came of it."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=2)
    try:
        connection.request(method, "/x", body)
        answer = connection.getresponse()
        answer.read()
    except http.client.RemoteDisconnected:
        return "eof"
    except ConnectionResetError:
        return "reset"
    except TimeoutError:
        return "hang"
    except http.client.IncompleteRead as error:
        return "cut" if (len(error.partial), error.expected) == (50, 50) else repr(error)
    finally:
        connection.close()
    return "ok" if answer.status == 200 else "status"


def test_exactly_the_planned_requests_are_dropped():
    """Without this a count of lost requests could not be checked against the truth."""
    with drops(PLAN, 60) as url:
        seen = [one(url, *(("POST", b"x" * 3000) if n % 2 else ("GET", None))) for n in range(80)]
        report = httpx.get(url + "/truth").json()
    assert {name: seen.count(name) for name in FAILURES} == parse_plan(PLAN)
    assert report["done"] == report["planned"] == parse_plan(PLAN)
    assert (report["requests"], report["nonce"]) == (80, "n")
    hits = assign(parse_plan(PLAN), 60, 3)
    assert seen == [hits.get(number, "ok") for number in range(80)]


def test_connections_stay_open_between_good_requests_and_pipelining_works():
    """Without this every answer would look like a drop to a client that keeps connections."""
    with drops("", 10) as url, socket.create_connection(("127.0.0.1", urlsplit(url).port), 10) as client:
        request = b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
        client.sendall(request * 3 + request[:20])
        time.sleep(0.05)
        client.sendall(request[20:])
        received = b""
        while received.count(b"HTTP/1.1 200") < 4:
            received += client.recv(65536)
    assert received.count(b'{"ok":true}') == 4


@given(
    counts=st.fixed_dictionaries({name: st.integers(0, 20) for name in FAILURES}),
    spare=st.integers(0, 50),
    seed=st.integers(0, 2**32),
)
def test_a_plan_is_dealt_out_whole_and_by_its_seed(counts, spare, seed):
    """Without this two runs of one seed would have different truths."""
    text = ",".join(f"{name}={count}" for name, count in counts.items())
    first = sum(counts.values()) + spare
    hits = assign(parse_plan(text), first, seed)
    assert hits == assign(parse_plan(text), first, seed)
    assert {name: list(hits.values()).count(name) for name in FAILURES} == counts
    assert all(0 <= number < first for number in hits)


@pytest.mark.parametrize("plan", ["rest=1", "reset=x", "reset=-1", "reset"])
def test_a_wrong_plan_is_a_wrong_command_line(plan):
    """Without this a mistyped plan would drop nothing and the self-test would pass."""
    argv = [sys.executable, "-m", "targets.truth.drops", "--port", "1", "--plan", plan]
    done = subprocess.run(argv, cwd=serving.ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "reset" in done.stderr


def test_the_null_server_answers_each_request_once():
    """Without this the floor of the rig would be measured with missing or spare answers."""
    port = serving.free_port()
    argv = [sys.executable, "-m", "targets.truth.null", "--port", str(port)]
    with serving.process(argv, port, {}, "/") as url:
        with httpx.Client(base_url=url) as client:
            assert [client.get("/any").json() for _ in range(5)] == [{"ok": True}] * 5
        with socket.create_connection(("127.0.0.1", port), 10) as raw:
            for piece in (
                b"GET / HTTP/1.1\r\nHost: x\r",
                b"\n\r\nGET / HTTP/1.1\r\n\r\nGET",
                b" / HTTP/1.1\r\n\r\n",
            ):
                raw.sendall(piece)
                time.sleep(0.05)
            raw.shutdown(socket.SHUT_WR)
            received = b""
            while piece := raw.recv(65536):
                received += piece
    assert received.count(b"HTTP/1.1 200") == 3
