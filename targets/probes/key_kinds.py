"""What an insert costs under integer, random and time-ordered keys, and how large their index grows, as JSON lines.

``python -m targets.probes.key_kinds [--repeats 48] [--rows 1000000] [--seed 0] [--quick]`` on DATABASE_URL.

Each line is ``{"operation": "insert", "subject", "repeat", "rows", "us_per_insert", "cpu_us_per_insert", "index_mb"}``:
single inserts in transactions of a hundred, since a commit each would measure the disk.  The tables are filled inside
the database first.  A repeat inserts into each of them once, in an order drawn anew; ``us_per_insert`` is the wall time
of the client, ``cpu_us_per_insert`` the CPU time of the server's process (null where it cannot be read), ``index_mb``
the size of the primary key's index afterwards.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
import time
from collections.abc import Sequence

import asyncpg

from targets.probes.process_clock import cpu_ns

KINDS = ("bigint", "uuid4", "uuid7")
BATCH = 100
"""Inserts of one transaction."""
INSERTS = 2_000
"""Of one kind in one repeat: some 0.3 s."""
PAYLOAD = json.dumps({"source": "probe", "amount": 12})


def main(arguments: Sequence[str]) -> None:
    """Fill the tables, insert in turns, print one line for each kind and repeat."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--repeats", type=int, default=48)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="three repeats on ten thousand rows")
    chosen = parser.parse_args(arguments)
    repeats, rows = (3, 10_000) if chosen.quick else (max(1, chosen.repeats), max(1, chosen.rows))
    asyncio.run(_insert_all(repeats, rows, chosen.seed))


async def _insert_all(repeats: int, rows: int, seed: int) -> None:
    connection = await asyncpg.connect(os.environ["DATABASE_URL"])
    try:
        for kind in KINDS:
            await _fill(connection, kind, rows)
        await connection.execute("vacuum analyze")
        await connection.execute("checkpoint")
        draw = random.Random(seed)
        for kind in KINDS:
            # The first inserts of a connection read catalogues and prepare plans: they belong to no kind.
            await _insert(connection, kind)
        for repeat in range(repeats):
            for kind in draw.sample(KINDS, len(KINDS)):
                line = {"rows": rows + (repeat + 2) * INSERTS, **await _insert(connection, kind)}
                sys.stdout.write(json.dumps({"operation": "insert", "subject": kind, "repeat": repeat, **line}) + "\n")
                sys.stdout.flush()
    finally:
        await connection.close()


async def _fill(connection: asyncpg.Connection[asyncpg.Record], kind: str, rows: int) -> None:
    await connection.execute(
        f"insert into events_{kind} (kind, payload) select 'filled', $1::jsonb from generate_series(1, $2)",  # noqa: S608  (one of KINDS)
        PAYLOAD,
        rows,
    )


async def _insert(connection: asyncpg.Connection[asyncpg.Record], kind: str) -> dict[str, float | int | None]:
    statement = await connection.prepare(f"insert into events_{kind} (kind, payload) values ('probe', $1) returning id")  # noqa: S608  (one of KINDS)
    pid = int(await connection.fetchval("select pg_backend_pid()"))
    used_ns, began_ns = cpu_ns(pid), time.perf_counter_ns()
    for _ in range(INSERTS // BATCH):
        async with connection.transaction():
            for _ in range(BATCH):
                await statement.fetchval(PAYLOAD)
    took_ns, after_ns = time.perf_counter_ns() - began_ns, cpu_ns(pid)
    size = await connection.fetchval(
        "select pg_relation_size(indexrelid) from pg_index where indrelid = $1::regclass and indisprimary",
        f"events_{kind}",
    )
    return {
        "us_per_insert": took_ns / INSERTS / 1e3,
        "cpu_us_per_insert": None if used_ns is None or after_ns is None else (after_ns - used_ns) / INSERTS / 1e3,
        "index_mb": size / 2**20,
    }


if __name__ == "__main__":
    main(sys.argv[1:])
