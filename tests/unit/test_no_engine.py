"""Without an engine, and where Compose cannot build: the message and the mend, on any machine."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from harness import engine
from harness.errors import CannotMeasure
from tests.support import command

WORDS = ("duel", "uvicorn", "granian", "--rate", "50", "--budget", "4s")


def test_no_engine_ends_with_3_and_the_way_out(tmp_path):
    """A user without an engine would get the traceback of a library that he has never heard of."""
    nowhere = {**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/nowhere.sock"}
    words = [*WORDS, "--runtime", "compose", "--results", str(tmp_path)]
    done = subprocess.run(
        command.argv(*words), cwd=command.ROOT, env=nowhere, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 3, done.stderr
    assert "--runtime local" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "runs").exists()


def test_an_unknown_runtime_ends_with_2():
    """A user's typo would be measured as something else."""
    done = command.run(*WORDS, "--runtime", "podman")
    assert done.returncode == 2
    assert "compose" in done.stderr


def test_a_build_that_fails_shows_its_last_lines():
    """A user would have to find out by hand at which line of the Dockerfile the build ended."""
    script = "for i in $(seq 40); do echo line $i; done; echo no such package >&2; exit 1"
    with pytest.raises(CannotMeasure) as failed:
        engine._run(["sh", "-c", script], os.environ, "The image x cannot be built")
    assert "no such package" in failed.value.message
    assert "line 40" in failed.value.message
    assert "line 5\n" not in failed.value.message
    assert failed.value.mend


def test_without_a_docker_command_the_mend_says_what_to_install(monkeypatch, tmp_path):
    """A user would get "file not found" for a word that he never typed."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shutil.which("docker") is None
    with pytest.raises(CannotMeasure, match="no docker command"):
        engine.connect()
