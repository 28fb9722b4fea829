"""Two replicas that are replaced in turn behind a client that knows both: what is lost, and that the twin shows it."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.support.serving import ROOT


def test_a_roll_without_a_drain_is_noticed_and_replacements_serve():
    """A roll that drops requests would be called safe by a client that nobody had sent to."""
    argv = [sys.executable, "-m", "targets.probes.replica_roll", "--quick", "--servers", "uvicorn"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    drained = [line for line in lines if line["subject"] == "uvicorn, drained"]
    twins = [line for line in lines if line.get("twin")]
    assert [len(drained), len(twins)] == [2, 2]
    for line in twins:
        # The client goes on sending to it for 0.4 s, at 20 requests a second.
        assert line["struck"] == 1
        assert line["outcomes"]["refused"] >= 3
    for line in drained:
        assert line["outcomes"].get("refused", 0) == 0
        assert line["exit_s"] > 0.9 * 1.0
        assert line["struck"] == int(line["failed"] > 0)
    for line in lines:
        assert line["requests"] > 20
        assert line["back_s"] > line["exit_s"]
