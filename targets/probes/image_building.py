"""What the probes of images share: one sentence where there is no engine, builds, sizes, and what is left behind.

Images are built through Compose, as people build them: the command line of an older engine knows no secrets.  Every
image that is made here carries a label of its own process and goes with it.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = "targets/images/Dockerfile"
VARIANTS = "targets/images/variants.Dockerfile"

STAND_IN = "service-harness.stand-in"
"""Label of an image that was made here in the place of one that cannot be pulled."""
LABEL = "service-harness.probe"
"""Of what a probe makes, with its process id; `harness down` removes what a killed one has left."""

CANNOT = 3
"""Status of a probe that this machine cannot run; its last line says why and what to do."""

COMMAND_S = 20.0
"""An engine that needs longer for a question is not one to build with."""
BUILD_S = 110.0
"""Shorter than a probe may take as a whole."""

BASE = os.environ.get("BASE_IMAGE") or "python:3.12-slim-bookworm"


class Image(NamedTuple):
    """A built image: its tag, and how long the build took."""

    tag: str
    build_s: float
    said: str
    """What the build printed."""


def cannot(sentence: str) -> NoReturn:
    """End the probe: the sentence says what is missing and how to mend it."""
    sys.stderr.write(f"{sentence}\n")
    raise SystemExit(CANNOT)


def docker(*arguments: str, timeout_s: float = COMMAND_S) -> subprocess.CompletedProcess[str]:
    """Run one command of the engine's command line and give what it said."""
    return subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, errors="replace", timeout=timeout_s, check=False
    )


def need_engine() -> None:
    """End the probe with a sentence where no engine answers, or Compose or the base image is missing."""
    mend = "install Docker Engine with Compose v2 and start it (`harness doctor` looks for both)"
    try:
        if docker("version", "--format", "{{.Server.Version}}").returncode:
            cannot(f"no container engine answers; {mend}")
        if docker("compose", "version").returncode:
            cannot(f"the container engine has no Compose; {mend}")
    except FileNotFoundError:
        cannot(f"there is no container engine; {mend}")
    except subprocess.TimeoutExpired:
        cannot(f"the container engine does not answer within {COMMAND_S:.0f} s; restart it")
    if inspected(BASE) is None and docker("pull", "--quiet", BASE, timeout_s=BUILD_S).returncode:
        cannot(f"the image {BASE} is not here and cannot be pulled; build a stand-in with targets/images/stand_ins")


def inspected(image: str) -> dict[str, Any] | None:
    """What the engine knows of an image; None where it has none of that name."""
    done = docker("image", "inspect", image)
    return dict(json.loads(done.stdout)[0]) if done.returncode == 0 else None


def stand_in(image: str) -> str | None:
    """What is inside a stand-in; None for the image itself."""
    found = inspected(image) or {}
    inside = ((found.get("Config") or {}).get("Labels") or {}).get(STAND_IN)
    return str(inside) if inside is not None else None


@functools.cache
def provenance() -> dict[str, str]:
    """What every line carries where the base image is not the one that it is named after; asked of the engine once."""
    inside = stand_in(BASE)
    return {} if inside is None else {"base": f"a stand-in of {BASE}: {inside}"}


def size_bytes(image: str) -> int:
    """Bytes of all layers of the image."""
    found = inspected(image)
    if found is None:
        raise RuntimeError(f"there is no image {image}")
    return int(found["Size"])


def layers(image: str) -> list[str]:
    """Digests of the image's layers, the lowest first."""
    return list((inspected(image) or {})["RootFS"]["Layers"])


def build(
    name: str,
    *,
    target: str | None = None,
    dockerfile: str = DOCKERFILE,
    context: Path = ROOT,
    arguments: Mapping[str, str] | None = None,
) -> Image:
    """Build an image of this process; RuntimeError with the last lines where that fails."""
    tag = f"service-harness-probe/{name}:{os.getpid()}"
    secrets = {"ca": {"file": _bundle()}, "index": {"environment": "PIP_INDEX_URL"}}
    building: dict[str, Any] = {
        "context": str(context),
        "dockerfile": dockerfile,
        "args": {"BASE_IMAGE": BASE, **(arguments or {})},
        "secrets": list(secrets),
        "labels": {LABEL: str(os.getpid())},
        **({"target": target} if target else {}),
    }
    document = {"name": "service-harness-probe", "services": {name: {"image": tag, "build": building}}}
    with tempfile.TemporaryDirectory(prefix="service-harness-probe-") as folder:
        file = Path(folder) / "compose.json"
        file.write_text(json.dumps({**document, "secrets": secrets}), encoding="utf-8")
        command = [
            "compose",
            "--progress",
            "plain",
            "--file",
            str(file),
            "build",
        ]
        begun_s = time.monotonic()
        done = docker(*command, timeout_s=BUILD_S)
        took_s = time.monotonic() - begun_s
    said = done.stdout + done.stderr
    if done.returncode:
        last = " / ".join(line for line in said.strip().splitlines()[-3:])
        raise RuntimeError(f"the image {name} cannot be built: {last}")
    return Image(tag, took_s, said)


def _bundle() -> str:
    """The bundle of authorities that a build needs behind a network that inspects TLS; an empty file otherwise."""
    names = ("BUILD_CA_BUNDLE", "PIP_CERT", "SSL_CERT_FILE")
    return next((os.environ[name] for name in names if os.environ.get(name)), os.devnull)


@contextlib.contextmanager
def tidied() -> Iterator[None]:
    """Remove the containers and images of this process at the end, whatever happened."""
    chosen = ("--filter", f"label={LABEL}={os.getpid()}", "--quiet")
    try:
        yield
    finally:
        for noun, arguments in (("container", ("ls", "--all")), ("image", ("ls",))):
            found = sorted(set(docker(noun, *arguments, *chosen).stdout.split()))
            if found:
                docker(noun, "rm", "--force", *found, timeout_s=BUILD_S)


def run(image: str, *arguments: str, options: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """Run a container of the image to its end, without a network, and remove it."""
    mine = ("--label", f"{LABEL}={os.getpid()}")
    return docker("run", "--rm", "--network", "none", *mine, *options, image, *arguments, timeout_s=BUILD_S)


def say(**fields: Any) -> None:
    """Print one line."""
    sys.stdout.write(json.dumps({**fields, **provenance()}) + "\n")
    sys.stdout.flush()
