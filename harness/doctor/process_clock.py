"""Process clock: the CPU time of a server can be read in nanoseconds."""

from __future__ import annotations

import subprocess
import sys

from harness.doctor.finding import Finding
from harness.meters.process_clock import process_cpu_ns
from harness.settings import Settings

_BURN = (
    "import time\n"
    "while time.process_time() < 0.03: pass\n"
    "print('burnt', flush=True)\n"
    "input()"
)  # fmt: skip
_BURNT_NS = 30_000_000


def check(_: Settings) -> Finding:
    """Let a process burn 30 ms and read them from outside."""
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _BURN], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            if process.stdout is not None:
                process.stdout.readline()
            seen_ns = process_cpu_ns(process.pid) if sys.platform == "linux" else None
        finally:
            process.kill()
    if seen_ns is None or seen_ns < _BURNT_NS:
        return Finding(
            name="process clock",
            status="fail" if sys.platform == "linux" else "warn",
            sees="the CPU clock of another process cannot be read, so CPU per request is not exact",
            mend="Measure on Linux as the user who owns the servers, or use --runtime compose.",
        )
    return Finding(
        name="process clock",
        status="ok",
        sees=f"a burn of {_BURNT_NS / 1e6:.0f} ms in another process is read as {seen_ns / 1e6:.2f} ms",
    )
