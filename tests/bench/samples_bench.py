"""Ten million samples read, summarised and charted: how long, and how much memory at the most.

Prints one JSON line.  ``.venv/bin/python tests/bench/samples_bench.py --rows 10000000``
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
CHUNK = 1_000_000


def write_raw(folder: Path, rows: int) -> None:
    """Leave raw arrays as a generator does: exponential gaps, log-normal latencies, two arms of two processes."""
    from harness.store import samples  # noqa: PLC0415  (its import is part of what is timed nowhere)

    random, at_ns = np.random.default_rng(7), 0
    with (folder / "requests-1.bin").open("wb") as file:
        for first in range(0, rows, CHUNK):
            count = min(CHUNK, rows - first)
            chunk = np.zeros(count, samples.ROW)
            chunk["due_ns"] = at_ns + np.cumsum(random.exponential(1e5, count)).astype(np.int64)
            at_ns = int(chunk["due_ns"][-1])
            chunk["start_ns"] = chunk["due_ns"] + random.integers(0, 20_000, count)
            chunk["end_ns"] = chunk["start_ns"] + random.lognormal(13.8, 0.5, count).astype(np.int64)
            chunk["logical_id"] = np.arange(first, first + count)
            chunk["slice"], chunk["bytes"], chunk["status"], chunk["attempt"] = 1, 120, 200, 1
            chunk["entry"], chunk["phase"] = random.integers(0, 4, count), 1
            chunk.tofile(file)
    arms = [{"name": name, "instance": k, "url": ""} for name in ("baseline", "candidate") for k in (1, 2)]
    done = {"row": samples.ROW_FORMAT, "columns": list(samples.ROW.names or ()), "rows": rows, "names": ["/"]}
    counts = {"due": rows, "sent": rows, "completed": rows, "unsent": 0, "idle_spin_ns": 0, "work_ns": 1, "wall_ns": 1}
    (folder / "done-1.json").write_text(json.dumps({**done, **counts, "arms": arms, "slices": []}))


def main() -> None:
    """Write the rows, then time what a report does with them."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=10_000_000)
    rows = options.parse_args().rows
    from harness.report.charts.latency import latency  # noqa: PLC0415  (imports are not what is timed)
    from harness.store import samples  # noqa: PLC0415
    from harness.store.blocks import REQUESTS_FILE  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "load").mkdir()
        write_raw(folder / "load", rows)
        samples.write_parquet([folder / "load"], folder / REQUESTS_FILE)
        began = time.perf_counter()
        found = {role: samples.latencies_ns([folder], role, "open") for role in ("baseline", "candidate")}
        figures = {role: np.percentile(values, [50, 95, 99, 99.9]).tolist() for role, values in found.items()}
        svg = latency(found, {}) or ""
        seconds = time.perf_counter() - began
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    line = {"rows": rows, "seconds": seconds, "peak_mb": peak_mb, "svg_bytes": len(svg), "arms": sorted(figures)}
    sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
