"""How long the service takes to its first answer with and without compiled byte code, as JSON lines.

``python -m targets.probes.bytecode_start [--server granian] [--repeats 8] [--quick]``

One start from source fills a folder with the byte code of all that the service imports.  Private copies of parts of
it then serve each start by PYTHONPYCACHEPREFIX, so that nothing in the environment changes: what an installer
compiles are ``packages`` (the service's own modules among them, as when it is installed), what comes with Python is
the ``library``, which some builds of Python bring compiled (Debian's) and some without (the official images delete
it).  Where PYTHONDONTWRITEBYTECODE is set, nothing is kept for the next start.

The files are in the page cache throughout: a cold disk would add the same reading to every start and more to those
from source.  Starts come in random order within each repeat.

Each line is one start of a new process: ``{"subject", "case", "repeat", "first_s", "cpu_s", "had", "left"}``.

- ``subject``: see STARTS.  ``first_s`` is the time from exec to the first 200 of PATH, ``cpu_s`` the CPU time of all
  its processes up to it.
- ``had`` and ``left`` are the compiled modules before the start and after it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from targets.orchestrator.cluster import free_port
from targets.probes.started import REFERENCE, command, environment, first_answer_s, group, started

PATH = "/health/ready"
NO_WRITING = "PYTHONDONTWRITEBYTECODE"
FOLDER = "PYTHONPYCACHEPREFIX"


class Start(NamedTuple):
    """What is compiled before a start, and whether it may keep what it compiles itself."""

    parts: tuple[str, ...]
    writes: bool = False
    again: bool = False
    """The second start over the folder of the one before, which wrote."""


STARTS: Mapping[str, Start] = {
    "compiled": Start(("packages", "library")),
    "not compiled": Start(("library",)),
    "compiled, library from source": Start(("packages",)),
    "nothing compiled": Start(()),
    "not compiled, first start that writes": Start(("library",), writes=True),
    "not compiled, second start": Start(("library",), writes=True, again=True),
}
FIRST, SECOND = "not compiled, first start that writes", "not compiled, second start"


def main(arguments: Sequence[str]) -> None:
    """Fill the folders, then print one line for each start."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--server", default="granian")
    parser.add_argument("--repeats", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="one start each")
    chosen = parser.parse_args(arguments)
    dice = random.Random(chosen.seed)
    with tempfile.TemporaryDirectory(prefix="bytecode-") as text:
        place = Path(text)
        whole = place / "whole"
        whole.mkdir()
        _started(chosen.server, whole, writes=True)
        for repeat in range(1 if chosen.quick else chosen.repeats):
            for subject in _order(dice):
                line = _start(chosen.server, subject, STARTS[subject], place, repeat)
                sys.stdout.write(json.dumps(line) + "\n")
                sys.stdout.flush()


def _order(dice: random.Random) -> list[str]:
    """Give the starts in random order, but the second start after the first."""
    order = dice.sample(list(STARTS), len(STARTS))
    first, second = sorted((order.index(FIRST), order.index(SECOND)))
    order[first], order[second] = FIRST, SECOND
    return order


def _start(server: str, subject: str, start: Start, place: Path, repeat: int) -> dict[str, Any]:
    folder = place / ("written" if start.writes else "given")
    if not start.again:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        _copy(place / "whole", folder, start.parts)
    had = _modules(folder)
    first_s, cpu_s = _started(server, folder, writes=start.writes)
    return {
        "subject": subject,
        "server": server,
        "case": f"start {repeat + 1}",
        "repeat": repeat,
        "first_s": first_s,
        "cpu_s": cpu_s,
        "had": had,
        "left": _modules(folder),
    }


def _started(server: str, folder: Path, *, writes: bool) -> tuple[float, float]:
    """Start the service and give the time and the CPU time to its first answer."""
    port = free_port()
    changes = {FOLDER: str(folder)} | ({} if writes else {NO_WRITING: "1"})
    argv = command(server, REFERENCE, port)
    variables = environment(changes, without=(NO_WRITING,))
    began_s = time.monotonic()
    with started(argv, variables) as process:
        answered_s = first_answer_s(process, port, PATH)
        cpu_s = sum(group(process.pid).values())
    return answered_s - began_s, cpu_s


def _copy(whole: Path, folder: Path, parts: Sequence[str]) -> None:
    for path in _files(whole):
        if _part(path.relative_to(whole)) in parts:
            target = folder / path.relative_to(whole)
            target.parent.mkdir(parents=True, exist_ok=True)
            # A second name for one file: it is only read, and a start that writes makes a new file.
            os.link(path, target)


def _part(relative: Path) -> str:
    """Say whether a module came with Python or was installed; the folder repeats whole paths from the root on."""
    source = Path("/", relative)
    library = Path(sysconfig.get_path("stdlib"))
    installed = any(source.is_relative_to(sysconfig.get_path(name)) for name in ("purelib", "platlib"))
    return "library" if source.is_relative_to(library) and not installed else "packages"


def _modules(folder: Path) -> int:
    return sum(1 for _ in _files(folder))


def _files(folder: Path) -> Iterator[Path]:
    return folder.rglob("*.pyc")


if __name__ == "__main__":
    main(sys.argv[1:])
