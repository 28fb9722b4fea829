"""Docker: an engine that answers and knows Compose v2."""

from __future__ import annotations

import shutil
import subprocess

from harness.doctor.finding import Finding
from harness.engine import COMPOSE_MIN, too_old
from harness.meters import cgroup
from harness.settings import Settings

_TIMEOUT_S = 5.0
"""An engine that takes longer to say its version will not start containers in time either."""


def check(_: Settings) -> Finding:
    """Ask the engine and the Compose plugin for their versions; only --runtime compose needs them."""
    if shutil.which("docker") is None:
        return _without("there is no docker command", "Install Docker Engine with the Compose plugin.")
    engine = _answer("version", "--format", "{{.Server.Version}}")
    if engine is None:
        return _without("the Docker engine does not answer", "Start it, or join the group that may use it.")
    compose = _answer("compose", "version", "--short")
    if compose is None:
        return _without(f"engine {engine} has no Compose plugin", "Install the plugin docker-compose v2.")
    if too_old(compose):
        least = ".".join(map(str, COMPOSE_MIN))
        return _without(f"engine {engine} has Compose {compose}", f"Install Compose {least} or newer.")
    version = cgroup.mounted()
    groups = "no control groups" if version is None else f"control groups of version {version}"
    return Finding(name="docker", status="ok", sees=f"engine {engine}, Compose {compose}, {groups}")


def _without(sees: str, mend: str) -> Finding:
    return Finding(name="docker", status="warn", sees=f"{sees}: --runtime compose cannot be used", mend=mend)


def _answer(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=_TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None
