"""What uv's link mode changes where its cache lies on another file system than the image, as JSON lines.

``python -m targets.probes.image_link_mode [--quick]``; needs a container engine.

The dependencies are installed from a cache that is mounted into the build, ROUNDS times for each mode; a first build
of each fills the cache.  Each line is one build: ``{"subject", "case", "repeat", "cases", "warned", "build_s",
"over_base_mb"}``.

- ``warned`` is 1 where uv says that it could not link and copies after all.
- ``hardlink``, uv's own default on Linux, is the twin: it must warn, or the two file systems are one.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from targets.probes.image_building import BASE, VARIANTS, Image, build, need_engine, say, size_bytes, tidied

LOCK = "granian"
ROUNDS = 4
"""Fewer than four bound nothing (3 ÷ n)."""
MODES = ("copy", "hardlink")
WARNING = "hardlink files"
"""Part of uv's words: "Failed to hardlink files; falling back to full copy"."""


def main(arguments: Sequence[str]) -> None:
    """Print one line for each build."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one build of each mode")
    rounds = 1 if parser.parse_args(arguments).quick else ROUNDS
    need_engine()
    with tidied():
        _built(MODES[0], "first")
        for repeat in range(rounds):
            for mode in MODES if repeat % 2 == 0 else MODES[::-1]:
                image = _built(mode, str(repeat))
                twin = {"twin": True} if mode == "hardlink" else {}
                say(
                    subject=mode,
                    case=f"{mode}, round {repeat}",
                    repeat=repeat,
                    cases=1,
                    warned=int(WARNING in image.said),
                    build_s=round(image.build_s, 3),
                    over_base_mb=round((size_bytes(image.tag) - size_bytes(BASE)) / 1e6, 1),
                    **twin,
                )


def _built(mode: str, number: str) -> Image:
    """A round of this process: one of an earlier process would come from the build's cache."""
    given = {"LOCK": LOCK, "UV_LINK_MODE": mode, "ROUND": f"{os.getpid()}-{mode}-{number}"}
    return build(f"mounted-{mode}", target="mounted", dockerfile=VARIANTS, arguments=given)


if __name__ == "__main__":
    main(sys.argv[1:])
