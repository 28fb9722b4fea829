"""What the slim base image and the full one weigh, as JSON lines.

``python -m targets.probes.image_base``; needs a container engine that has, or can pull, both images.  A stand-in of
either says nothing of the original: then nothing is printed.

Each line is one image: ``{"subject", "case", "mb"}``, where MB are those of all its layers, unpacked.
"""

from __future__ import annotations

from targets.probes.image_building import (
    BASE,
    BUILD_S,
    cannot,
    docker,
    inspected,
    need_engine,
    say,
    size_bytes,
    stand_in,
)


def main() -> None:
    """Print one line for each image."""
    need_engine()
    images = {"slim": BASE, "full": BASE.replace("-slim", "")}
    for image in images.values():
        inside = stand_in(image)
        if inside is not None:
            cannot(
                f"{image} is a stand-in here ({inside}), whose size says nothing of the original; where a registry can "
                f"be reached: targets/images/stand_ins --remove, then docker pull {image}"
            )
        if inspected(image) is None and docker("pull", "--quiet", image, timeout_s=BUILD_S).returncode:
            cannot(f"the image {image} is not here and cannot be pulled")
    for subject, image in images.items():
        say(subject=subject, case=image, mb=round(size_bytes(image) / 1e6, 1))


if __name__ == "__main__":
    main()
