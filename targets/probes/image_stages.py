"""Whether an image built in stages is smaller than one built in one, and whether it starts as fast, as JSON lines.

``python -m targets.probes.image_stages [--quick]``; needs a container engine.

- ``{"subject", "case", "mb_over_base"}``: built in ``stages`` and in ``one stage``, each ``without uv's cache`` and
  with it, from the same lock file and source by the same commands.
- ``{"subject", "repeat", "first_200_s"}``: from the start of a container to its first answer with status 200, the two
  in turns.
"""

from __future__ import annotations

import argparse
import http.client
import sys
import time
from collections.abc import Sequence

from targets.probes.image_building import (
    BASE,
    LABEL,
    VARIANTS,
    Image,
    build,
    docker,
    need_engine,
    say,
    size_bytes,
    tidied,
)

LOCK = "granian"
REPEATS = 8
START_S = 30.0
POLL_S = 0.005


def main(arguments: Sequence[str]) -> None:
    """Print one line for each image, then one for each start."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two starts of each")
    repeats = 2 if parser.parse_args(arguments).quick else REPEATS
    need_engine()
    with tidied():
        images = {}
        for cache, no_cache in (("without", "1"), ("with", "0")):
            given = {"LOCK": LOCK, "UV_NO_CACHE": no_cache}
            images["stages", cache] = build(f"stages-{cache}", target="granian", arguments=given)
            images["one stage", cache] = build(f"single-{cache}", target="single", dockerfile=VARIANTS, arguments=given)
        for (subject, cache), image in images.items():
            over = round((size_bytes(image.tag) - size_bytes(BASE)) / 1e6, 1)
            named = f"{subject}, {cache} uv's cache"
            say(subject=named, case=named, mb_over_base=over)
        for repeat in range(repeats):
            order = ("stages", "one stage") if repeat % 2 == 0 else ("one stage", "stages")
            for subject in order:
                first_s = first_200_s(images[subject, "without"], f"{subject[:3]}-{repeat}")
                say(subject=subject, case="start", repeat=repeat, first_200_s=round(first_s, 4))


def first_200_s(image: Image, name: str) -> float:
    """Seconds from the start of a new container to its first 200; the container is removed again."""
    label = f"{LABEL}={image.tag.rpartition(':')[2]}"
    made = docker("create", "--label", label, "--publish", "127.0.0.1::8000", image.tag)
    if made.returncode:
        raise RuntimeError(f"no container of {name}: {made.stderr.strip()}")
    container = made.stdout.strip()
    try:
        begun_s = time.monotonic()
        docker("start", container)
        port = docker("port", container, "8000/tcp").stdout.strip().rpartition(":")[2]
        while time.monotonic() - begun_s < START_S:
            if answers(int(port)):
                return time.monotonic() - begun_s
            time.sleep(POLL_S)
        raise RuntimeError(f"{name} does not answer within {START_S:.0f} s: {docker('logs', container).stderr[-400:]}")
    finally:
        docker("rm", "--force", "--volumes", container)


def answers(port: int) -> bool:
    """Whether the service answers with 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1.0)
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    main(sys.argv[1:])
