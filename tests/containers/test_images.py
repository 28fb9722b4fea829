"""The images of the service: as small in rights as they say, without anybody's secrets, and in the right form."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.engine import ROOT, docker

LABEL = "service-harness.test"
HEALTHY_S = 120.0
DOCKERFILES = sorted((ROOT / "targets" / "images").rglob("*Dockerfile"))
SERVERS = ("granian", "uvicorn", "gunicorn")
HARDENED = ("--read-only", "--tmpfs=/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_hadolint_finds_nothing(path):
    """A known mistake would be in an image that others copy."""
    done = subprocess.run(
        [Path(sys.executable).with_name("hadolint"), path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("server", SERVERS)
def test_a_hardened_container_gets_healthy_and_stops_by_itself(images, server):
    """The service would not run without rights, or would have to be killed to end."""
    token = secrets.token_hex(4)
    container = docker("run", "--detach", "--label", f"{LABEL}={token}", *HARDENED, images[server]).strip()
    try:
        end_s = time.monotonic() + HEALTHY_S
        while (state := inspect(container)["State"])["Health"]["Status"] != "healthy" and time.monotonic() < end_s:
            assert state["Running"], docker("logs", container)
            time.sleep(0.5)
        assert state["Health"]["Status"] == "healthy", state
        assert docker("exec", container, "id", "--user").strip() == "10001"
        docker("stop", "--time", "60", container)
        # 137 would be SIGKILL: the server did not hear SIGTERM.
        assert inspect(container)["State"]["ExitCode"] != 137
    finally:
        docker("rm", "--force", "--volumes", container)
    assert docker("container", "ls", "--all", "--quiet", "--filter", f"label={LABEL}={token}") == ""


def inspect(container: str) -> dict:
    """What the engine knows of a container."""
    return json.loads(docker("container", "inspect", container))[0]


@pytest.mark.parametrize("server", SERVERS)
def test_the_image_says_how_it_runs(images, server):
    """Whoever runs it elsewhere would get a shell before the server, root, or buffered logs."""
    config = json.loads(docker("image", "inspect", images[server]))[0]["Config"]
    assert config["Entrypoint"] == [server]
    assert config["Cmd"]
    assert config["User"] == "appuser"
    variables = dict(entry.split("=", 1) for entry in config["Env"])
    for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "PYTHONFAULTHANDLER"):
        assert variables[name] == "1"
    assert config["Healthcheck"]["Test"][0] == "CMD"


def test_servers_share_one_file_system(images):
    """A difference between two arms could be one between two builds."""
    layers = {json.dumps(json.loads(docker("image", "inspect", images[name]))[0]["RootFS"]) for name in SERVERS}
    assert len(layers) == 1


def test_byte_code_is_there_and_tools_are_not(images):
    """Each start would compile anew, or the image would carry what builds."""
    look = (
        "find /app/.venv /app/targets -name '*.pyc' | wc -l; find / -xdev \\( -name uv -o -name pip \\) -type f | wc -l"
    )
    done = docker("run", "--rm", "--network", "none", "--entrypoint", "sh", images["granian"], "-c", look)
    compiled, tools = (int(line) for line in done.split())
    assert compiled > 1000
    assert tools == 0


@pytest.mark.usefixtures("images")
def test_no_planted_secret_gets_into_an_image(tmp_path):
    """A key that lies in somebody's folder would be published with the image."""
    for name in (".dockerignore", "compose.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("targets", "scenarios"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    word = secrets.token_hex(16)
    planted = (".env", ".git/config", "targets/.env", "targets/service/server.key", "targets/tls.pem")
    for name in (*planted, "targets/service/planted.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"# {word}\n", encoding="utf-8")
    tag = f"service-harness-test/planted:{secrets.token_hex(4)}"
    override = tmp_path / "override.json"
    override.write_text(json.dumps({"services": {"granian": {"image": tag}}}), encoding="utf-8")
    files = ("--file", str(tmp_path / "compose.yaml"), "--file", str(override))
    try:
        docker("compose", "--project-directory", str(tmp_path), *files, "build", "--quiet", "granian", timeout_s=600.0)
        found = docker("run", "--rm", "--network", "none", "--entrypoint", "grep", tag, "-rl", word, "/app")
        # The one that belongs to the source shows that the search finds what is there.
        assert found.split() == ["/app/targets/service/planted.py"]
        history = docker("image", "history", "--no-trunc", "--format", "{{.CreatedBy}}", tag)
        assert word not in history
    finally:
        docker("image", "rm", "--force", tag, check=False)


def test_no_setting_of_the_host_stays_in_the_image(images):
    """An index's address may carry a password, and every layer and its history is public with the image."""
    for image in images.values():
        history = docker("image", "history", "--no-trunc", "--format", "{{.CreatedBy}}", image)
        assert "PIP_INDEX_URL=" not in history
        config = json.loads(docker("image", "inspect", image))[0]["Config"]
        assert not [entry for entry in config["Env"] if entry.startswith(("PIP_", "UV_", "SSL_"))]
