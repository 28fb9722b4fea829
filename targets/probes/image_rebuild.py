"""Whether an edit of the source installs the dependencies again, as JSON lines.

``python -m targets.probes.image_rebuild [--quick]``; needs a container engine.

A copy of the source gets a line more and the image is built again, EDITS times.  Each line is one rebuild:
``{"subject", "case", "repeat", "cases", "reinstalled", "rebuild_s"}``.

- ``reinstalled`` is 1 where the layer with the environment is another than before the edit.
- ``source first`` is the twin, which copies the source before the lock file: it must install again.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from targets.probes.image_building import DOCKERFILE, ROOT, VARIANTS, Image, build, layers, need_engine, say, tidied

LOCK = "granian"
EDITS = 4
"""Fewer than four bound nothing (3 ÷ n)."""
EDITED = "targets/service/services/readiness.py"
SUBJECTS = {"lock file first": (DOCKERFILE, "runtime"), "source first": (VARIANTS, "source-first")}
ENVIRONMENT = -2
"""Both end with the layer of the environment and that of the source."""


def main(arguments: Sequence[str]) -> None:
    """Print one line for each rebuild."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one edit of each")
    edits = 1 if parser.parse_args(arguments).quick else EDITS
    need_engine()
    with tidied(), tempfile.TemporaryDirectory(prefix="service-harness-probe-") as folder:
        context = Path(folder)
        shutil.copy(ROOT / ".dockerignore", context)
        shutil.copytree(ROOT / "targets", context / "targets", ignore=shutil.ignore_patterns("__pycache__"))
        before = {subject: _built(subject, context) for subject in SUBJECTS}
        known = {subject: layers(image.tag)[ENVIRONMENT] for subject, image in before.items()}
        for repeat in range(edits):
            with (context / EDITED).open("a", encoding="utf-8") as file:
                file.write(f"\n# Edit {repeat} of {folder}.\n")
            for subject in SUBJECTS:
                image = _built(subject, context)
                environment = layers(image.tag)[ENVIRONMENT]
                twin = {"twin": True} if subject == "source first" else {}
                say(
                    subject=subject,
                    case=f"edit {repeat}",
                    repeat=repeat,
                    cases=1,
                    reinstalled=int(environment != known[subject]),
                    rebuild_s=round(image.build_s, 3),
                    **twin,
                )
                known[subject] = environment


def _built(subject: str, context: Path) -> Image:
    dockerfile, target = SUBJECTS[subject]
    return build(target, target=target, dockerfile=dockerfile, context=context, arguments={"LOCK": LOCK})


if __name__ == "__main__":
    main(sys.argv[1:])
