"""What Kubernetes would make of a service's health while Locust's users are there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.support.probing import Known, checks
from targets.orchestrator import rules
from tests.support import wire
from tests.support.peers import peer

PATHS = {"startup_path": "/health/startup", "liveness_path": "/health/live", "readiness_path": "/health/ready"}
GIVEN = {**PATHS, "startup_failures": 30, "factor": 1.0}
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
BAD = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"


@given(st.lists(st.tuples(st.sampled_from(["startup", "liveness", "readiness"]), st.booleans()), max_size=60))
def test_the_scenario_concludes_what_the_simulated_orchestrator_concludes(results):
    """Two sets of rules in one project would tell a user two different things about one service."""
    ours, theirs = Known(checks(GIVEN)), rules.begun(rules.kubernetes())
    for kind, good in results:
        if not ours.due(kind):
            continue
        decision = ours.told(kind, good=good)
        theirs = rules.told(rules.kubernetes(), theirs, kind, good=good)
        if decision == "restart":
            assert theirs.condemned
            theirs = rules.begun(rules.kubernetes())
        assert not theirs.condemned
        assert (ours.started, ours.ready) == (theirs.started, theirs.ready)


def test_times_are_kubernetes_own_and_scale_but_for_patience():
    """A user would read restarts that no cluster would make."""
    real, fast = checks(GIVEN), checks({**GIVEN, "factor": 20, "liveness_path": ""})
    assert {(one.period_s, one.timeout_s) for one in real.values()} == {(10.0, 1.0)}
    assert (real["startup"].failures, real["liveness"].failures) == (30, 3)
    assert (fast["readiness"].period_s, fast["readiness"].timeout_s) == (0.5, 1.0)
    assert "liveness" not in fast
    for wrong in (0, -1, "nan", "inf", "soon"):
        with pytest.raises(ValueError, match=r"factor|convert"):
            checks({**GIVEN, "factor": wrong})


SICK = {"/health/startup": (0, 2), "/health/ready": (2, 6)}
"""Which answers of a path, counted from 0, are 503."""


def _answer(it, client, asked):
    number = sum(one.path == asked.path for one in it.asked) - 1
    low, high = SICK.get(asked.path, (0, 0))
    if asked.path == "/a":
        time.sleep(0.005)  # A user who asks as fast as it can would leave the probes no time on a busy machine.
    client.sendall(BAD if low <= number < high else OK)
    return True


def _asked(it, path):
    return sum(one.path == path for one in it.asked)


def test_probes_and_users_share_locusts_table_and_what_would_follow_has_its_rows():
    """The scenario would be of no use in Locust's own interface, or nobody would see that a replica would be out."""
    with peer(_answer) as it:
        environment = {**os.environ, "HEALTH_FACTOR": "40", "HTTP_PATHS": "/a"}
        argv = [sys.executable, "-m", "locust", "-f", "scenarios/health.py", "--headless", "--host", it.url, "--json"]
        process = subprocess.Popen(
            [*argv, "-u", "1", "-r", "1", "-t", "120s"],
            cwd=wire.ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        deadline = time.monotonic() + 100
        while _asked(it, "/health/ready") < 9 and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[0]
    rows = {(row["method"], row["name"]): row for row in json.loads(said[said.index("[\n") : said.rindex("]") + 1])}
    assert rows["GET", "/a"]["num_requests"] > 10
    assert (rows["GET", "probe startup"]["num_requests"], rows["GET", "probe startup"]["num_failures"]) == (3, 2)
    assert rows["GET", "probe readiness"]["num_failures"] == 4
    assert rows["GET", "probe liveness"]["num_failures"] == 0
    decisions = {name: row["num_requests"] for (kind, name), row in rows.items() if kind == "KUBERNETES"}
    assert decisions == {"started": 1, "in": 2, "out": 1}
    # Nothing else is asked before the start-up probe has succeeded.
    probes = [one.path for one in it.asked if one.path.startswith("/health")]
    assert probes[:3] == ["/health/startup"] * 3
    assert "/health/startup" not in probes[3:]


def test_under_a_trial_the_probes_are_beside_the_record(tmp_path):
    """Probes would stand among users' requests, and every client count would be wrong by them."""
    with peer(_answer) as it:
        load = {"model": "open", "rate_rps": 60, "warmup_s": 0, "measure_s": 1.5}
        parameters = {"paths": ["/a"], "factor": 40, "startup_path": ""}
        [outcome] = wire.run("health", wire.trial_document(tmp_path, [it.url], load, parameters=parameters))
    assert outcome.done["names"] == ["/a"]
    assert outcome.done["sent"] == len(outcome.rows) == sum(asked.path == "/a" for asked in it.asked)
    assert {asked.path for asked in it.asked} == {"/a", "/health/live", "/health/ready"}
