"""The probes on the real PostgreSQL and Valkey: known truths come out, and broken twins are caught."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from harness.backends import databases
from harness.backends.postgres import Postgres
from harness.backends.valkey import Valkey
from targets.probes.mutants.faults import FAULTS, Fault
from targets.probes.mutants.seeding import UnfitError, altered
from targets.probes.stale_reads import TWIN, Seen, counted, staleness_ms
from tests.support import serving
from tests.support.databases import database


def _lines(postgres: Postgres, valkey: Valkey, module: str, rows: int = 10_000) -> list[dict[str, Any]]:
    """Run a probe in its quick form on a copy of the seeded data."""
    template = databases.template(postgres, databases.Data(rows=rows, seed=3), serving.ROOT)
    with database(postgres.url, databases.database_url(postgres, template)) as url:
        done = subprocess.run(
            [sys.executable, "-m", f"targets.probes.{module}", *(() if module == "migrations_twice" else ("--quick",))],
            cwd=serving.ROOT,
            env={**os.environ, "DATABASE_URL": url, "REDIS_URL": valkey.url},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def walks(postgres: Postgres, valkey: Valkey) -> list[dict[str, Any]]:
    """Two walks of each form."""
    return _lines(postgres, valkey, "page_walks", rows=6_000)


def test_a_cursor_without_the_id_is_caught_in_every_walk(walks: list[dict[str, Any]]) -> None:
    """A session could not have seen a lost row, and would call every cursor safe."""
    twins = [line for line in walks if line.get("twin")]
    assert len(twins) == 2
    assert all(line["skips"] > 0 and line["lost_or_doubled"] == line["not_mirrored"] == 1 for line in twins)


@pytest.mark.parametrize("subject", ["cursor", "keyset"])
def test_a_whole_key_loses_and_doubles_nothing_and_leads_back(walks: list[dict[str, Any]], subject: str) -> None:
    """The count of lost rows would be wrong: here the truth is known to be zero."""
    mine = [line for line in walks if line["subject"] == subject]
    assert len(mine) == 2
    assert all((line["duplicates"], line["skips"], line["not_mirrored"]) == (0, 0, 0) for line in mine)


def test_writers_wrote_beside_every_walk(walks: list[dict[str, Any]]) -> None:
    """Pages of a table at rest prove nothing."""
    assert all(
        line["inserted"] > 10 and line["deleted"] > 3 and line["erased"] > 3 and line["rows"] > 5_000 for line in walks
    )


def test_offset_under_writes_is_seen_to_double_or_lose(walks: list[dict[str, Any]]) -> None:
    """The reason to leave offset would stay a rumour."""
    assert any(line["lost_or_doubled"] for line in walks if line["subject"] == "offset")


def test_repeated_migrations_leave_one_schema_and_generation_sees_no_change_where_there_is_none(
    postgres: Postgres, valkey: Valkey
) -> None:
    """Migrations would be called repeatable unseen, and generation blind where the probe is."""
    lines = _lines(postgres, valkey, "migrations_twice", rows=0)
    assert [line["differences"] for line in lines if line["subject"] == "repeat"] == [0] * 5
    assert [line["differences"] for line in lines if line.get("twin")] == [2]
    assert [line["failed"] for line in lines if line.get("control")] == [0, 0]
    missed = {
        subject: {line["case"]: line["missed"] for line in lines if line["subject"] == subject}
        for subject in ("autogenerate", "autogenerate with every option")
    }
    for seen in missed.values():
        assert seen["add a column"] == seen["add an index"] == 0
        assert seen["rename a column"] == seen["change a check"] == 1
    # What an option turns on must be seen with it, or the option was never passed on.
    assert [seen["change a server default"] for seen in missed.values()] == [1, 0]
    assert [seen["add a check"] for seen in missed.values()] == [1, 0]


def test_keys_are_inserted_and_their_indexes_measured(postgres: Postgres, valkey: Valkey) -> None:
    """The cost of a kind of key would be read off an empty table."""
    lines = _lines(postgres, valkey, "key_kinds", rows=0)
    assert {line["subject"] for line in lines} == {"bigint", "uuid4", "uuid7"}
    sizes = {line["subject"]: line["index_mb"] for line in lines}
    # Sixteen bytes a key against eight, and pages that random keys leave half empty.
    assert sizes["bigint"] < sizes["uuid7"] <= sizes["uuid4"]
    assert all(line["us_per_insert"] > line["cpu_us_per_insert"] > 0 for line in lines)


def test_both_suites_pass_without_a_fault_and_the_real_one_catches_those_seeded(
    postgres: Postgres, valkey: Valkey
) -> None:
    """A suite that fails anyway would catch every fault, and one that tests nothing none."""
    lines = _lines(postgres, valkey, "mutants", rows=0)
    assert [line["failed"] for line in lines if line["kind"] == "sound"] == [0, 0, 0, 0]
    caught = {(line["subject"], line["case"]): line["caught"] for line in lines if line["kind"] == "mutant"}
    assert len(caught) == 6
    assert all(value for (subject, _), value in caught.items() if subject == "real")
    # One that mocks cannot see, and one that they do: neither suite is a straw man.
    assert caught["mocked", "money becomes a float"] == 0
    assert caught["mocked", "nothing is committed"] == 1


def test_every_fault_still_fits_the_code_that_it_breaks_and_leaves_it_a_program() -> None:
    """The probe would end without a line after somebody has moved the code."""
    for name, fault in FAULTS.items():
        path = serving.ROOT / (fault.module.replace(".", "/") + ".py")
        source = altered(path.read_text(encoding="utf-8"), fault)
        assert compile(source, name, "exec")


def test_a_fault_that_does_not_fit_is_no_catch() -> None:
    """Faults that were never put in would count for whichever suite fails first."""
    with pytest.raises(UnfitError, match="0 times"):
        altered("one = 1\n", Fault("somewhere", "two", "three"))


def test_reads_without_a_cache_are_never_stale_and_every_strategy_reports(postgres: Postgres, valkey: Valkey) -> None:
    """The count of stale reads would be the instrument's own."""
    lines = {line["subject"]: line for line in _lines(postgres, valkey, "stale_reads")}
    assert set(lines) == {"off", "aside", "aside_versioned", "write_through", TWIN}
    assert (lines["off"]["stale"], lines["aside_versioned"]["stale"]) == (0, 0)
    assert all(line["reads"] > 50 and line["changes"] > 3 for line in lines.values())
    assert lines[TWIN]["twin"] is True
    assert lines[TWIN]["beyond_bound"] > 0


def test_one_race_is_one_case_however_many_reads_it_makes_stale() -> None:
    """A handful of races would be told as thousands of trials, and their bound as next to nothing."""
    ms = 1_000_000
    seen = Seen(
        acknowledged_ns=[10 * ms, 20 * ms, 3_000 * ms],
        versions=[2, 3, 4],
        reads=[(15 * ms, 2), (21 * ms, 2), (1_500 * ms, 2), (2_900 * ms, 3), (3_001 * ms, 3), (3_002 * ms, 4)],
    )
    found = counted({1: seen})
    assert (found["cases"], found["reads"], found["stale"], found["beyond_bound"]) == (2, 6, 3, 1)
    assert found["max_stale_ms"] == 1_480.0


@pytest.mark.parametrize(
    ("sent", "version", "late_ms"),
    [(5_000_000, 1, 3.0), (5_000_000, 2, 0.0), (2_000_000, 1, 0.0), (9_000_000, 2, 1.0), (9_000_000, 3, 0.0)],
)
def test_a_read_is_stale_from_the_acknowledgement_of_a_newer_version(sent: int, version: int, late_ms: float) -> None:
    """Reads that were on their way would be called stale, or old ones fresh."""
    seen = Seen(acknowledged_ns=[1_000_000, 2_000_000, 8_000_000], versions=[1, 2, 3])
    assert staleness_ms(seen, sent, version) == late_ms
