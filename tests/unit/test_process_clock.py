"""The CPU meter against processes whose use of CPU is known."""

from __future__ import annotations

import subprocess
import sys
import time

from harness.meters.process_clock import Tree, process_cpu_ns

BURN = """
import sys, threading, time
def burn():
    end = time.thread_time() + 0.1
    while time.thread_time() < end: pass
{how}
print("done", flush=True)
sys.stdin.read()
"""


def _measured_ns(how: str) -> int:
    process = subprocess.Popen(
        [sys.executable, "-c", BURN.format(how=how)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        tree = Tree(process.pid)
        first = tree.read().cpu_ns
        assert process.stdout is not None
        while not process.stdout.readline():
            time.sleep(0.01)
        return tree.read().cpu_ns - first
    finally:
        process.kill()
        process.communicate()


def test_ended_threads_are_counted():
    """A server that hands work to short-lived threads would look cheaper than it is."""
    assert _measured_ns("t = threading.Thread(target=burn); t.start(); t.join()") >= 100_000_000


def test_ended_children_are_counted():
    """A server that forks for its work would look cheaper than it is."""
    how = "import os; pid = os.fork()\nif not pid: burn(); os._exit(0)\nos.waitpid(pid, 0)"
    assert _measured_ns(how) >= 90_000_000


def test_a_process_that_is_gone_has_no_clock():
    """A dead server would be reported as free of cost."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert process_cpu_ns(process.pid) is None
