"""What the project's .dockerignore keeps out of a build, as JSON lines.

``python -m targets.probes.image_ignore [--quick]``; needs a container engine.

A folder like that of a project is planted with secrets, a history and an environment, and an image copies all of it,
with the project's .dockerignore and without.

- ``{"subject", "case", "cases", "found"}``: one planted secret, and whether its text is in a file of the image;
  ``without`` is the twin, in which all must be found.
- ``{"subject", "case", "repeat", "build_s", "image_mb"}``: one build from a folder that the engine has not seen; the
  figures are those of what was planted, HISTORY_MB and ENVIRONMENT_MB, and not of projects at large.
"""

from __future__ import annotations

import argparse
import io
import os
import secrets
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from targets.probes.image_building import (
    BUILD_S,
    LABEL,
    ROOT,
    Image,
    build,
    docker,
    need_engine,
    say,
    size_bytes,
    tidied,
)

SECRETS = (".env", "deploy/.env", ".env.production", "tls/server.key", "tls/chain.pem", ".git/config", "id_rsa")
"""What the standard's list names, at the root and below it, and a private key under its usual name."""
WITH, WITHOUT = "with a .dockerignore", "without one"
SUBJECTS = (WITH, WITHOUT)
REPEATS = 4
HISTORY_MB = 20
ENVIRONMENT_MB = 20
BIG_BYTES = 1_000_000


def main(arguments: Sequence[str]) -> None:
    """Print one line for each secret, then one for each build."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two builds of each")
    repeats = 2 if parser.parse_args(arguments).quick else REPEATS
    need_engine()
    with tidied():
        for repeat in range(repeats):
            for subject in SUBJECTS if repeat % 2 == 0 else SUBJECTS[::-1]:
                _built(subject, repeat)


def _built(subject: str, repeat: int) -> None:
    words = {name: secrets.token_hex(16) for name in SECRETS}
    with tempfile.TemporaryDirectory(prefix="service-harness-probe-") as folder:
        context = Path(folder)
        _plant(context, words)
        if subject == WITH:
            shutil.copy(ROOT / ".dockerignore", context)
        image = build(f"copied-{SUBJECTS.index(subject)}", dockerfile="Dockerfile", context=context)
    say(
        subject=subject,
        case=f"{subject}, build {repeat}",
        repeat=repeat,
        build_s=round(image.build_s, 3),
        image_mb=round(size_bytes(image.tag) / 1e6, 3),
    )
    if repeat == 0:
        held = _bytes_of(image)
        for name, word in words.items():
            twin = {"twin": True} if subject == WITHOUT else {}
            say(subject=subject, case=name, cases=1, found=int(word.encode() in held), **twin)


def _plant(context: Path, words: Mapping[str, str]) -> None:
    """Secrets, a history, an environment, and a little source; nothing is like a folder of an earlier build."""
    files = {name: f"token = {word}\n".encode() for name, word in words.items()}
    files |= {f".git/objects/pack-{n}": os.urandom(BIG_BYTES) for n in range(HISTORY_MB)}
    files |= {f".venv/lib/module-{n}.so": os.urandom(BIG_BYTES) for n in range(ENVIRONMENT_MB)}
    files |= {f"targets/module_{n}.py": f"NUMBER = {n}\n".encode() for n in range(50)}
    files |= {"Dockerfile": b'FROM scratch\nCOPY . /\nCMD ["/none"]\n'}
    for name, content in files.items():
        path = context / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _bytes_of(image: Image) -> bytes:
    """Everything in the image's files, end to end."""
    label = f"{LABEL}={os.getpid()}"
    container = docker("create", "--label", label, image.tag).stdout.strip()
    exported = subprocess.run(["docker", "export", container], capture_output=True, timeout=BUILD_S, check=True).stdout
    docker("rm", container)
    with tarfile.open(fileobj=io.BytesIO(exported)) as archive:
        members = [archive.extractfile(member) for member in archive if member.isfile()]
        return b"\n".join(member.read() for member in members if member is not None)


if __name__ == "__main__":
    main(sys.argv[1:])
