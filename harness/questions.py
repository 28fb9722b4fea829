"""What the processes of a grid are asked: each cell once before the load, then in turn, and what they have counted."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from harness.claims.claim import Grid
from harness.model import Target
from harness.runtimes import local
from harness.runtimes.runtime import Server

ROUNDS = 16
"""Orders in which a process's cells are asked in turn before they repeat: no cell always follows the same other."""


class Process(Struct, frozen=True):
    """One process of a grid: its name in the trial, and the cells that it serves."""

    name: str
    target: Target
    rows: int | None
    cells: tuple[int, ...]
    """Their numbers in the grid."""


def asked(grid: Grid, arms: Sequence[Process], servers: Sequence[Server]) -> tuple[dict[int, str], dict[int, int]]:
    """Each cell's path with what ``ask`` gave, and how many statements one request of it takes.

    Raises CannotMeasure where a cell does not answer 200.
    """
    paths: dict[int, str] = {}
    statements: dict[int, int] = {}
    for arm, server in zip(arms, servers, strict=True):
        for number in arm.cells:
            cell = grid.cells[number]
            fields = json.loads(local.verify_path(server.url, cell.ask, (200,))) if cell.ask is not None else {}
            paths[number] = cell.path.format_map(fields)
            local.verify_path(server.url, paths[number], (200,))
            if grid.counter is not None:
                before = _statements(server, grid.counter)
                local.verify_path(server.url, paths[number], (200,))
                statements[number] = _statements(server, grid.counter) - before
    return paths, statements


def _statements(server: Server, path: str) -> int:
    return int(json.loads(local.verify_path(server.url, path, (200,)))["statements"])


def requests(
    grid: Grid, arms: Sequence[Process], paths: Mapping[int, str], order: random.Random
) -> list[dict[str, Any]]:
    """Every process's cells in turn, in several random orders one after the other."""
    return [
        {"method": "GET", "path": path, "name": str(number), "arm": arm.name}
        for arm in arms
        for _ in range(ROUNDS if len(arm.cells) > 1 else 1)
        for number in order.sample(arm.cells, len(arm.cells))
        for path in (paths[number], *grid.cells[number].also)
    ]


def hits(grid: Grid, arms: Sequence[Process], servers: Sequence[Server]) -> dict[int, tuple[float, float]]:
    """Hits and misses so far of each cell whose process counts them."""
    found = {}
    for arm, server in zip(arms, servers, strict=True):
        for number in arm.cells:
            counted = grid.cells[number].hits
            if counted is not None:
                path, *fields = counted
                told = json.loads(local.verify_path(server.url, path, (200,)))
                found[number] = (_field(told, fields[0]), _field(told, fields[1]))
    return found


def _field(told: Any, dotted: str) -> float:
    for name in dotted.split("."):
        told = told[name]
    return float(told)


def tallies(grid: Grid, servers: Sequence[Server]) -> list[float]:
    """What each process has counted so far; nothing where the grid asks for none."""
    if grid.tally is None:
        return []
    path, field = grid.tally
    return [float(json.loads(local.verify_path(server.url, path, (200,)))[field]) for server in servers]
