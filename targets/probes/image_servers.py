"""What an image with each server weighs over its base, and how many packages it has, as JSON lines.

``python -m targets.probes.image_servers``; needs a container engine.

Each line is one image: ``{"subject", "case", "over_base_mb", "packages"}``.  The service without a database, a cache or
an upstream is the same in all; Granian and Uvicorn have uvloop, Uvicorn has httptools.  The last is what the rig itself
runs: every server, the drivers of the database and the cache, and the client of an upstream.
"""

from __future__ import annotations

from targets.probes.image_building import BASE, build, need_engine, run, say, size_bytes, tidied

SUBJECTS = {
    "granian": "granian",
    "uvicorn": "uvicorn",
    "uvicorn and gunicorn": "uvicorn-gunicorn",
    "everything": "service",
}
"""Lock files by what they serve with."""

COUNT = "import importlib.metadata; print(len(list(importlib.metadata.distributions())))"


def main() -> None:
    """Print one line for each image."""
    need_engine()
    with tidied():
        for subject, lock in SUBJECTS.items():
            image = build(lock, target="runtime", arguments={"LOCK": lock})
            say(
                subject=subject,
                case=lock,
                over_base_mb=round((size_bytes(image.tag) - size_bytes(BASE)) / 1e6, 1),
                packages=int(run(image.tag, "-c", COUNT, options=("--entrypoint", "python")).stdout),
            )


if __name__ == "__main__":
    main()
