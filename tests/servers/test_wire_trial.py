"""Trials end to end: a real Locust process, a real server, files at the end."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections import Counter

import pytest

from tests.support import wire

OPEN = {"model": "open", "rate_rps": 150}
CLOSED = {"model": "closed", "users": 4}


def test_open_request_grain_loses_no_request_and_is_fair(tmp_path):
    """Lost otherwise: the client's counts and the server's would differ, and every block would be void."""
    with wire.server() as a, wire.server() as b:
        document = wire.trial_document(
            tmp_path, [a.url, b.url], OPEN, grain="request", parameters={"paths": ["/x", "/chunked", "/early"]}
        )
        [outcome] = wire.run("paths", document)
    done, rows = outcome.done, outcome.rows
    assert done["due"] == done["sent"] == done["completed"] == len(rows)
    assert Counter(row["entry"] for row in rows) == {0: a.counts.total(), 1: b.counts.total()}
    assert a.counts == b.counts, "each arm meets the same mix of paths"
    assert set(a.counts) == {"/x", "/chunked", "/early"}
    assert {(row["status"], row["error"], row["bytes"], row["attempt"]) for row in rows} == {(200, 0, 5, 1)}
    assert all(row["due_ns"] <= row["start_ns"] <= row["end_ns"] for row in rows)
    assert len({row["logical_id"] for row in rows}) == len(rows)
    for row in rows:
        one = done["slices"][row["slice"]]
        assert one["start_ns"] <= row["due_ns"] - done["t0_ns"] < one["quiet_ns"]
        assert row["entry"] in one["entries"]
        assert row["phase"] == (one["phase"] == "measure")


def test_closed_slices_load_one_arm_at_a_time_with_its_own_users(tmp_path):
    """Lost otherwise: saturation would be measured with both arms on the core at once."""
    with wire.server() as a, wire.server() as b:
        urls = [a.url, b.url, a.url, b.url]
        [outcome] = wire.run("paths", wire.trial_document(tmp_path, urls, CLOSED, grain="slice", slice_s=0.1))
    done, rows = outcome.done, outcome.rows
    assert done["due"] == done["sent"] == done["completed"] == len(rows) == a.counts.total() + b.counts.total()
    assert done["connections_opened"] == 16
    for row in rows:
        one = done["slices"][row["slice"]]
        assert [row["entry"]] == one["entries"]
        assert one["start_ns"] <= row["start_ns"] - done["t0_ns"] < one["quiet_ns"]
    assert {row["slice"] for row in rows} == set(range(len(done["slices"])))
    moments = sorted([(r["start_ns"], 1) for r in rows] + [(r["end_ns"], -1) for r in rows])
    outstanding = highest = 0
    for _, step in moments:
        outstanding += step
        highest = max(highest, outstanding)
    assert highest <= 8, "never more in flight than the users of an arm, and of its predecessor"


@pytest.mark.parametrize("load", [OPEN, CLOSED], ids=["open", "closed"])
def test_busy_waiting_is_reported_apart_from_work(tmp_path, load):
    """Lost otherwise: a waiting generator would look saturated, and every block would be void."""
    with wire.server() as one:
        [outcome] = wire.run("paths", wire.trial_document(tmp_path, [one.url], load, parameters={"paths": ["/hello"]}))
    done = outcome.done
    assert done["idle_spin_ns"] > 0.1 * done["wall_ns"]
    assert 0 < done["work_ns"] < 0.8 * done["wall_ns"]


@pytest.mark.parametrize("load", [OPEN, CLOSED], ids=["open", "closed"])
@pytest.mark.parametrize(
    ("path", "error"),
    [("/rst", 2), ("/eof", 3), ("/half", 3), ("/hang", 4), ("/garbage", 5), ("refused", 1)],
)
def test_failures_are_counted_by_class_and_never_retried(tmp_path, load, path, error):
    """Lost otherwise: drops would be hidden by a retry or charged to the wrong class."""
    with wire.server() as bad:
        document = wire.trial_document(
            tmp_path,
            [wire.refused_url() if path == "refused" else bad.url],
            {**load, "warmup_s": 0, "measure_s": 0.6},
            parameters={"paths": ["/x" if path == "refused" else path], "timeout_s": 0.5},
        )
        [outcome] = wire.run("paths", document)
    assert outcome.rows
    assert {row["error"] for row in outcome.rows} == {error}
    assert outcome.done["completed"] == 0
    assert outcome.done["sent"] == len(outcome.rows) == sum(outcome.done["errors"].values())
    if path != "refused":
        assert bad.counts.total() == len(outcome.rows), "one attempt per request"
    assert all(row["end_ns"] >= row["start_ns"] > 0 for row in outcome.rows)


def test_answers_that_end_the_connection_are_answers(tmp_path):
    """Lost otherwise: servers without keep-alive would look broken."""
    for name, load in (("open", OPEN), ("closed", CLOSED)):
        with wire.server() as it:
            document = wire.trial_document(
                tmp_path / name, [it.url], load, parameters={"paths": ["/close", "/until-eof"]}
            )
            [outcome] = wire.run("paths", document)
        assert outcome.done["completed"] == len(outcome.rows) == it.counts.total()
        assert {(row["status"], row["bytes"], row["error"]) for row in outcome.rows} == {(200, 5, 0)}
        assert outcome.done["connections_opened"] == len(outcome.rows)


def test_connections_closed_while_idle_fail_only_a_naive_client(tmp_path):
    """Lost otherwise: the stale-connection policy, which decides rolling restarts, would have no effect."""
    errors = {}
    for policy in ("check", "naive"):
        with wire.server() as it:
            document = wire.trial_document(
                tmp_path / policy, [it.url], OPEN, parameters={"paths": ["/silent-close"], "stale": policy}
            )
            [outcome] = wire.run("paths", document)
        errors[policy] = sum(outcome.done["errors"].values()) / outcome.done["sent"]
    # A request due in the very instant of the close may still be lost: two of a hundred at this rate.
    assert errors["check"] < 0.1
    assert errors["naive"] > 0.3


def test_unexpected_statuses_are_statuses_not_failures(tmp_path):
    """Lost otherwise: a 404 could not be told from a dropped connection."""
    with wire.server() as it:
        document = wire.trial_document(tmp_path, [it.url], CLOSED, parameters={"paths": ["/missing"]})
        [outcome] = wire.run("paths", document)
    assert {(row["status"], row["error"]) for row in outcome.rows} == {(404, 0)}
    assert outcome.done["unexpected"] == outcome.done["completed"] == len(outcome.rows)


def test_requests_beyond_the_connections_wait_and_the_last_ones_stay_unsent(tmp_path):
    """Lost otherwise: a capped generator would leave out the requests that hurt."""
    with wire.server() as it:
        document = wire.trial_document(
            tmp_path,
            [it.url],
            {**OPEN, "connections_max": 2, "warmup_s": 0, "measure_s": 0.5},
            parameters={"paths": ["/hang"], "timeout_s": 0.4},
        )
        [outcome] = wire.run("paths", document)
    done, rows = outcome.done, outcome.rows
    never = [row for row in rows if row["start_ns"] == -1]
    assert done["due"] == len(rows) == done["sent"] + done["unsent"]
    assert len(never) == done["unsent"] > 0
    assert all(row["end_ns"] == -1 for row in never)
    assert it.counts.total() == done["sent"] == done["errors"]["timeout"]
    assert any(row["start_ns"] - row["due_ns"] > 50_000_000 for row in rows), "late ones keep their due time"


def test_a_stall_shows_in_latency_from_due(tmp_path):
    """Lost otherwise: the generator would wait with the server and hide its stall."""
    with wire.server() as it:
        document = wire.trial_document(tmp_path, [it.url], {**OPEN, "warmup_s": 0, "measure_s": 1.2})
        it.lock.acquire()  # The server counts under this lock before it answers.

        def release() -> None:
            while not (tmp_path / "start.json").exists():
                time.sleep(0.01)
            time.sleep(0.65)
            it.lock.release()

        threading.Thread(target=release, daemon=True).start()
        [outcome] = wire.run("paths", document)
    latencies = sorted((row["end_ns"] - row["due_ns"]) / 1e6 for row in outcome.rows)
    stalled = [latency for latency in latencies if latency > 50]
    assert len(stalled) / len(latencies) > 0.3
    assert max(latencies) > 400
    assert outcome.done["completed"] == outcome.done["due"]


def test_two_workers_send_the_list_once(tmp_path):
    """Lost otherwise: more generators would mean more or fewer requests."""
    with wire.server() as it:
        outcomes = wire.run("paths", wire.trial_document(tmp_path, [it.url], OPEN, workers=2))
    logical = [row["logical_id"] for outcome in outcomes for row in outcome.rows]
    assert sorted(logical) == list(range(it.counts.total()))
    assert outcomes[0].done["slices"] == outcomes[1].done["slices"]


def test_orders_are_the_same_for_the_same_seed(tmp_path):
    """Lost otherwise: the arms, or two runs, would be given different work."""
    bodies = []
    for name in ("first", "second"):
        with wire.server() as it:
            [outcome] = wire.run("order", wire.trial_document(tmp_path / name, [it.url], CLOSED))
            assert outcome.done["completed"] == it.counts["/api/v1/orders"]
            bodies.append(set(it.bodies))
    assert bodies[0] == bodies[1]
    order = json.loads(next(iter(bodies[0])))
    assert set(order) == {"customer_id", "currency", "lines", "placed_at", "note"}
    assert {type(value) for line in order["lines"] for value in line.values()} == {int, str}


@pytest.mark.parametrize("load", [OPEN, CLOSED], ids=["open", "closed"])
def test_a_walk_follows_the_links(tmp_path, load):
    """Lost otherwise: conversations could not use what the server answered."""
    with wire.server() as it:
        document = wire.trial_document(tmp_path, [it.url], load, parameters={"path": "/pages/0"})
        [outcome] = wire.run("walk", document)
    assert set(it.counts) == {f"/pages/{i}" for i in range(5)}
    assert outcome.done["completed"] == outcome.done["due"] == it.counts.total()
    assert all(it.counts[f"/pages/{i}"] >= it.counts[f"/pages/{i + 1}"] for i in range(4))


def test_a_wrong_trial_exits_with_an_error(tmp_path):
    """Lost otherwise: a block without data could pass for a finished one."""
    trial = tmp_path / "trial.json"
    trial.write_text(json.dumps({"schema": 99}))
    process = wire.locust("-f", "scenarios/paths.py", "-u", "1", environment={"LOAD_TRIAL": str(trial)})
    log = process.communicate(timeout=60)[0]
    assert process.returncode != 0
    assert "schema 99 is unknown" in log


def test_plain_mode_fills_locusts_own_table():
    """Lost otherwise: the scenarios would be of no use in Locust's own interface."""
    with wire.server() as it:
        arguments = ("-u", "3", "-r", "3", "-t", "2s", "--host", it.url, "--json")
        process = wire.locust("-f", "scenarios/paths.py", *arguments, environment={"HTTP_PATHS": "/x,/missing"})
        log = process.communicate(timeout=60)[0]
    table = json.loads(log[log.index("[\n") : log.rindex("]") + 1])
    counted = {entry["name"]: (entry["num_requests"], entry["num_failures"]) for entry in table}
    # Requests on their way when the time is over have reached the server and not the table: one per user.
    assert 0 <= it.counts["/x"] - counted["/x"][0] <= 3
    assert counted["/x"][1] == 0
    assert counted["/missing"][0] == counted["/missing"][1] > 0
    assert process.returncode == 1, "Locust's own rule: failures exit 1"


def test_normal_locust_tasks_get_due_times_and_a_record(tmp_path):
    """Lost otherwise: people with ordinary Locust tasks could not have the open model."""
    scenario = tmp_path / "shop.py"
    scenario.write_text(
        "from locust import task\n"
        "from support.open_user import OpenUser\n"
        "class Shop(OpenUser):\n"
        "    @task\n"
        "    def look(self):\n"
        "        self.client.get('/x')\n"
    )
    (tmp_path / "support").symlink_to(wire.ROOT / "scenarios" / "support")
    with wire.server() as a, wire.server() as b:
        document = wire.trial_document(
            tmp_path / "out", [a.url, b.url], {**OPEN, "rate_rps": 60}, grain="request", parameters={"tasks_max": 16}
        )
        [outcome] = wire.run(scenario, document)
    done, rows = outcome.done, outcome.rows
    assert done["due"] == done["sent"] == done["completed"] == len(rows)
    assert Counter(row["entry"] for row in rows) == {0: a.counts.total(), 1: b.counts.total()}
    assert all(row["due_ns"] <= row["start_ns"] <= row["end_ns"] for row in rows)


def test_support_stands_alone(tmp_path):
    """Lost otherwise: nobody could take the folder into a project of their own."""
    (tmp_path / "support").symlink_to(wire.ROOT / "scenarios" / "support")
    (tmp_path / "mine.py").write_text((wire.ROOT / "scenarios" / "paths.py").read_text())
    with wire.server() as it:
        [outcome] = wire.run(tmp_path / "mine.py", wire.trial_document(tmp_path / "out", [it.url], CLOSED))
        assert outcome.done["completed"] == it.counts.total() > 0
    sources = [path.read_text() for path in (wire.ROOT / "scenarios" / "support").rglob("*.py")]
    assert not any("numpy" in source or "harness" in source for source in sources)


def test_a_killed_generator_leaves_no_summary(tmp_path):
    """Lost otherwise: a block cut short would be taken for a whole one."""
    with wire.server() as it:
        document = wire.trial_document(tmp_path, [it.url], {**CLOSED, "measure_s": 30})
        trial = tmp_path / "trial.json"
        trial.write_text(json.dumps(document))
        process = wire.locust("-f", "scenarios/paths.py", "-u", "1", environment={"LOAD_TRIAL": str(trial)})
        while not (tmp_path / "ready-1").exists():
            assert process.poll() is None
            time.sleep(0.01)
        (tmp_path / "s").write_text(json.dumps({"t0_ns": time.monotonic_ns()}))
        (tmp_path / "s").rename(tmp_path / "start.json")
        while not it.counts:
            time.sleep(0.01)
        os.kill(process.pid, 15)
        try:
            process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    assert not (tmp_path / "done-1.json").exists()
