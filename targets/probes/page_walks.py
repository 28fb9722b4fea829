"""Walks through all pages of orders while others write: rows seen twice, rows missed, and the way back, as JSON lines.

``python -m targets.probes.page_walks [--walks 12] [--seed 0] [--quick]`` on DATABASE_URL, which it writes to.

Each line is one walk: ``{"subject", "walk", "cases", "rows", "inserted", "deleted", "erased", "duplicates", "skips",
"lost_or_doubled", "not_mirrored", "twin"}``.

- Writers insert beside, at and between existing times and at the end, mark rows as deleted, and delete some for good.
- The truth is the database's own: *stable* are the rows that were there, and not deleted, both before the first and
  after the last request.  Each must come exactly once.  Rows that were inserted or deleted meanwhile may come or not,
  and never twice.
- ``not_mirrored`` is 1 where the way back by ``links.prev`` does not give the stable rows of the way there in
  reverse.  Offset has no cursor to go back by; its pages are walked forward only.
- ``timestamp`` is the broken twin: its cursor names a time that three orders share, and must be caught in each walk.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import asyncpg
import httpx

from targets.probes import plain
from targets.probes.served import served

LIMIT = 100
"""No multiple of three: three orders that follow each other share a time, and the end of a page must cut some apart."""

STORED = {"SERVICE_DATA__KIND": "postgres"}
TWIN = STORED | {"SERVICE_DATA__CURSOR_KEY": "timestamp"}

WRITERS = 2
PAUSE_S = 0.001
"""Between two writes of a writer: some hundreds a second beside the reads, as in a busy shop."""
DELETES = 0.3
"""Share of writes that delete a row which was there before, or one that was inserted."""

NEW = 0.5
"""Share of the deletions that hit a row of this walk, while the other half hits one that was there before."""
BEHIND_S = 20 * 365 * 86_400.0
"""Later than every seeded order."""

INSERT = """
insert into orders (user_id, status, currency, total, pieces, placed_at, created_by, updated_by)
select user_id, 'placed', currency, total, pieces, placed_at + make_interval(secs => $2), 'probe', 'probe'
from orders where id = $1
returning id
"""
DELETE = "update orders set deleted_at = now(), updated_by = 'probe' where id = $1 and deleted_at is null returning id"
ERASE = "delete from orders where id = $1 and created_by = 'probe' returning id"
"""Only what a writer inserted: the seeded orders have lines, which refer to them."""
RESTORE = """
delete from orders where created_by = 'probe';
update orders set deleted_at = null, updated_by = 'seed' where updated_by = 'probe';
"""
"""Each walk begins with the seeded rows: otherwise the last would go through another table than the first."""
LIVE = "select id from orders where deleted_at is null"


@dataclass(frozen=True, slots=True)
class Form:
    """A way to walk: how the first page is asked for, in which process, and whether it leads back."""

    subject: str
    first: str
    back: bool
    twin: bool = False


FORMS = (
    Form("cursor", f"/api/v1/orders?limit={LIMIT}", back=True),
    Form("keyset", f"/api/v1/orders?limit={LIMIT}&after_id=0", back=True),
    Form("offset", f"/api/v1/orders?limit={LIMIT}&page=1", back=False),
    Form("timestamp", f"/api/v1/orders?limit={LIMIT}", back=True, twin=True),
)


@dataclass(slots=True)
class Written:
    """What the writers of one walk did; it grows while they run."""

    inserted: list[int] = field(default_factory=list)
    deleted: set[int] = field(default_factory=set)
    erased: set[int] = field(default_factory=set)


def main(arguments: Sequence[str]) -> None:
    """Walk in every form and print one line for each walk."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--walks", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="two walks of each form")
    chosen = parser.parse_args(arguments)
    walks = 2 if chosen.quick else max(1, chosen.walks)
    with ExitStack() as stack:
        urls = {twin: stack.enter_context(served(settings)) for twin, settings in ((False, STORED), (True, TWIN))}
        asyncio.run(_walk_all(urls, walks, chosen.seed))


async def _walk_all(urls: Mapping[bool, str], walks: int, seed: int) -> None:
    """The forms take turns, so that the machine's drift falls on all alike."""
    pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=1, max_size=WRITERS + 1)
    async with pool, plain.client(timeout=30) as client:
        for number in range(walks):
            for form in FORMS:
                draw = random.Random(f"{seed}-{form.subject}-{number}")
                line = await _walk(form, urls[form.twin], client, pool, draw)
                sys.stdout.write(json.dumps({"subject": form.subject, "walk": number, "cases": 1, **line}) + "\n")
                sys.stdout.flush()


async def _walk(
    form: Form, url: str, client: httpx.AsyncClient, pool: asyncpg.Pool[asyncpg.Record], draw: random.Random
) -> dict[str, object]:
    """Walk to the end, and back where the form leads back, beside the writers; compare with the database."""
    await pool.execute(RESTORE)
    before = await _live(pool)
    written, stop = Written(), asyncio.Event()
    rows = sorted(before)
    writers = [
        asyncio.create_task(_write(pool, rows, written, stop, random.Random(draw.random()))) for _ in range(WRITERS)
    ]
    try:
        there, last = await _pages(client, url, form.first, "next")
        back, _ = await _pages(client, url, last, "prev") if form.back else ([], "")
    finally:
        stop.set()
        await asyncio.gather(*writers)
    stable = before & await _live(pool)
    forward = [row for page in there for row in page]
    counted = {
        "rows": len(stable),
        "inserted": len(written.inserted),
        "deleted": len(written.deleted),
        "erased": len(written.erased),
        "duplicates": len(forward) - len(set(forward)),
        "skips": len(stable - set(forward)),
    }
    wrong = bool(counted["duplicates"] or counted["skips"])
    found: dict[str, object] = {**counted, "lost_or_doubled": int(wrong)}
    if form.back:
        backward = [row for page in reversed(back) for row in page]
        mirrored = [row for row in forward if row in stable] == [row for row in backward if row in stable]
        found["not_mirrored"] = int(not mirrored)
    if form.twin:
        found["twin"] = True
    return found


async def _live(pool: asyncpg.Pool[asyncpg.Record]) -> set[int]:
    return {row["id"] for row in await pool.fetch(LIVE)}


async def _pages(client: httpx.AsyncClient, url: str, first: str, follow: str) -> tuple[list[list[int]], str]:
    """The ids of each page from ``first`` on, and the path of the last page."""
    pages: list[list[int]] = []
    path: str | None = first
    asked = first
    while path is not None:
        asked = path
        answer = await client.get(url + path)
        if answer.status_code == httpx.codes.NOT_FOUND and pages:
            # An offset page that the rows deleted meanwhile have emptied: the walk ends here.
            break
        answer.raise_for_status()
        document = answer.json()
        pages.append([row["id"] for row in document["data"]])
        link = document["links"][follow]
        parts = urlsplit(link) if link else None
        path = None if parts is None else f"{parts.path}?{parts.query}"
    return pages, asked


async def _write(
    pool: asyncpg.Pool[asyncpg.Record], rows: Sequence[int], written: Written, stop: asyncio.Event, draw: random.Random
) -> None:
    """Insert and delete until told to stop."""
    while not stop.is_set():
        if draw.random() >= DELETES:
            written.inserted.append(await pool.fetchval(INSERT, *_place(rows, draw)))
        elif written.inserted and draw.random() < NEW:
            mine = draw.choice(written.inserted)
            if await pool.fetchval(ERASE, mine) is not None:
                written.erased.add(mine)
        else:
            mine = draw.choice(rows)
            if await pool.fetchval(DELETE, mine) is not None:
                written.deleted.add(mine)
        await asyncio.sleep(PAUSE_S)


def _place(rows: Sequence[int], draw: random.Random) -> tuple[int, float]:
    """A row to copy, and how many seconds after it the copy stands: at its very time, near it, or behind all."""
    return draw.choice(rows), draw.choice((0.0, draw.uniform(-5.0, 5.0), BEHIND_S))


if __name__ == "__main__":
    main(sys.argv[1:])
