"""What a probe leaves behind when it hangs: nothing."""

from __future__ import annotations

from pathlib import Path

from harness import probes

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
