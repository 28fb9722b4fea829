"""Pictures and tables of sweeps: one for each network, with its own crossing, and every table's size in one."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

from harness import curves
from harness.claims import find
from harness.claims.claim import Cell, Grid, Sweep
from harness.report import sweeps as report
from harness.store.folder import write_json
from harness.swept import Seen, SweepBlock

CROSSED_AT = {None: 30.0, 0: 30.0, 1: 60.0, 5: 120.0}
"""Orders from which selectin is to win, by the network's round trip."""


def _seen(grid: Grid, cell: Cell, number: int) -> Seen:
    """A cell whose truth is known: the other strategies pass selectin at the crossing."""
    base_ms = 2.0 + cell.at / 20
    slope = 1.0 if cell.subject == "selectin" else (cell.at / CROSSED_AT[grid.rtt_ms]) ** 0.1
    p50_ms = base_ms * slope * (1 + number / 1e4)
    return Seen(cell.subject, cell.at, 30, p50_ms, None, None, 250.0, None, 0, 2)


def _folder(place: Path, sweeps: list[Sweep]) -> Path:
    for grid in {one.grid.id: one.grid for one in sweeps}.values():
        folder = place / "sweeps" / grid.id
        folder.mkdir(parents=True)
        for number in range(5):
            seen = tuple(_seen(grid, cell, number) for cell in grid.cells)
            trip_ms = None if grid.rtt_ms is None else grid.rtt_ms + 0.25
            block = SweepBlock(number, 1, "", seen, (), (), 1.0, pinned=True, round_trip_ms=trip_ms)
            write_json(folder / f"{number:04}.json", block)
    return place


def test_each_network_has_its_picture_with_its_own_crossing(tmp_path: Path) -> None:
    """Four networks in one picture could not be read, and the crossing of one would be marked in another."""
    (claim,) = find(["63"])
    mine = [one for one in claim.conditions if isinstance(one, Sweep)]
    folder = _folder(tmp_path, mine)
    estimates = []
    for one in mine:
        found = curves.decide(one, report.kept(folder / "sweeps" / one.grid.id), "ours")
        if found.estimate is not None:
            estimates.append({name: getattr(found.estimate, name) for name in found.estimate.__struct_fields__})
    crossings = {one["condition"]: one["value"] for one in estimates if one["unit"] == "orders in the answer"}
    assert crossings["against joined, no network"] < 0.7 * crossings["against joined, round trip of 1 ms more"]
    assert abs(crossings["against joined, round trip of 1 ms more"] / 60 - 1) < 0.2
    pictures = report.pictures(63, folder, estimates)
    assert len(pictures) == 4
    for picture in pictures:
        words = " ".join(re.findall(r"<text[^>]*>([^<]*)</text>", picture.svg))
        # Median and statements, both over the number of orders; one mark for joined.
        assert "statements a request" in words
        assert words.count("joined = 1 × selectin") == 1
    assert [f"{trip:.2f} ms" in picture.caption for trip, picture in zip((0.25, 1.25, 5.25), pictures[1:], strict=True)]
    assert "a round trip was seen to take" not in pictures[0].caption


def test_the_table_names_the_network_and_what_the_database_cost(tmp_path: Path) -> None:
    """A reader could not tell over which network a row was measured, nor what it cost behind the service."""
    (claim,) = find(["63"])
    folder = _folder(tmp_path, [one for one in claim.conditions if isinstance(one, Sweep)])
    tables = report.tables(63, folder)
    assert len(tables) == 4
    assert "a round trip was seen to take 5.25 ms" in tables[3].caption
    assert "both ways together" in tables[3].caption
    column = tables[3].header.index("CPU behind, µs")
    assert {row[column] for row in tables[3].rows} == {"250 (250 to 250)"}
    assert "CPU a request, µs" not in tables[3].header
    slowest = {max(float(row[1]) for row in table.rows if row[0] == "lazy") for table in tables}
    assert slowest == {200.0, 100.0, 20.0}


def test_pages_of_every_size_of_table_are_in_one_picture_on_two_log_axes(tmp_path: Path) -> None:
    """Which depth is too deep could be seen for one size of table only, or not at all on a straight axis."""
    (claim,) = find(["17"])
    mine = [one for one in claim.conditions if isinstance(one, Sweep)]
    for grid in {one.grid.id: one.grid for one in mine}.values():
        folder = tmp_path / "sweeps" / grid.id
        folder.mkdir(parents=True)
        for number in range(4):
            seen = tuple(
                Seen(cell.subject, cell.at, 30, 1.0 + (cell.at / 1e4 if cell.subject == "offset" else 0.0), None, None,
                     None, None, 0, None)
                for cell in grid.cells
            )  # fmt: skip
            write_json(folder / f"{number:04}.json", SweepBlock(number, 1, "", seen, (), (), 1.0, pinned=True))
    (picture,) = report.pictures(17, tmp_path, [])
    words = " ".join(re.findall(r"<text[^>]*>([^<]*)</text>", picture.svg))
    for subject in ("offset", "cursor", "keyset"):
        for size in ("100k", "1M"):
            assert f"{subject}, {size} rows" in words


def test_recomputations_are_told_for_each_expiry_and_held_to_their_bound(tmp_path: Path) -> None:
    """A count per second says nothing of an expiry: a short life would look like a stampede."""
    (claim,) = find(["70"])
    mine = [one for one in claim.conditions if isinstance(one, Sweep)]
    grid = mine[0].grid
    folder = tmp_path / "sweeps" / grid.id
    folder.mkdir(parents=True)
    # An entry lives for half a second: two counted a second are one for each expiry.
    counted = {"none": 60.0, "lock": 2.0, "jitter": 50.0, "early": 2.1}
    for number in range(5):
        seen = tuple(
            Seen(cell.subject, cell.at, 30, 1.0, None, None, None, None, 0, None, counted[cell.subject] + number / 1e3)
            for cell in grid.cells
        )
        write_json(folder / f"{number:04}.json", SweepBlock(number, 1, "", seen, (), (), 1.0, pinned=True))
    blocks = report.kept(folder)
    found = {one.name: curves.decide(one, blocks, "ours").verdict for one in mine}
    assert {name: one.verdict for name, one in found.items()} == {
        "one hot key, lock": "supported",
        "one hot key, early": "supported",
        "one hot key, jitter": "refuted",
    }
    assert "recomputations per expiry is 1 " in found["one hot key, lock"].sentence
    (picture,) = report.pictures(70, tmp_path, [])
    words = " ".join(re.findall(r"<text[^>]*>([^<]*)</text>", picture.svg))
    assert "recomputations per expiry" in words
    assert "25" in words.split()


def test_the_hit_ratio_that_was_counted_stands_beside_the_response_times(tmp_path: Path) -> None:
    """The share of hot requests would pass for the hit ratio, which expiry makes smaller."""
    (claim,) = find(["68"])
    mine = [one for one in claim.conditions if isinstance(one, Sweep)]
    for grid, number in itertools.product((one.grid for one in mine), range(4)):
        folder = tmp_path / "sweeps" / grid.id
        folder.mkdir(parents=True, exist_ok=True)
        seen = tuple(
            Seen(cell.subject, cell.at, 300, 2.0, 3.0, None, None, None, 0, None,
                 hit_ratio=cell.at / 110 if cell.hits else None)
            for cell in grid.cells
        )  # fmt: skip
        write_json(folder / f"{number:04}.json", SweepBlock(number, 1, "", seen, (), (), 1.0, pinned=True))
    pictures = report.pictures(68, tmp_path, [])
    assert len(pictures) == 2
    for picture in pictures:
        assert "hit ratio" in " ".join(re.findall(r"<text[^>]*>([^<]*)</text>", picture.svg)).split("  ")[0]
    _, table = report.tables(68, tmp_path)
    column = table.header.index("hit ratio")
    cells = {(row[0], row[1]): row[column] for row in table.rows}
    assert cells["L2", "99"].startswith("0.9 ")
    assert cells["no cache", "99"] == "—"
