"""The figures of the instrument itself, printed as one table; ratios of one run, no absolute promises.

Run by ``make bench`` after the self-test.  Takes about five minutes on two cores; nothing else should run.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def seconds(argv: list[str], repeats: int = 7) -> float:
    """Median wall time of a command."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        subprocess.run(argv, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def help_ratio() -> float:
    """``harness --help`` ÷ a bare ``import typer``."""
    shown = seconds([str(ROOT / ".venv/bin/harness"), "--help"])
    return shown / seconds([sys.executable, "-c", "import typer"])


def duel(*words: str) -> tuple[dict[str, object], float]:
    """A duel's document and its wall time in seconds."""
    began = time.perf_counter()
    done = subprocess.run(
        [str(ROOT / ".venv/bin/harness"), "duel", *words, "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return json.loads(done.stdout), time.perf_counter() - began


def half_width(document: dict[str, object]) -> str:
    """Half-width of the 95 % interval in per cent, or why there is none."""
    if "error" in document:
        return f"none ({document['error']})"
    low, high = float(str(document["low"])), float(str(document["high"]))
    return f"{(high - low) / 2:.2%} (ratio {float(str(document['ratio'])):.4f})"


def wire() -> list[str]:
    """The wire user against Locust's FastHttpUser, as its own benchmark prints it."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests/bench/wire_bench.py")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.splitlines()


def main() -> None:
    """Measure one figure after the other and print each as soon as it is there."""
    sys.stdout.write(f"harness --help ÷ import typer: {help_ratio():.2f} (reach ≤ 2)\n")
    sys.stdout.flush()
    alike, wall_s = duel("uvicorn", "uvicorn", "--rate", "500", "--budget", "60s")
    sys.stdout.write(f"A/A, open, 60 s: half-width {half_width(alike)} in {wall_s:.0f} s (reach ≤ 0.7 %, ≤ 120 s)\n")
    sys.stdout.flush()
    servers, wall_s = duel("uvicorn", "granian", "--users", "16", "--budget", "60s")
    sys.stdout.write(
        f"two servers, saturated, 60 s: half-width {half_width(servers)} in {wall_s:.0f} s (reach ≤ 1.5 %)\n"
    )
    for line in wire():
        sys.stdout.write(f"wire user: {line}\n")


if __name__ == "__main__":
    main()
