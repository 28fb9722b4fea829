"""Passages of a course on real servers, outside of a run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from msgspec import structs

from harness import block, catalog, duel, passages, processes
from harness.course import Course
from harness.model import Target
from harness.passage import Passage
from harness.runtimes import local
from harness.runtimes.runtime import Runtime
from tests.support.serving import ROOT


@contextlib.contextmanager
def rigged(runtime: Runtime = local.RUNTIME) -> Iterator[block.Rig]:
    """A rig whose subjects run there, with nothing behind them but what a course starts."""
    with processes.supervised(containers=runtime.name == "compose") as session, duel.rig(ROOT, (), session, 1) as bare:
        yield structs.replace(bare, runtime=runtime)


def parse(text: str) -> Target:
    """A target as people write it."""
    return catalog.target(text, ROOT)


def passed(course: Course, folder: Path) -> dict[str, Passage]:
    """Let every subject pass once; their passages by name."""
    with rigged() as rig:
        found = passages.observe(course, parse, rig, folder, 1, 7, lambda _: None)
    return {one.subject: one for one in found}


def once(course: Course, folder: Path, runtime: Runtime) -> Passage:
    """One passage of the first subject, void or not: it is not repeated."""
    with rigged(runtime) as rig:
        return passages.run(course, course.subjects[0], parse, rig, folder, 0, 7)
