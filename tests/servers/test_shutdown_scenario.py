"""The clients that meet a stopping server, and the ledger that says what the server knows of them."""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from scenarios.support.clients.mix import DEFAULTS, acts
from scenarios.support.recorder import ERRORS
from scenarios.support.trial import TrialError, parse_trial
from scenarios.support.wire.engine import Engine
from targets.truth import ledger
from tests.support import serving, wire
from tests.support.peers import peer

LOAD = {"model": "open", "warmup_s": 0}
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
POLICIES = ("fresh", "careful", "naive", "retry_once")
PLAN = {"reset": 7, "cut": 5, "eof": 3, "status": 4}


def document(output, url, kinds, policies=POLICIES, *, rate_rps=100, measure_s=1.0, arrivals="poisson", **parameters):
    """Make a trial of the open model with these kinds (shares, or a list of equal ones) and policies."""
    shares = kinds if isinstance(kinds, dict) else dict.fromkeys(kinds, 1)
    mix = {"kinds": shares, "policies": dict.fromkeys(policies, 1), "timeout_s": 5, **parameters}
    load = {**LOAD, "rate_rps": rate_rps, "measure_s": measure_s, "arrivals": arrivals}
    return wire.trial_document(output, [url], load, parameters=mix)


def shutdown(*arguments, **keywords):
    """Run the scenario once; gives its summary and rows, each with its name and the name of its failure."""
    [outcome] = wire.run("shutdown", document(*arguments, **keywords))
    rows = [
        {**row, "name": outcome.done["names"][row["name_index"]], "error": ERRORS[row["error"]]} for row in outcome.rows
    ]
    return outcome.done, rows


def keys(rows):
    """Give logical id and attempt of each row or record; no pair may come twice."""
    counted = Counter(
        (r["logical_id"], r["attempt"]) if isinstance(r, dict) else (r.logical_id, r.attempt) for r in rows
    )
    assert set(counted.values()) <= {1}
    return set(counted)


def drops(number, policy, tmp_path):
    """Run one client against planned failures; gives summary, rows and what the server did."""
    port = serving.free_port()
    plan = ",".join(f"{name}={count}" for name, count in PLAN.items())
    argv = [sys.executable, "-m", "targets.truth.drops", "--port", str(port), "--plan", plan]
    with serving.process([*argv, "--first", "100", "--seed", str(number)], port, {}, "/truth") as url:
        done, rows = shutdown(tmp_path / policy, url, ["quick"], [policy], rate_rps=200)
        return done, rows, httpx.get(url + "/truth").json()


def test_failures_are_counted_by_class_for_every_client(tmp_path):
    """Lost otherwise: a shutdown's drops would be charged to the wrong class, or to the wrong client."""
    with ThreadPoolExecutor() as pool:
        refused = pool.submit(shutdown, tmp_path / "refused", wire.refused_url(), ["quick", "half", "byteless"])
        runs = list(pool.map(drops, range(4), POLICIES, [tmp_path] * 4))
    for policy, (done, rows, truth) in zip(POLICIES, runs, strict=True):
        assert {row["name"] for row in rows} == {f"{policy} quick"}
        assert truth["done"] == {**PLAN, "hang": 0}
        found = Counter(row["error"] for row in rows)
        assert (found["rst"], found["eof"]) == (PLAN["reset"], PLAN["cut"] + PLAN["eof"])
        assert Counter(row["status"] for row in rows if not row["error"])[503] == PLAN["status"] == done["unexpected"]
        assert found[""] + found["rst"] + found["eof"] == len(rows) == done["sent"] == truth["requests"]
        assert done["errors"] == {name: found[name] for name in ERRORS[1:]}
        assert len(rows) - done["retries"] == done["due"]
        assert (done["retries"] > 0) == (policy == "retry_once")
        keys(rows)
    done, rows = refused.result()
    assert {row["error"] for row in rows} == {"refused"}
    assert done["completed"] == done["retries"] == 0
    assert all(row["due_ns"] <= row["start_ns"] <= row["end_ns"] for row in rows)


def test_connections_closed_while_idle_fail_the_naive_client_alone(tmp_path):
    """Lost otherwise: nobody could tell what a look at an idle connection is worth in a shutdown."""
    ended = []

    def answer(it, client, asked):
        client.sendall(OK)
        # Between two dues, which are 17 ms apart.
        if asked.total in {30, 60, 90}:
            threading.Timer(0.005, lambda: ended.append(it.end_all())).start()
        return True

    with peer(answer) as it:
        done, rows = shutdown(
            tmp_path,
            it.url,
            ["quick"],
            ["careful", "naive", "retry_once"],
            arrivals="constant",
            rate_rps=60,
            measure_s=2,
        )
    names = {row["logical_id"]: row["name"] for row in rows}
    last = {asked.connection: names[asked.logical_id] for asked in it.asked}
    failed = [row for row in rows if row["error"]]
    assert len(ended) == 3
    assert {row["name"] for row in failed} == {"naive quick"}
    assert {row["error"] for row in failed} <= {"eof", "rst"}
    # One idle connection each time, or more where answers were slow enough that a second was needed.
    closed = [last[number] for numbers in ended for number in numbers]
    assert 3 <= len(failed) <= closed.count("naive quick")
    assert done["connections_replaced"] >= 6
    assert done["retries"] == 0


def test_only_the_retrying_client_repeats_and_only_what_may_be_repeated(tmp_path):
    """Lost otherwise: a retry would hide drops of the other clients, or send an order twice."""

    def answer(_it, client, asked):
        if asked.nth == 1:
            client.sendall(OK)
        return asked.nth == 1

    with peer(answer) as it:
        done, rows = shutdown(tmp_path, it.url, ["quick", "half"], half_ms=10)
    assert keys(rows) == {(asked.logical_id, asked.attempt) for asked in it.asked}
    reused = {(asked.logical_id, asked.attempt) for asked in it.asked if asked.nth == 2}
    failed = [row for row in rows if row["error"]]
    assert {row["error"] for row in failed} == {"eof"}
    assert keys(failed) == reused
    assert {row["name"] for row in failed} == {f"{p} {k}" for p in POLICIES[1:] for k in ("quick", "half")}
    again = {row["logical_id"]: row for row in rows if row["attempt"] == 2}
    assert set(again) == {row["logical_id"] for row in failed if row["name"] == "retry_once quick"}
    assert {(row["name"], row["error"]) for row in again.values()} == {("retry_once quick", "")}
    assert done["retries"] == len(again)


def end_by_id(_it, client, asked):
    """Answer as the path and the id want it: whole, cut, reset, never, or in another language."""
    if asked.path == "/stream":
        client.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        if asked.logical_id % 4 in {0, 1}:
            client.sendall(b"3\r\n%b\r\n0\r\n\r\n" % (b"end", b"mid")[asked.logical_id % 4])
        elif asked.logical_id % 4 == 3:
            time.sleep(0.05)  # The client has read the chunk by then: a reset would take it along.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return asked.logical_id % 4 in {0, 1}
    if asked.path == "/slow":
        time.sleep(2)
        return False
    client.sendall(b"SSH-2.0-x\r\n\r\n" if asked.path == "/odd" else OK)
    return asked.path != "/odd"


def test_every_kind_does_on_the_wire_what_its_name_says(tmp_path):
    """Lost otherwise: half-sent requests, silent connections and streams would be quick requests with other names."""
    kinds = ["quick", "slow", "long", "stream", "half", "byteless"]
    more = {"half_ms": 300, "byteless_ms": 300, "timeout_s": 0.5, "kind_paths": {"long": "/odd"}}
    with peer(end_by_id) as it:
        done, rows = shutdown(tmp_path, it.url, kinds, ["fresh", "careful"], rate_rps=120, **more)
    of = {kind: {row["logical_id"]: row for row in rows if row["name"].endswith(f" {kind}")} for kind in kinds}
    assert all(len(found) > 5 for found in of.values())
    assert keys(rows) == {(asked.logical_id, asked.attempt) for asked in it.asked}
    streams = {i: ("", "", "eof", "rst")[i % 4] for i in of["stream"]}
    assert {i: row["error"] for i, row in of["stream"].items()} == streams
    assert done["short_streams"] == sum(i % 4 == 1 for i in streams)
    failures = {kind: {row["error"] for row in found.values()} for kind, found in of.items() if kind != "stream"}
    assert failures == {"quick": {""}, "slow": {"timeout"}, "long": {"protocol"}, "half": {""}, "byteless": {""}}
    connection = {asked.logical_id: asked for asked in it.asked}
    place = {event: number for number, event in enumerate(it.events)}
    whole = [number for number, event in enumerate(it.events) if event.what == "whole"]
    # The last requests have nobody behind them to be overtaken by.
    early = max(of["quick"]) - 60
    for i, asked in connection.items():
        if i in of["half"]:
            first, second = place["half", asked.connection, i], place["whole", asked.connection, i]
        elif i in of["byteless"]:
            assert asked.nth == 1
            first, second = place["connected", asked.connection, -1], place["bytes", asked.connection, -1]
        else:
            continue
        assert i > early or any(first < number < second for number in whole)


def test_the_ledger_and_the_clients_agree_when_the_server_is_killed(tmp_path):
    """Lost otherwise: a request that the server had worked on could pass for one that never arrived."""
    folder = tmp_path / "ledger"

    def kill():
        while not (tmp_path / "load" / "start.json").exists():
            time.sleep(0.01)
        time.sleep(0.9)
        [process] = folder.glob("*.bin")
        os.kill(int(process.stem), signal.SIGKILL)

    changes = {"LEDGER_DIR": str(folder)}
    with serving.served("uvicorn", "targets.truth.slow:app", factory=False, ready="/quick", changes=changes) as url:
        killer = threading.Thread(target=kill)
        killer.start()
        times = {"slow_ms": 200, "stream_ms": 200, "half_ms": 100, "byteless_ms": 100}
        kinds = {"quick": 6, "slow": 1, "stream": 1, "half": 1, "byteless": 1}
        _, rows = shutdown(tmp_path / "load", url, kinds, rate_rps=200, measure_s=1.5, **times)
        killer.join()
    records = [record for record in ledger.read(folder) if record.logical_id >= 0]
    arrived = keys(record for record in records if record.event == ledger.ARRIVED)
    answered = keys(record for record in records if record.event == ledger.ANSWERED)
    sent, whole = keys(rows), keys(row for row in rows if not row["error"])
    failed = {(row["logical_id"], row["attempt"]): row["error"] for row in rows if row["error"]}
    assert whole <= answered <= arrived <= sent
    assert len(whole) > 50
    assert set(failed.values()) <= {"refused", "rst", "eof"}
    # Killed between record and hand-over: one request at most, for the server answers one at a time.
    lost = answered - whole
    assert len(lost) <= 1
    assert set(failed) & arrived == (arrived - answered) | lost
    assert arrived - answered
    unreached = Counter(failed[key] for key in set(failed) - arrived)
    assert unreached["refused"] > 20
    assert not {key for key, error in failed.items() if error == "refused"} & arrived


@pytest.mark.parametrize("name", serving.SERVERS)
def test_slow_answers_and_keeps_its_ledger_under_every_server(tmp_path, name):
    """Lost otherwise: a server's shutdown could not be compared with the others'."""
    changes = {"LEDGER_DIR": str(tmp_path)}
    with (
        serving.served(name, "targets.truth.slow:app", factory=False, ready="/quick", changes=changes) as url,
        httpx.Client(base_url=url) as client,
    ):
        asked = [("GET", "/quick"), ("GET", "/slow?ms=60"), ("GET", "/stream?ms=90&gap_ms=20"), ("POST", "/upload")]
        asked += [("GET", "/slow?ms=x"), ("GET", "/nothing")]
        answers = [
            client.request(method, path, headers={"X-Logical-Id": str(i), "X-Attempt": "2"}, content=b"x" * 3000)
            for i, (method, path) in enumerate(asked)
        ]
        with client.stream("GET", "/stream?ms=0&gap_ms=10", headers={"X-Logical-Id": "9"}) as endless:
            pieces = endless.iter_raw()
            assert b"chunk 0;" in next(pieces) + next(pieces)
        deadline = time.monotonic() + 10
        while not [r for r in ledger.read(tmp_path) if r.event == ledger.ABORTED] and time.monotonic() < deadline:
            time.sleep(0.02)
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 400, 404]
    assert [answer.text for answer in answers[:2]] == ["quick", "slow"]
    assert answers[2].text.startswith("chunk 0;chunk 1;")
    assert answers[2].text.endswith("end")
    assert answers[3].text == "3000"
    records = ledger.read(tmp_path)
    events = {i: [(r.event, r.attempt, r.status) for r in records if r.logical_id == i] for i in range(-2, 10)}
    assert [event for event, _, _ in events[ledger.PROCESS]] == [ledger.STARTED, ledger.STOPPED]
    for i, answer in enumerate(answers):
        assert events[i] == [(ledger.ARRIVED, 2, 0), (ledger.ANSWERED, 2, answer.status_code)]
    assert events[9] == [(ledger.ARRIVED, 1, 0), (ledger.ABORTED, 1, 200)]
    assert [event for event, _, _ in events[ledger.NOBODY]] == [ledger.ARRIVED, ledger.ANSWERED]


def test_the_service_keeps_the_same_ledger(tmp_path):
    """Lost otherwise: what the reference service loses in a shutdown could not be joined with what clients saw."""
    app = "targets.service.main:create_app"
    changes = {"LEDGER_DIR": str(tmp_path), "SERVICE_LEDGER__KIND": "on"}
    with serving.served("uvicorn", app, factory=True, ready="/health/live", changes=changes) as url:
        frames = httpx.get(f"{url}/internal/arm").json()["stack"]
        httpx.get(f"{url}/api/v1/items?limit=1", headers={"X-Logical-Id": "5"})
        httpx.get(f"{url}/nowhere")
    outside = set(frames[: frames.index("LedgerMiddleware")])
    assert outside <= {"ServerErrorMiddleware", "ExceptionTelemetryMiddleware", "AppBodyLimitMiddleware"}, (
        "inside of the framework's own frames alone"
    )
    records = [(r.logical_id, r.event, r.status) for r in ledger.read(tmp_path)]
    assert records[0] == (ledger.PROCESS, ledger.STARTED, 0)
    assert records[1:5] == [(5, 1, 0), (5, 2, 200), (-2, 1, 0), (-2, 2, 404)]
    # It is killed at the end of the test: what is there then is only what had happened.
    assert records[5:] in ([], [(ledger.PROCESS, ledger.STOPPED, 0)])


def test_a_cut_ledger_is_refused_and_a_folder_is_asked_for(tmp_path):
    """Lost otherwise: a damaged ledger would make whole requests look unexplained."""
    ledger.Ledger(tmp_path).note(ledger.STARTED)
    [path] = tmp_path.glob("*.bin")
    assert [record.event for record in ledger.read(tmp_path)] == [ledger.STARTED]
    assert path.stat().st_size == struct.calcsize(ledger.RECORD) == 32
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(ledger.LedgerError, match="33 bytes"):
        ledger.read(tmp_path)
    argv = [sys.executable, "-m", "uvicorn", "--factory", "targets.service.main:create_app", "--port", "0"]
    environment = {k: v for k, v in serving.environment({"SERVICE_LEDGER__KIND": "on"}).items() if k != "LEDGER_DIR"}
    done = subprocess.run(argv, cwd=serving.ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "LEDGER_DIR: missing" in done.stderr


def test_the_wire_labels_its_requests_where_it_is_asked_to(tmp_path):
    """Lost otherwise: requests of the ordinary scenarios could not be joined with a server's ledger one by one."""
    changes = {"LEDGER_DIR": str(tmp_path / "ledger")}
    parameters = {"paths": ["/quick", "/slow?ms=30"], "logical_header": True}
    with serving.served("uvicorn", "targets.truth.slow:app", factory=False, ready="/quick", changes=changes) as url:
        trial = wire.trial_document(tmp_path, [url], {**LOAD, "rate_rps": 150}, parameters=parameters)
        [outcome] = wire.run("paths", trial)
    records = [record for record in ledger.read(tmp_path / "ledger") if record.logical_id >= 0]
    for event in (ledger.ARRIVED, ledger.ANSWERED):
        assert keys(record for record in records if record.event == event) == keys(outcome.rows)
    assert outcome.done["completed"] == outcome.done["due"] == len(outcome.rows) > 50
    closed = {**trial, "load": {"model": "closed", "users": 1}}
    with pytest.raises(TrialError, match="logical_header"):
        Engine(parse_trial(closed), (), None, None, fixed=None, flow=None)


def test_without_a_trial_it_fills_locusts_own_table():
    """Lost otherwise: the mix would be of no use in Locust's own interface."""
    with peer(lambda _it, client, _asked: not client.sendall(OK)) as it:
        arguments = ("-u", "1", "-r", "1", "-t", "2s", "--host", it.url, "--json")
        process = wire.locust("-f", "scenarios/shutdown.py", *arguments)
        log = process.communicate(timeout=60)[0]
    table = json.loads(log[log.index("[\n") : log.rindex("]") + 1])
    assert {entry["method"] for entry in table} == set(POLICIES)
    total = sum(entry["num_requests"] for entry in table)
    assert sum(entry["num_failures"] for entry in table) == 0
    # What is outstanding at the end, half and silent requests among it, was seen by the server only, or not at all.
    assert total <= len(it.asked) + 1
    assert total > 10


def test_the_mix_is_drawn_by_its_seed_and_wrong_shares_are_refused():
    """Lost otherwise: workers would send other requests than a single one, or a mistyped kind none at all."""
    drawn = acts(DEFAULTS, 3, 4000)
    assert drawn[:500] == acts(DEFAULTS, 3, 500)
    assert drawn != acts(DEFAULTS, 4, 4000)
    counted = Counter(act.kind for act in drawn)
    assert 0.75 < counted["quick"] / 4000 < 0.85
    assert counted["long"] == 0
    for wrong in ({"kinds": {"fast": 1}}, {"kinds": {"quick": 0}}, {"policies": {"naive": -1, "fresh": 2}}):
        with pytest.raises(TrialError, match=next(iter(wrong))):
            acts({**DEFAULTS, **wrong}, 1, 1)
