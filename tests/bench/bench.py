"""The figures of the instrument itself, printed as one table; ratios of one run, no absolute promises.

Run by ``make bench`` after the self-test.  Takes about a quarter of an hour on two cores; nothing else should run.
``--json FILE`` keeps the rows.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
HARNESS = str(ROOT / ".venv/bin/harness")


class Row(NamedTuple):
    """A figure, what was measured, what is to be reached, and whether it was."""

    figure: str
    measured: str
    reach: str
    reached: bool | None


def seconds(argv: list[str], repeats: int = 7) -> float:
    """Median wall time of a command."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        subprocess.run(argv, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def command_line() -> Iterator[Row]:
    """``harness --help`` ÷ a bare ``import typer``."""
    ratio = seconds([HARNESS, "--help"]) / seconds([sys.executable, "-c", "import typer"])
    yield Row("harness --help ÷ import typer", f"{ratio:.2f}", "≤ 2", ratio <= 2)


def quickstart() -> Iterator[Row]:
    """``make quickstart`` where everything is set up."""
    took = seconds(["make", "quickstart"], repeats=1)
    yield Row("make quickstart once set up", f"{took:.0f} s", "≤ 180 s", took <= 180)


def lines_of(script: str, *words: str) -> list[dict[str, Any]]:
    """JSON lines that a benchmark beside this one prints."""
    argv = [sys.executable, str(ROOT / "tests/bench" / script), *words]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.stderr.write(done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def many_samples() -> Iterator[Row]:
    """Ten million samples."""
    for line in lines_of("samples_bench.py"):
        reached = line["seconds"] <= 5 and line["peak_mb"] <= 1024
        yield Row(
            f"{line['rows']:,} samples", f"{line['seconds']:.1f} s, {line['peak_mb']:.0f} MB", "≤ 5 s, ≤ 1 GB", reached
        )


def recorder() -> Iterator[Row]:
    """What recording costs."""
    row, share = lines_of("recorder_bench.py")
    yield Row("recorder on the wire user", f"{row['us']:.2f} µs a request", "≤ 1 µs", row["us"] <= 1)
    measured = f"{share['share']:.1%} ± {share['standard_error']:.1%} (SE)"
    yield Row("recorder on FastHttpUser", measured, "≤ 3 %", share["share"] <= 0.03)


def wire() -> Iterator[Row]:
    """The wire user against Locust's FastHttpUser."""
    found = lines_of("wire_bench.py")
    closed = {line["what"]: line for line in found if "closed" in line["what"]}
    for name, least in (("fixed, closed", 12), ("flow, closed", 5)):
        line = closed[name]
        span = f"{min(line['rounds']):.1f} to {max(line['rounds']):.1f}"
        measured = f"{line['times']:.1f} × ({line['rps']:,}/s), rounds {span}"
        yield Row(f"wire user, {name}", measured, f"≥ {least} ×", line["times"] >= least)
    kept = [line for line in found if line["what"] == "fixed, open" and line["rps"] >= 0.99 * line["rate_rps"]]
    if not kept:
        yield Row("wire user, fixed, open", "no rate was kept", "≥ 8 ×", reached=False)
        return
    most = max(kept, key=lambda line: line["rate_rps"])
    measured = f"{most['times']:.1f} × ({most['rps']:,}/s)"
    yield Row("wire user, fixed, open, Poisson", measured, "≥ 8 ×", most["times"] >= 8)
    half = min(kept, key=lambda line: abs(line["rate_rps"] - most["rate_rps"] / 2))
    lag_ms = half["lag_us_p50_p99"][1] / 1e3
    yield Row(f"send lag p99 at {half['rate_rps']:,}/s", f"{lag_ms:.3f} ms", "≤ 0.1 ms", lag_ms <= 0.1)


def duel(figure: str, reach: str, *words: str) -> tuple[dict[str, Any], float] | Row:
    """A duel's document and its wall time in seconds, or the row that says why there is none."""
    began = time.perf_counter()
    argv = [HARNESS, "duel", *words, "--json"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    found: dict[str, Any] = json.loads(done.stdout)
    if "error" in found:
        return Row(figure, str(found["error"]["code"]), reach, reached=False)
    return found, time.perf_counter() - began


def around(figure: dict[str, Any]) -> tuple[float, str]:
    """Half of a ratio's interval, and both in words."""
    half = (figure["high"] - figure["low"]) / 2
    return half, f"± {half:.2%} around {figure['ratio']:.4f}"


def alike() -> Iterator[Row]:
    """An A/A of one architecture."""
    figure, reach = "A/A, open, request grain, 60 s", "± 0.7 %, 120 s"
    found = duel(figure, reach, "uvicorn", "uvicorn", "--rate", "500", "--budget", "60s")
    if isinstance(found, Row):
        yield found
        return
    (half, said), wall_s = around(found[0]), found[1]
    yield Row(figure, f"{said}, {wall_s:.0f} s", reach, half <= 0.007 and wall_s <= 120)


def alike_saturated() -> Iterator[Row]:
    """An A/A of one architecture in slices; no figure is asked of it, but two servers cannot do better."""
    figure = "A/A, saturated, slice grain, 60 s"
    found = duel(figure, "", "uvicorn", "uvicorn", "--users", "16", "--budget", "60s", "--whole-budget")
    yield found if isinstance(found, Row) else Row(figure, f"{around(found[0])[1]}, {found[1]:.0f} s", "", None)


def two_servers() -> Iterator[Row]:
    """Two architectures at saturation: both grains get 60 s."""
    figure, reach = "two servers, saturated, slice grain, 60 s", "± 1.5 %"
    found = duel(figure, reach, "uvicorn", "granian", "--users", "16", "--budget", "120s", "--whole-budget")
    if isinstance(found, Row):
        yield found
        return
    grain = found[0]["regimes"][0]["grains"]["slice"]
    half, said = around(grain)
    yield Row(figure, f"{said}, n = {grain['n']}, {found[1]:.0f} s with the block grain", reach, half <= 0.015)


def weather() -> Iterator[Row]:
    """What the machine did while nothing ran."""
    done = subprocess.run([HARNESS, "doctor", "--json"], cwd=ROOT, capture_output=True, text=True, check=False)
    for check in json.loads(done.stdout)["findings"]:
        if check["name"] == "weather":
            yield Row("weather", str(check["sees"]), "", None)


PARTS: tuple[Callable[[], Iterator[Row]], ...] = (
    command_line,
    many_samples,
    recorder,
    wire,
    quickstart,
    weather,
    alike,
    alike_saturated,
    two_servers,
)


def main() -> None:
    """Measure one figure after the other and print each as soon as it is there."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--json", type=Path, help="file for the rows")
    options.add_argument("--only", action="append", choices=[part.__name__ for part in PARTS])
    chosen = options.parse_args()
    rows = []
    for part in PARTS:
        if chosen.only and part.__name__ not in chosen.only:
            continue
        for row in part():
            rows.append(row)
            mark = {True: "reached", False: "NOT REACHED", None: ""}[row.reached]
            sys.stdout.write(f"{row.figure:<44} {row.measured:<48} {row.reach:<16} {mark}\n")
            sys.stdout.flush()
    if chosen.json is not None:
        chosen.json.write_text(json.dumps([row._asdict() for row in rows], indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
