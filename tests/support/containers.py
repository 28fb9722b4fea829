"""Containers of a test: what a session left, an engine for the tests, and a rig whose arms run inside."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import structs

from harness import block, duel, engine, processes
from harness.model import App, Block, Condition, Load, RuntimeName, Target
from harness.runtimes import choice
from tests.support.command import ROOT

TRUTH = App(module="targets.truth.app:app")


def begun(found: engine.Engine, harness: int) -> list[Any]:
    """The containers of sessions that this process, a harness that lives or has ended, has begun."""
    every = found.client.containers.list(all=True, sparse=True, filters={"label": engine.LABEL})
    return [one for one in every if one.attrs["Labels"][engine.LABEL].startswith(f"{harness}-")]


def labelled(found: engine.Engine, harness: int) -> list[str]:
    """Their ids."""
    return [one.id for one in begun(found, harness)]


@contextlib.contextmanager
def rigged(runtime: RuntimeName) -> Iterator[block.Rig]:
    """A rig without anything behind the arms."""
    ready = choice.ready(runtime, ROOT)
    with processes.supervised(containers=runtime == "compose") as session, duel.rig(ROOT, (), session, 1) as bare:
        yield structs.replace(bare, runtime=ready)


def truth(baseline: Target, candidate: Target, load: Load, *, path: str = "/") -> Condition:
    """Two truths against each other: their work is known."""
    return Condition(
        name="truth",
        regime="open" if load.model == "open" else "saturated",
        baseline=baseline,
        candidate=candidate,
        app=TRUTH,
        scenario="paths",
        parameters={"paths": [path]},
        load=load,
        grains=("request",),
    )


def run(condition: Condition, rig: block.Rig, place: Path, grain: Any = "request") -> Block:
    """One block."""
    place.mkdir(parents=True)
    return block.run(block.Job(0, condition, grain, 1), rig, place)


def target(server: str = "uvicorn", **words: str) -> Target:
    """A server; lower-case words are its options, UPPER-case ones the app's environment."""
    options = {name: value for name, value in words.items() if name.islower()}
    environment = {name: value for name, value in words.items() if name.isupper()}
    return Target(server, server=server, options=options, environment=environment)
