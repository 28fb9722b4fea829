"""``run.json``: what was decided before the first block, its hash, and the machine it ran on."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from harness.errors import UsageError
from harness.model import SCHEMA, Plan
from harness.store.folder import RUN_FILE, read_json, write_json

State = Literal["running", "finished", "interrupted", "failed"]


class Run(Struct, frozen=True, kw_only=True):
    """One session as it was registered; ``plan_hash`` is taken before the first block."""

    plan: Plan
    plan_hash: str
    """SHA-256 of the plan as canonical JSON, in hexadecimal."""
    seed: int
    argv: tuple[str, ...]
    machine: dict[str, Any]
    started_utc: str
    finished_utc: str | None = None
    state: State = "running"
    schema: int = SCHEMA
    kind: str = "run"
    harness_version: str = ""


def hash_plan(plan: Plan) -> str:
    """Return the SHA-256 of the plan; equal plans have equal hashes whatever the order of their keys.

    A plan without sweeps or courses, one whose arms run as processes, and a condition with nothing or no network behind
    it hash as they did before there was anything else, so that older runs can go on.
    """
    document = msgspec.to_builtins(plan)
    for later in ("sweeps", "courses"):
        if not document[later]:
            del document[later]
    if document["runtime"] == "local":
        del document["runtime"]
    for condition in document["conditions"]:
        if condition["behind"] is None:
            del condition["behind"]
        elif condition["behind"]["rtt_ms"] is None:
            del condition["behind"]["rtt_ms"]
    return hashlib.sha256(msgspec.json.encode(document, order="sorted")).hexdigest()


def write_run(folder: Path, run: Run) -> None:
    """Write ``run.json`` whole; raises CannotMeasure if the disk refuses."""
    write_json(folder / RUN_FILE, run)


def read_run(folder: Path) -> Run:
    """Read ``run.json``; raises UsageError if it is missing, damaged or newer than this harness."""
    return read_json(folder / RUN_FILE, Run, kind="run")


def verify_plan_hash(run: Run) -> None:
    """Raise UsageError if the plan is no longer the one that was registered before the first block."""
    seen = hash_plan(run.plan)
    if seen != run.plan_hash:
        raise UsageError(
            f"The plan is not the registered one (hash {seen[:12]}, registered {run.plan_hash[:12]}).",
            "Restore run.json from a copy, or measure again: a changed plan decides nothing.",
        )
