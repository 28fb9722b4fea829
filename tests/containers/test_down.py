"""`harness down` clears what a crash has left, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from harness import engine
from harness.runtimes import choice
from tests.support import command, containers

pytestmark = pytest.mark.usefixtures("engine_alone")


def test_what_a_crash_left_is_cleared_and_nothing_without_the_label():
    """A user's own containers would be removed with the harness's, or the harness's never."""
    found = engine.connect()
    image = choice.ready("compose", command.ROOT).record["image"]
    asleep = {"entrypoint": ["python", "-c", "import time; time.sleep(300)"], "detach": True, "network_mode": "none"}
    left = found.client.containers.run(image, labels={engine.LABEL: "17-crashed"}, **asleep)
    own = found.client.containers.run(image, labels={"mine": "yes"}, **asleep)
    try:
        # In a process namespace of its own: `down` ends what it sees of any session, these tests' servers too.
        space = ["unshare", "--pid", "--fork", "--mount-proc", *([] if os.geteuid() == 0 else ["--map-root-user"])]
        argv = [*space, *command.argv("down", "--json")]
        done = subprocess.run(argv, cwd=command.ROOT, capture_output=True, text=True, timeout=60, check=True)
        assert json.loads(done.stdout)["containers"] >= 1
        assert left.id not in containers.labelled(found, 17)
        own.reload()
        assert own.status == "running"
    finally:
        own.remove(force=True)
