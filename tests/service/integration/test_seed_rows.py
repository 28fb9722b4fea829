"""Seeded rows: the same for the same seed, of the promised shape, and never on top of others."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from targets.service.models import Base
from targets.service.seed.filling import TABLES, NotEmptyError, Size, fill
from tests.support import serving
from tests.support.databases import database, rows

SMALL = Size(orders=300, users=20, products=30)
INDEXES = "select indexdef from pg_indexes where schemaname = 'public' order by 1"
CONSTRAINTS = (
    "select conname, pg_get_constraintdef(oid), convalidated from pg_constraint"
    " where connamespace = 'public'::regnamespace order by 1"
)


def checksum(url):
    """Give one hash for all rows of each table."""
    text = "select md5(string_agg(row::text, '|' order by id)) from {} row"
    return [rows(url, text.format(table)) for table in TABLES]


def filled(postgres, seed):
    """Fill a database, and give its checksum."""
    with database(postgres.url) as url:
        fill(url, SMALL, seed)
        return checksum(url)


def test_the_seed_decides_every_row(postgres):
    """Without this two runs would measure different data, or 'another seed' would be the same data again."""
    first, again, other = filled(postgres, 1), filled(postgres, 1), filled(postgres, 2)
    assert first == again
    assert all(mine != others for mine, others in zip(first, other, strict=True))


def test_rows_have_the_promised_shape(seeded):
    """Without this a page would not meet shared times, deleted rows, or lines that sum up."""
    live, deleted, most, first = rows(
        seeded,
        "select count(*) filter (where deleted_at is null), count(*) filter (where deleted_at is not null),"
        " (select max(n) from (select count(*) n from orders group by placed_at) x), min(id) from orders",
    )[0]
    assert (live + deleted, most, first) == (400, 3, 1)
    assert 0.02 < deleted / 400 < 0.12
    assert rows(seeded, "select distinct count(*) from order_lines group by order_id order by 1") == [(1,), (2,), (3,)]
    wrong = (
        "select count(*) from orders where (total, pieces) <> (select sum(line_total), sum(quantity)"
        " from order_lines where order_id = orders.id)"
    )
    assert rows(seeded, wrong) == [(0,)]
    assert rows(seeded, "select count(*) from order_lines where line_total <> quantity * unit_price") == [(0,)]


def test_indexes_and_keys_are_what_they_were_before(seeded, migrated):
    """Without this a seeded database would be faster or slower than the one that migrations make."""
    assert rows(seeded, INDEXES) == rows(migrated, INDEXES)
    assert rows(seeded, CONSTRAINTS) == rows(migrated, CONSTRAINTS)
    assert set(Base.metadata.tables) >= set(TABLES)


def test_the_next_row_gets_the_next_number(postgres, seeded):
    """Without this the first order that a scenario places would fail on its key."""
    with database(postgres.url, seeded) as url:
        text = "insert into users (email, name) values ('new@example.org', 'New') returning id"
        assert rows(url, text) == [(101,)]


def test_a_filled_database_is_refused_and_left_alone(postgres, seeded):
    """Without this rows of two seeds would be mixed."""
    with database(postgres.url, seeded) as url:
        before = checksum(url)
        with pytest.raises(NotEmptyError, match="has rows"):
            fill(url, SMALL, 2)
        assert checksum(url) == before


def command(*argv, url):
    """Run the module as people do."""
    return subprocess.run(
        [sys.executable, "-m", "targets.service.seed", *argv],
        cwd=serving.ROOT,
        env=serving.environment({"DATABASE_URL": url}),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_command_prints_one_line_and_refuses_with_2(postgres):
    """Without this a script could not know what it got, or would go on without data."""
    with database(postgres.url) as url:
        done = command("--rows", "150", "--seed", "3", url=url)
        line = json.loads(done.stdout)
        assert (line["orders"], line["users"], line["products"]) == (150, 100, 100)
        assert 150 < line["order_lines"] < 450
        again = command("--rows", "150", url=url)
        assert (again.returncode, again.stdout) == (2, "")
        assert "has rows" in again.stderr
    assert command("--rows", "0", url=url).returncode == 2
