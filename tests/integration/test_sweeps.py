"""Sweeps with real servers and a real Locust: every cell is measured where it says, and what went wrong is said."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import structs

from harness import catalog, duel, processes, settings, sweeps, target
from harness.backends.backing import backing
from harness.block import Rig
from harness.claims.claim import Cell, Grid
from harness.errors import CannotMeasure

ROOT = settings.home()
SERVER = "uvicorn"


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Give a session with services behind it."""
    with processes.supervised() as session, duel.rig(ROOT, (), session, 1) as bare:
        folder = tmp_path_factory.mktemp("data")
        with backing(folder, ROOT, session, None) as one:
            yield structs.replace(bare, backing=one)


def _parse(text: str) -> target.Target:
    return target.parse(text, servers=catalog.server_options(ROOT), serializers=[])


def _quiet(_: str) -> None:
    return None


LIMITS = Grid(
    id="limits",
    axis="items a page",
    cells=(
        *(Cell("page", limit, SERVER, f"/api/v1/items?limit={limit}") for limit in (1, 20, 200)),
        Cell("export", 1, f"{SERVER},SERVICE_LOGGING__KIND=off", "/api/v1/items/export"),
    ),
    measure_s=2.0,
)


def test_each_cell_is_measured_in_its_own_process_and_in_its_place(rig: Rig, tmp_path: Path) -> None:
    """The answer times of one page would be drawn at the place of another."""
    blocks = sweeps.observe(LIMITS, _parse, rig, tmp_path, 1, 7, _quiet)
    seen = {(one.subject, one.at): one for one in blocks[0].seen}
    assert len(seen) == 4
    assert all(one.failed == 0 and one.n > 20 for one in seen.values())
    medians = [seen["page", limit].p50_ms or 0.0 for limit in (1, 20, 200)]
    assert medians == sorted(medians)
    assert medians[2] > 1.5 * medians[0]
    # A process that serves one cell is metered for it; one that serves several is not.
    assert (seen["export", 1].cpu_us or 0) > 100
    assert seen["page", 1].cpu_us is None
    assert abs(seen["page", 1].n - seen["page", 200].n) <= 2


def test_kept_blocks_are_not_measured_again(rig: Rig, tmp_path: Path) -> None:
    """A resumed run would begin anew, or measure more than was planned."""
    grid = structs.replace(LIMITS, cells=LIMITS.cells[:1], measure_s=0.5)
    first = sweeps.observe(grid, _parse, rig, tmp_path, 1, 7, _quiet)
    valid = sum(not one.voids for one in first)
    again = sweeps.observe(grid, _parse, rig, tmp_path, valid or 1, 7, _quiet)
    assert again[: len(first)] == first


def test_the_database_is_filled_metered_and_its_statements_counted(rig: Rig, tmp_path: Path) -> None:
    """Nobody could say whether the service or its database got slower, or how many queries a page takes."""
    stored = f"{SERVER},SERVICE_DATA__KIND=postgres"
    grid = Grid(
        id="stored",
        axis="orders",
        cells=tuple(
            Cell(
                loading,
                20,
                f"{stored},SERVICE_DATA__LOADING={loading}",
                "/api/v1/orders?limit=20&expand=lines",
                rows=10_000,
            )
            for loading in ("lazy", "joined")
        ),
        measure_s=2.0,
        counter="/internal/data",
    )
    blocks = sweeps.observe(grid, _parse, rig, tmp_path, 1, 7, _quiet)
    seen = {one.subject: one for one in blocks[0].seen}
    assert seen["joined"].statements == 1
    # One order more than is shown is read, to know whether there is a next page.
    assert seen["lazy"].statements == 1 + 21
    assert all((one.backend_us or 0) > 50 and one.failed == 0 for one in seen.values())
    assert (seen["lazy"].p50_ms or 0) > (seen["joined"].p50_ms or 0)


RTT_MS = 40


@pytest.mark.usefixtures("toxiproxy_binary")
def test_a_network_before_the_database_costs_each_statement_its_round_trip(rig: Rig, tmp_path: Path) -> None:
    """Strategies over a network would be ranked as on loopback, or by a delay that is not the stated one."""
    stored = f"{SERVER},SERVICE_DATA__KIND=postgres"
    grid = Grid(
        id="distant",
        axis="orders",
        cells=tuple(
            Cell(
                loading,
                5,
                f"{stored},SERVICE_DATA__LOADING={loading}",
                "/api/v1/orders?limit=5&expand=lines",
                rows=10_000,
            )
            for loading in ("lazy", "joined", "selectin")
        ),
        measure_s=6.0,
        slice_s=2.0,
        counter="/internal/data",
        rtt_ms=RTT_MS,
    )
    (block,) = sweeps.observe(grid, _parse, rig, tmp_path, 1, 7, _quiet)[:1]
    assert RTT_MS <= (block.round_trip_ms or 0.0) < 1.5 * RTT_MS
    answers = next(check for check in block.checks if check.check == "who answers")
    assert answers.ok, answers.seen
    seen = {one.subject: one for one in block.seen}
    assert all(one.failed == 0 and one.n > 1 for one in seen.values())
    joined_ms, joined = seen["joined"].p50_ms or 0.0, seen["joined"].statements or 0
    # What is no statement (BEGIN, COMMIT) costs all alike.  A delay is never shorter; a busy machine adds to it.
    for name, more in (("lazy", 6), ("selectin", 1)):
        assert (seen[name].statements or 0) - joined == more
        assert 0.8 * more < ((seen[name].p50_ms or 0.0) - joined_ms) / RTT_MS < 2 * more + 1


def test_a_cache_that_dies_under_load_voids_the_block_with_the_reason(rig: Rig, tmp_path: Path) -> None:
    """Reads without their cache would be published as the cache's own."""
    target = f"{SERVER},SERVICE_DATA__KIND=postgres,SERVICE_CACHE__KIND=l2"
    counted = ("/internal/cache", "levels.l2.hits", "levels.l2.misses")
    cell = Cell("L2", 1, target, "/api/v1/products/1", rows=10_000, hits=counted)
    grid = Grid("cached", "key", (cell,), measure_s=3.0)
    killed: list[int] = []

    def kill() -> None:
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob("*/load/start.json")) and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(1.2)
        killed.extend(_valkeys(rig.session.label))
        for pid in killed:
            os.kill(pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    (block,) = sweeps.observe(grid, _parse, rig, tmp_path, 1, 7, _quiet)
    killer.join()
    assert len(killed) == 1
    assert any("Valkey ended with status -9" in void.sentence for void in block.voids)
    # The service went on without it, and its count of hits tells when.
    assert block.seen[0].failed == 0
    assert 0.05 < (block.seen[0].hit_ratio or 0.0) < 0.95


def _valkeys(label: str) -> list[int]:
    """Servers of Valkey that carry the session's label."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            marked = f"={label}".encode() in (entry / "environ").read_bytes()
            if marked and b"valkey-server" in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def test_a_cell_that_does_not_answer_as_expected_is_named_before_any_load(rig: Rig, tmp_path: Path) -> None:
    """A sweep of errors would be drawn as a curve of a fast service."""
    grid = structs.replace(LIMITS, cells=(Cell("page", 1, SERVER, "/api/v1/nowhere"),))
    with pytest.raises(CannotMeasure, match="/api/v1/nowhere answers 404"):
        sweeps.observe(grid, _parse, rig, tmp_path, 1, 7, _quiet)
