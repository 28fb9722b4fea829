"""What the recorder costs: a row on the wire user, and its share of Locust's FastHttpUser.

Prints JSON lines.  ``.venv/bin/python tests/bench/recorder_bench.py`` on a quiet machine with nginx.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from wire_bench import FAST, ROOT, fast_user, nginx

RECORDED = (
    FAST
    + """
import time
from pathlib import Path
from locust import events
from support.recorder import FLUSH_ROWS, Recorder
recorder = Recorder(Path(__file__).resolve().parent, 1)
@events.request.add_listener
def keep(name, response_time, response_length, response, start_time=None, exception=None, **_):
    end_ns = time.monotonic_ns()
    began_ns = end_ns - round(response_time * 1e6)
    status, index = response.status_code if response else 0, recorder.name_index(name)
    recorder.add(began_ns, began_ns, end_ns, 0, 0, response_length or 0, index, status, 0, 0, 1)
    if len(recorder.rows) >= FLUSH_ROWS:
        recorder.flush()
"""
)
REPEATS = 4
"""Of each, in turn: the client's own speed drifts by more than a recorder costs."""


def row_us(folder: Path, rows: int = 400_000) -> float:
    """What keeping and writing one row takes, less an empty loop, in µs."""
    sys.path.insert(0, str(ROOT / "scenarios"))
    from support.recorder import FLUSH_ROWS, Recorder  # noqa: PLC0415  (found by the line above)

    recorder = Recorder(folder, 9)
    append, pack = recorder.rows.append, recorder.pack
    numbers = range(rows)
    empty_ns = time.thread_time_ns()
    for _ in numbers:
        pass
    empty_ns = time.thread_time_ns() - empty_ns
    kept_ns = time.thread_time_ns()
    for number in numbers:
        append(pack(number, number, number, number, 1, 120, 0, 200, 1, 0, 0, 1))
        if len(recorder.rows) >= FLUSH_ROWS:
            recorder.flush()
    return (time.thread_time_ns() - kept_ns - empty_ns) / rows / 1e3


def main() -> None:
    """Measure both, alternating the two users."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=4.0)
    options.add_argument("--cores", default="0,1")
    chosen = options.parse_args()
    generator, target = (int(core) for core in chosen.cores.split(","))
    with tempfile.TemporaryDirectory() as name, nginx(Path(name), target) as url:
        folder = Path(name)
        sys.stdout.write(json.dumps({"what": "recorder, a row", "us": round(row_us(folder), 3)}) + "\n")
        sys.stdout.flush()
        (folder / "support").symlink_to(ROOT / "scenarios" / "support")
        (folder / "recorded").mkdir()
        (folder / "recorded" / "support").symlink_to(ROOT / "scenarios" / "support")
        (folder / "fast_user.py").write_text(FAST)
        (folder / "recorded" / "fast_user.py").write_text(RECORDED)
        ratios = []
        places = {"bare": folder, "recorded": folder / "recorded"}
        for number in range(REPEATS):
            # Each goes first as often as the other: what warms up must not count for one of them.
            order = sorted(places, reverse=number % 2 == 1)
            rps = {name: fast_user(places[name], url, chosen.seconds, generator) for name in order}
            ratios.append(rps["recorded"] / rps["bare"])
    share = 1 - statistics.mean(ratios)
    error = statistics.stdev(ratios) / REPEATS**0.5
    line = {"what": "recorder, share of FastHttpUser", "share": round(share, 4), "standard_error": round(error, 4)}
    sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
