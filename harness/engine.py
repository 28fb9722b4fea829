"""The container engine: reaching it, building the service's image, finding and clearing what a session has started.

Two ways lead to it.  The Docker SDK starts and meters arms: it gives process ids and exit states, and takes some
tenths of a second where each call of the command line takes as long to start.  Compose builds: it alone reads
compose.yaml, and passes the secrets of a build.  Both are led to one address.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from harness import supervisor
from harness.errors import CannotMeasure
from harness.meters import cgroup

if TYPE_CHECKING:
    from docker import DockerClient

LABEL = supervisor.CONTAINERS
"""Label of every container of a session, with the session's own as its value."""

COMPOSE_MIN = (2, 7)
"""Secrets of a build that come from a file or the environment, by which an additional authority and an index reach it:
with Compose 2.5 and 2.7 (pull request 9386, release notes of 2.7.0)."""

PATIENCE_S = 20
"""An engine that needs longer for one call measures nothing; a start takes less than a second."""

BUILD_S = 1800.0
"""A first build fetches the base image and compiles the byte code of all packages; half an hour means that it hangs."""

DEFAULT = "unix:///var/run/docker.sock"
TAIL = 15
"""Lines of a failed build that are shown: the command that failed and what it said."""

_NO_ENGINE = "Start it (`sudo systemctl start docker`), name another with DOCKER_HOST, or use --runtime local."


class Engine(Struct, frozen=True):
    """An engine of this machine that answers, and its Compose."""

    client: Any
    """A ``docker.DockerClient``."""
    address: str
    version: str
    compose: str
    cgroup: int | None
    """Version of the control groups that meter its containers."""


class Image(Struct, frozen=True):
    """The service's image as it was built."""

    tag: str
    id: str


def connect() -> Engine:
    """Reach the engine of this machine.

    Raises CannotMeasure with the mend where there is none, where this account may not use it, where it runs on
    another machine, or where Compose is missing or too old.
    """
    if shutil.which("docker") is None:
        raise CannotMeasure(
            "There is no docker command.", "Install Docker Engine with the Compose plugin, or use --runtime local."
        )
    address = _address()
    client = _client(address)
    compose = compose_version(address)
    if compose is None:
        raise CannotMeasure(
            "The docker command has no Compose plugin.", "Install docker-compose-plugin (Compose v2), then run again."
        )
    if too_old(compose):
        least = ".".join(map(str, COMPOSE_MIN))
        raise CannotMeasure(f"Compose {compose} is too old.", f"Install Compose {least} or newer, then run again.")
    version = str(client.version()["Version"])
    return Engine(client=client, address=address, version=version, compose=compose, cgroup=cgroup.mounted())


def too_old(compose: str) -> bool:
    """Whether a version of Compose is below the least; a build from source names none and is taken as new."""
    found = re.match(r"v?(\d+)\.(\d+)", compose)
    return found is not None and (int(found[1]), int(found[2])) < COMPOSE_MIN


def compose_version(address: str | None = None) -> str | None:
    """Version of the Compose plugin; None where there is none."""
    return _said(["compose", "version", "--short"], _environment(address))


def _address() -> str:
    """Where the command line would go: DOCKER_HOST, else its context, else the usual socket."""
    given = os.environ.get("DOCKER_HOST")
    return given or _said(["context", "inspect", "--format", "{{.Endpoints.docker.Host}}"], os.environ) or DEFAULT


def _client(address: str) -> DockerClient:
    import docker  # noqa: PLC0415  (0.2 s, and only sessions with containers need it)
    from docker.errors import DockerException  # noqa: PLC0415

    try:
        client = docker.DockerClient(base_url=address, timeout=PATIENCE_S)
        info = client.info()
    except (DockerException, OSError, ValueError) as error:
        if "permission denied" in str(error).lower():
            raise CannotMeasure(
                f"This account may not use the container engine at {address}.",
                "Join its group (`sudo usermod -aG docker $USER`, then log in again), or use --runtime local.",
            ) from error
        raise CannotMeasure(f"No container engine answers at {address}.", _NO_ENGINE) from error
    if any("rootless" in one for one in info.get("SecurityOptions") or ()):
        raise CannotMeasure(
            f"The container engine at {address} runs rootless: the host's network is not that of its containers.",
            "Use an engine that is not rootless, or --runtime local.",
        )
    if info.get("OSType") != "linux" or info.get("KernelVersion") != platform.release():
        raise CannotMeasure(
            f"The container engine at {address} runs on another machine ({info.get('OperatingSystem')}, kernel "
            f"{info.get('KernelVersion')}): its CPU cannot be metered, nor pinned, from here.",
            "Run the harness on that machine, or use --runtime local.",
        )
    return client


def build(engine: Engine, root: Path) -> Image:
    """Build the service's image through Compose, which takes a second where nothing has changed.

    Raises CannotMeasure with the last lines of a build that fails.
    """
    file = root / "compose.yaml"
    if not file.is_file():
        raise CannotMeasure(
            f"There is no {file}, so nothing says how the service's image is built.",
            "Run in a checkout of the project, or use --runtime local.",
        )
    argv = ["docker", "compose", "--project-directory", str(root), "--file", str(file)]
    environment = _environment(engine.address)
    model = _run([*argv, "config", "--format", "json"], environment, "compose.yaml cannot be read")
    service, tag = built_service(json.loads(model))
    _run([*argv, "build", service], environment, f"The image {tag} cannot be built")
    return Image(tag=tag, id=str(engine.client.images.get(tag).id))


def built_service(model: Mapping[str, Any]) -> tuple[str, str]:
    """The service of a Compose model whose image the arms run in, and that image's tag.

    The first by name that is built: images of the service differ in their entry point alone, which an arm brings
    itself.  Raises CannotMeasure where none is.
    """
    built = {name: one for name, one in model.get("services", {}).items() if one.get("build")}
    if not built:
        raise CannotMeasure("compose.yaml builds no image.", "Restore compose.yaml from the project.")
    name = min(built)
    return name, str(built[name].get("image") or f"{model.get('name')}-{name}")


def image_of(engine: Engine, tag: str, identity: str) -> Image:
    """The image that a run began with.  Raises CannotMeasure where it is gone: another one is another arm."""
    from docker.errors import ImageNotFound  # noqa: PLC0415

    try:
        engine.client.images.get(identity)
    except ImageNotFound:
        raise CannotMeasure(
            f"The image {tag} that this run began with ({identity[7:19]}) is gone.",
            "Begin a new run: blocks of two images are not one measurement.",
        ) from None
    return Image(tag=tag, id=identity)


def _environment(address: str | None) -> dict[str, str]:
    return {**os.environ, **({"DOCKER_HOST": address} if address else {})}


def _said(words: Sequence[str], environment: Mapping[str, str]) -> str | None:
    try:
        done = subprocess.run(
            ["docker", *words], env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None


def _run(argv: Sequence[str], environment: Mapping[str, str], what: str) -> str:
    try:
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=BUILD_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise CannotMeasure(
            f"{what}: it takes longer than {BUILD_S / 60:.0f} minutes.",
            "Build it by hand and look: docker compose build.",
        ) from error
    if done.returncode:
        last = "\n".join((done.stdout + done.stderr).strip().splitlines()[-TAIL:])
        raise CannotMeasure(f"{what}:\n{last}", "Mend what the last lines name, then run again.")
    return done.stdout
