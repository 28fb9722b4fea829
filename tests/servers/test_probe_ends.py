"""What a probe leaves behind when it hangs: nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from harness import probes
from targets.probes.started import end

HANGING = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
open("child", "w").write(str(child.pid))
time.sleep(600)
"""


def test_a_probe_that_hangs_takes_its_servers_with_it(tmp_path):
    """Without this a server of a probe that ran out of time would go on and disturb every later measurement."""
    (tmp_path / "hanging.py").write_text(HANGING)
    assert probes.observe("hanging", (), tmp_path, None, patience_s=5.0) == "the probe hanging did not end within 5 s"
    child = Path("/proc") / (tmp_path / "child").read_text()
    assert not child.exists() or "(zombie)" in (child / "status").read_text()


LEAVING = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("started", flush=True)
time.sleep(600)
"""


def test_a_worker_that_outlives_its_supervisor_goes_with_it():
    """Without this it would serve on beside every later measurement, and whoever reads its output would wait for it."""
    process = subprocess.Popen([sys.executable, "-c", LEAVING], stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    assert process.stdout.readline() == b"started\n"
    end(process)
    # The end of the output comes only once nobody holds it open.
    assert process.communicate(timeout=10)[0] == b""
