"""`harness down` clears what a crash has left, and nothing else.

It runs alone: it removes the containers of all sessions.
"""

from __future__ import annotations

import json
import os
import subprocess

from harness import engine
from harness.runtimes import choice
from targets.probes import image_building
from tests.support import command, containers


def test_what_a_crash_left_is_cleared_and_nothing_without_the_label(tmp_path):
    """A user's own containers and images would be removed with the harness's, or the harness's never."""
    found = engine.connect()
    image = choice.ready("compose", command.ROOT).record["image"]
    asleep = {"entrypoint": ["python", "-c", "import time; time.sleep(300)"], "detach": True, "network_mode": "none"}
    left = found.client.containers.run(image, labels={engine.LABEL: "17-crashed"}, **asleep)
    own = found.client.containers.run(image, labels={"mine": "yes"}, **asleep)
    (tmp_path / "Dockerfile").write_text(f"FROM {image}\n", encoding="utf-8")
    killed, _ = found.client.images.build(path=str(tmp_path), labels={image_building.LABEL: "17"})
    kept, _ = found.client.images.build(path=str(tmp_path), labels={"mine": "yes"})
    probing = found.client.containers.run(killed.id, labels={image_building.LABEL: "17"}, **asleep)
    try:
        # In a process namespace of its own: `down` ends what it sees of any session, these tests' servers too.
        space = ["unshare", "--pid", "--fork", "--mount-proc", *([] if os.geteuid() == 0 else ["--map-root-user"])]
        argv = [*space, *command.argv("down", "--json")]
        done = subprocess.run(argv, cwd=command.ROOT, capture_output=True, text=True, timeout=60, check=True)
        cleared = json.loads(done.stdout)
        assert cleared["containers"] >= 2
        assert cleared["images"] >= 1
        assert left.id not in containers.labelled(found, 17)
        own.reload()
        assert own.status == "running"
        assert probing.id not in {one.id for one in found.client.containers.list(all=True)}
        there = {one.id for one in found.client.images.list()}
        assert killed.id not in there
        assert kept.id in there
    finally:
        own.remove(force=True)
        found.client.images.remove(kept.id, force=True)
