"""Processes of a session hear every signal, however the harness itself was started."""

from __future__ import annotations

import signal
import subprocess
import sys

from tests.support import command

STARTED = """
import sys, time
from pathlib import Path
from harness import processes
with processes.supervised() as session:
    path, log = {"PATH": "/usr/bin:/bin"}, Path("/dev/null")
    child = processes.start(["sleep", "20"], session=session, environment=path, log=log)
    while b"sleep" not in Path(f"/proc/{child.pid}/cmdline").read_bytes():
        time.sleep(0.01)
    ignored = [l for l in Path(f"/proc/{child.pid}/status").read_text().splitlines() if l.startswith("SigIgn")]
    print(ignored[0].split()[1])
    processes.stop([child])
"""


def ignored(words):
    """Mask of the signals that a process of a session ignores, where the harness is started like this."""
    argv = ["sh", "-c", f'{words} exec "$@"', "sh", sys.executable, "-c", STARTED]
    done = subprocess.run(argv, cwd=command.ROOT, capture_output=True, text=True, timeout=60, check=True)
    return int(done.stdout, 16)


def bits(*numbers):
    """The mask of these signals."""
    return sum(1 << (number - 1) for number in numbers)


def test_what_the_harness_ignores_its_servers_hear():
    """A nightly job under nohup would find that a server outlives SIGHUP, where it ends for everybody else."""
    mine = bits(signal.SIGINT, signal.SIGHUP)
    assert ignored("trap '' INT HUP;") & mine == 0
    assert ignored("") & mine == 0


def test_the_harness_goes_on_ignoring_what_it_ignored():
    """A job in the background of a script would be ended by a Ctrl-C that was meant for the script."""
    program = (
        "import os, signal\nfrom harness import processes\nwith processes.supervised():\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n    os.kill(os.getpid(), signal.SIGHUP)\nprint('still here')"
    )
    argv = ["sh", "-c", "trap '' INT HUP; exec \"$@\"", "sh", sys.executable, "-c", program]
    done = subprocess.run(argv, cwd=command.ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "still here"
