"""How fast the wire users are, beside Locust's FastHttpUser, against nginx on another core.

Prints a JSON line per measurement.  Run it on a quiet machine: ``.venv/bin/python tests/bench/wire_bench.py``;
``--seconds 5`` sets the length of each, ``--cores 0,1`` the generator's and the server's core.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

CONFIGURATION = """worker_processes 1; daemon off; pid {folder}/pid; error_log stderr error;
events {{ worker_connections 8192; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 600s;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen 127.0.0.1:{port} backlog=4096; location / {{
    default_type application/json; return 200 '{{"hello": "world", "links": {{"next": null}}}}'; }} }}
}}
"""

FAST = """from locust import FastHttpUser, task
class Fast(FastHttpUser):
    @task
    def get(self):
        self.client.get("/")
"""

FLOW = """from support.wire.request import request
from support.wire.user import WireUser
class Pages(WireUser):
    def flow(self, session):
        first = request("GET", "/")
        while True:
            response = yield first
            if response.status != 200:
                return
"""

CONNECTIONS = 32

ROUNDS = 5
"""The machine changes its speed by half within seconds: the users take turns, and the median of their ratios counts."""


def main() -> None:
    """Measure, one after the other: FastHttpUser, fixed and flow closed, fixed and flow open."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=4.0)
    options.add_argument("--cores", default="0,1")
    options.add_argument("--rates", default="5000,20000,40000,70000,90000")
    chosen = options.parse_args()
    generator, target = (int(core) for core in chosen.cores.split(","))
    with tempfile.TemporaryDirectory() as name, nginx(Path(name), target) as url:
        folder = Path(name)
        (folder / "support").symlink_to(ROOT / "scenarios" / "support")
        (folder / "fast_user.py").write_text(FAST)
        (folder / "pages_flow.py").write_text(FLOW)
        fixed, flow = ROOT / "scenarios" / "paths.py", folder / "pages_flow.py"
        closed = {"model": "closed", "users": CONNECTIONS}
        bases: list[float] = []
        seen: dict[str, list[tuple[float, float, dict[str, Any]]]] = {"fixed, closed": [], "flow, closed": []}
        for _ in range(ROUNDS):
            bases.append(fast_user(folder, url, chosen.seconds, generator))
            for label, scenario in zip(seen, (fixed, flow), strict=True):
                rps, more = wire(folder, scenario, url, closed, chosen.seconds, generator)
                seen[label].append((rps / bases[-1], rps, more))
        base = statistics.median(bases)
        show("FastHttpUser", base, base, rounds=[round(one) for one in bases])
        for label, rounds in seen.items():
            times, rps, more = sorted(rounds, key=lambda one: one[0])[ROUNDS // 2]
            show(label, rps, rps / times, rounds=[round(one[0], 2) for one in rounds], **more)
        for rate in (int(rate) for rate in chosen.rates.split(",")):
            load = {"model": "open", "rate_rps": rate}
            rps, more = wire(folder, fixed, url, load, chosen.seconds, generator)
            show("fixed, open", rps, base, rate_rps=rate, **more)
        rps, more = wire(folder, flow, url, {"model": "open", "rate_rps": 20_000}, chosen.seconds, generator)
        show("flow, open", rps, base, rate_rps=20_000, **more)


def show(label: str, rps: float, base: float, **more: Any) -> None:
    """Print a measurement; ``times`` is its multiple of FastHttpUser."""
    line = {"what": label, "rps": round(rps), "times": round(rps / base, 2), **more}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


@contextmanager
def nginx(folder: Path, core: int) -> Iterator[str]:
    """Serve a small answer from one core until the block ends."""
    binary = shutil.which("nginx") or "/usr/sbin/nginx"
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    configuration = folder / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, port=port))
    process = subprocess.Popen(["taskset", "-c", str(core), binary, "-p", str(folder), "-c", str(configuration)])
    try:
        for _ in range(500):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.01)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def locust(arguments: list[str], core: int, environment: dict[str, str]) -> subprocess.Popen[str]:
    """Start Locust on its core."""
    command = ["taskset", "-c", str(core), str(Path(sys.executable).parent / "locust"), "--headless", *arguments]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment}
    )


def fast_user(folder: Path, url: str, seconds: float, core: int) -> float:
    """Requests per second of Locust's own fast user."""
    duration = f"{round(seconds)}s"
    arguments = ["-f", str(folder / "fast_user.py"), "-u", str(CONNECTIONS), "-r", str(CONNECTIONS), "-t", duration]
    out, _ = locust([*arguments, "--host", url, "--only-summary", "--json"], core, {}).communicate()
    [entry] = json.loads(out)
    return float(entry["num_requests"] / (entry["last_request_timestamp"] - entry["start_time"]))


def wire(
    folder: Path, scenario: Path, url: str, load: dict[str, Any], seconds: float, core: int
) -> tuple[float, dict[str, Any]]:
    """Requests per second of a wire user, and how late it sent (µs), how it spent its core (µs a request)."""
    output = Path(tempfile.mkdtemp(dir=folder))
    trial = output / "trial.json"
    document = {"schema": 1, "seed": 1, "output": str(output), "grain": "block", "slice_s": 0.5}
    arms = [{"name": "baseline", "url": url}]
    loads = {**load, "warmup_s": 0.5, "measure_s": seconds}
    trial.write_text(json.dumps({**document, "arms": arms, "load": loads, "parameters": {"paths": ["/"]}}))
    process = locust(["-f", str(scenario), "-u", "1", "--only-summary"], core, {"LOAD_TRIAL": str(trial)})
    while not (output / "ready-1").exists():
        if process.poll() is not None:
            raise RuntimeError(process.communicate()[1])
        time.sleep(0.01)
    (output / "start.tmp").write_text(json.dumps({"t0_ns": time.monotonic_ns() + 100_000_000}))
    (output / "start.tmp").rename(output / "start.json")
    waited_ns = queued_ns(process)
    log = process.communicate()[1]
    if process.returncode:
        raise RuntimeError(log)
    done = json.loads((output / "done-1.json").read_text())
    rows = [r for r in struct.iter_unpack(done["row"], (output / "requests-1.bin").read_bytes()) if r[-1] == 1]
    lags = statistics.quantiles([(r[1] - r[0]) / 1e3 for r in rows], n=100)
    latencies = statistics.quantiles([(r[2] - r[0]) / 1e3 for r in rows], n=100)
    more = {
        "lag_us_p50_p99": [round(lags[49], 1), round(lags[98], 1)],
        "latency_us_p50_p99": [round(latencies[49], 1), round(latencies[98], 1)],
        "work_us_per_request": round(done["work_ns"] / done["rows"] / 1e3, 2),
        "work_share": round(done["work_ns"] / done["wall_ns"], 3),
        "connections": done["connections_opened"],
        "errors": sum(done["errors"].values()),
        "core_lost_ms": round(waited_ns / 1e6, 1),
    }
    # Answers that came after the load's end do not count: a rate that is not kept up with is no rate.
    end_ns = done["t0_ns"] + done["slices"][-1]["end_ns"]
    return sum(r[9] == 0 and r[2] <= end_ns for r in rows) / seconds, more


def queued_ns(process: subprocess.Popen[str]) -> int:
    """How long the generator waited for its core until it ended: other processes' doing, not its own."""
    waited_ns = 0
    while process.poll() is None:
        with suppress(OSError, IndexError):
            waited_ns = int(Path(f"/proc/{process.pid}/schedstat").read_text().split()[1])
        time.sleep(0.1)
    return waited_ns


if __name__ == "__main__":
    main()
