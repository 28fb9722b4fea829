"""No request is lost or changed between the generator's arrays and the Parquet file."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.store import samples
from tests.support import runs

TIME = st.integers(0, 2**62)
MAYBE = st.just(-1) | TIME
ROWS = st.lists(
    st.tuples(
        MAYBE,
        MAYBE,
        MAYBE,
        st.integers(-(2**63), 2**63 - 1),
        st.integers(0, 2**31 - 1),
        st.integers(0, 2**32 - 1),
        st.integers(0, 1),
        st.integers(0, 999),
        st.integers(0, 255),
        st.integers(0, 5),
        st.integers(0, 3),
        st.integers(0, 1),
    ),
    max_size=20,
)
ROOT = Path(__file__).parents[2]


def none(value: int, missing: int) -> int | None:
    """Return None for the mark of a missing value."""
    return None if value == missing else value


def test_the_row_is_the_struct_of_the_generator():
    """A user's samples would be read with shifted columns."""
    assert struct.calcsize(samples.ROW_FORMAT) == samples.ROW.itemsize == 48
    values = tuple(range(1, 13))
    row = np.frombuffer(struct.pack(samples.ROW_FORMAT, *values), samples.ROW)
    assert row[0].tolist() == values


@settings(max_examples=60, deadline=None)
@given(first=ROWS, second=ROWS)
def test_binary_to_parquet_round_trip(tmp_path_factory, first, second):
    """A user would publish figures from samples that nobody took."""
    load = tmp_path_factory.mktemp("load")
    for worker, rows in ((1, first), (2, second)):
        runs.write_load(load, np.array(rows, dtype=samples.ROW), worker=worker)
    assert samples.write_parquet([load], load / "requests.parquet") == len(first) + len(second)
    read = pq.read_table(load / "requests.parquet").to_pylist()
    expected = [
        {
            "worker": worker,
            "arm": ("baseline", "baseline", "candidate", "candidate")[entry],
            "instance": entry % 2 + 1,
            "slice": piece,
            "phase": samples.PHASES[phase],
            "name": ("/ping", "/größe")[name],
            "due_ns": due,
            "start_ns": none(start, -1),
            "end_ns": none(end, -1),
            "status": none(status, 0),
            "error": (None, *samples.ERRORS)[error],
            "bytes": size,
            "logical_id": logical,
            "attempt": attempt,
        }
        for worker, rows in ((1, first), (2, second))
        for due, start, end, logical, piece, size, name, status, attempt, error, entry, phase in rows
    ]
    assert read == expected
    assert samples.load_rows(load).tolist() == [*first, *second]


def test_slices_of_several_loads_stay_apart(tmp_path):
    """A user of the block grain would see four processes' slices fall on each other."""
    for name in ("a", "b"):
        runs.write_load(tmp_path / name, runs.raw_rows(100, seed=1))
    samples.write_parquet([tmp_path / "a", tmp_path / "b"], tmp_path / "requests.parquet")
    slices = pq.read_table(tmp_path / "requests.parquet")["slice"].to_pylist()
    assert slices[100:] == [number + 10 for number in slices[:100]]


def test_latencies_start_at_the_due_time_in_the_open_model(tmp_path):
    """A user would not see the queue in front of an overloaded server (coordinated omission)."""
    rows = np.zeros(6, samples.ROW)
    rows["due_ns"], rows["start_ns"], rows["end_ns"], rows["phase"] = 100, 150, 400, 1
    rows["error"][1] = samples.ERRORS.index("timeout") + 1
    rows["error"][2] = samples.ERRORS.index("refused") + 1
    rows["end_ns"][3] = -1
    rows["phase"][4] = 0
    rows["entry"][5] = 2
    runs.write_load(tmp_path / "load", rows)
    samples.write_parquet([tmp_path / "load"], tmp_path / "requests.parquet")
    assert samples.latencies_ns([tmp_path], "baseline", "open").tolist() == [300, 300]
    assert samples.latencies_ns([tmp_path], "baseline", "closed").tolist() == [250, 250]
    assert samples.latencies_ns([tmp_path], "baseline", "open", "warmup").tolist() == [300]
    assert samples.latencies_ns([tmp_path, tmp_path], "candidate", "open").tolist() == [300, 300]
    assert samples.latencies_ns([tmp_path], "nobody", "open").size == 0
    assert samples.latencies_ns([], "baseline", "open").size == 0


@pytest.mark.parametrize("damage", ["short", "long", "no done", "no bin", "bad done", "row", "entry", "error", "empty"])
def test_damaged_samples_void_the_block(tmp_path, damage):
    """A user would get a figure from a generator that died half-way."""
    rows = runs.raw_rows(10, seed=1)
    if damage in {"entry", "error"}:
        rows[damage][3] = 200
    runs.write_load(tmp_path, rows)
    binary, done = tmp_path / "requests-1.bin", tmp_path / "done-1.json"
    if damage == "short":
        binary.write_bytes(binary.read_bytes()[:-1])
    elif damage == "long":
        binary.write_bytes(binary.read_bytes() + bytes(48))
    elif damage == "no done":
        done.unlink()
    elif damage == "no bin":
        binary.unlink()
    elif damage == "bad done":
        done.write_text('{"rows": 10')
    elif damage == "row":
        done.write_text(json.dumps({**json.loads(done.read_text()), "row": "<qq"}))
    elif damage == "empty":
        binary.unlink()
        done.unlink()
    with pytest.raises(samples.DamagedSamples):
        samples.write_parquet([tmp_path], tmp_path / "requests.parquet")


def test_damaged_parquet_is_named(tmp_path):
    """A user could not tell which block's samples are broken."""
    (tmp_path / "requests.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(UsageError, match=r"requests\.parquet"):
        samples.latencies_ns([tmp_path], "baseline", "open")


def test_many_samples_need_little_memory(tmp_path):
    """A user with a long session would run out of memory in the report."""
    runs.write_load(tmp_path, runs.raw_rows(1_500_000, seed=2))
    samples.write_parquet([tmp_path], tmp_path / "requests.parquet")
    code = (
        "import resource, sys; from pathlib import Path; from harness.store import samples\n"
        "base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "n = len(samples.latencies_ns([Path(sys.argv[1])] * 4, 'baseline', 'open'))\n"
        "print(n, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base) // 1024)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, cwd=ROOT, check=True
    )
    count, grown_mb = map(int, done.stdout.split())
    assert count > 2_000_000
    # Six million samples of both arms, read four row groups at a time, never all columns at once.
    assert grown_mb < 400
