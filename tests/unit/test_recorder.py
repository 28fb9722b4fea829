"""The record of requests, and the trial file that orders it."""

from __future__ import annotations

import json
import struct

import pytest

from scenarios.support.recorder import COLUMNS, ROW, TIMEOUT, Live, Recorder, write_json
from scenarios.support.trial import TrialError, arm_of, parse_trial, read_trial
from tests.support.wire import trial_document


def test_rows_come_back_as_they_were_recorded(tmp_path):
    """Lost otherwise: every figure of every report would be wrong."""
    recorder = Recorder(tmp_path, 2)
    name = recorder.name_index("GET /x")
    for i in range(1000):
        recorder.add(10**15 + i, -1, 10**15 + 2 * i, i, 7, 2**31, name, 503, TIMEOUT, 3, 1)
        if i % 300 == 0:
            recorder.flush()
    recorder.close()
    rows = list(struct.iter_unpack(ROW, (tmp_path / "requests-2.bin").read_bytes()))
    assert len(rows) == recorder.written == 1000
    assert dict(zip(COLUMNS, rows[9], strict=True)) == {
        "due_ns": 10**15 + 9,
        "start_ns": -1,
        "end_ns": 10**15 + 18,
        "logical_id": 9,
        "slice": 7,
        "bytes": 2**31,
        "name_index": 0,
        "status": 503,
        "attempt": 1,
        "error": 4,
        "entry": 3,
        "phase": 1,
    }


def test_live_figures_can_be_read_from_outside(tmp_path):
    """Lost otherwise: a meter could not tell the generator's busy waiting from its work."""
    live = Live(tmp_path, 1)
    live.update(4, 3, 2, 1)
    assert struct.unpack("<qqqq", (tmp_path / "live-1").read_bytes()) == (4, 3, 2, 1)
    live.close()


def test_documents_appear_whole(tmp_path):
    """Lost otherwise: a reader could take half a summary for a whole one."""
    write_json(tmp_path / "done-1.json", {"schema": 1})
    assert [path.name for path in tmp_path.iterdir()] == ["done-1.json"]


def test_no_trial_is_a_plain_locust_file():
    """Lost otherwise: a scenario could not be used in Locust's web UI."""
    assert read_trial({}) is None


def test_the_contract_is_read(tmp_path):
    """Lost otherwise: the harness and the scenarios would not understand each other."""
    path = tmp_path / "trial.json"
    load = {"model": "open", "rate_rps": 500, "arrivals": "constant", "connections_max": 9}
    document = trial_document(tmp_path, ["http://127.0.0.1:1", "http://[::1]:2/"], load, workers=2, unknown=1)
    path.write_text(json.dumps(document))
    one = read_trial({"LOAD_TRIAL": str(path), "LOAD_WORKER": "2"})
    assert one is not None
    assert (one.worker, one.workers, one.load.connections_max, one.load.arrivals) == (2, 2, 9, "constant")
    assert [arm.authority for arm in one.arms] == ["127.0.0.1:1", "[::1]:2"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": 2}, "schema 2 is unknown"),
        ({"grain": "day"}, "grain"),
        ({"arms": []}, "arms is empty"),
        ({"load": {"model": "open"}}, "rate_rps"),
        ({"load": {"model": "closed"}}, "users"),
        ({"load": {"model": "half"}}, "neither open nor closed"),
        ({"switches": [{"phase": "x", "start_s": 0, "end_s": 1, "entries": []}]}, "phase"),
        ({"workers": 0}, "worker 1"),
    ],
)
def test_a_trial_that_cannot_be_loaded_says_why(tmp_path, change, message):
    """Lost otherwise: a wrong trial would be measured, or fail with a riddle."""
    document = trial_document(tmp_path, ["http://127.0.0.1:1"], {"model": "open", "rate_rps": 1})
    with pytest.raises(TrialError, match=message):
        parse_trial({**document, **change})


def test_a_missing_or_broken_file_is_named(tmp_path):
    """Lost otherwise: nobody would know which file is meant."""
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    for path in (broken, tmp_path / "absent.json"):
        with pytest.raises(TrialError, match=path.name):
            read_trial({"LOAD_TRIAL": str(path)})


def test_only_plain_http_is_loaded():
    """Lost otherwise: TLS addresses would fail request by request."""
    with pytest.raises(TrialError, match="https"):
        arm_of("a", "https://127.0.0.1:1")
