"""Pagination: offset, cursor and keyset over depth, totals, and the links both ways."""

from __future__ import annotations

from harness.claims.claim import Beside, Cell, Claim, Crosses, Flat, Grid, Grows, Probe, Sweep, Zero

SERVER = "uvicorn,loop=uvloop,http=httptools"
"""The steadier of the two servers from process to process; what is compared is behind it."""

SERVICE = f"{SERVER},SERVICE_DATA__KIND=postgres"

LIMIT = 20
"""Rows of a page, as in the standard's examples."""

DEPTHS: dict[int, tuple[int, ...]] = {
    10_000: (20, 200, 1_000, 2_000, 5_000, 9_000),
    100_000: (20, 1_000, 10_000, 20_000, 25_000, 30_000, 36_000, 43_000, 50_000, 90_000),
    1_000_000: (20, 1_000, 10_000, 20_000, 25_000, 30_000, 36_000, 43_000, 50_000, 100_000, 900_000),
}
"""Rows before the page, by the size of the table; deleted rows are some 6 % and do not count.  The first place is the
second page, where all three forms have a place to go on from; dense where offset takes twice as long as a cursor, since
a crossing is known no better than the places around it."""

TWICE = 2.0
"""Ours: at twice the time of a page a reader would name it slow."""
FLAT = 0.20
"""Ours: a fifth is what nobody notices between two pages."""
ALIKE = 0.10
"""Ours: below a tenth one chooses by taste."""

LONE = "one request at a time"


def _pages(rows: int) -> Grid:
    """The three strategies side by side in one process: they differ in the question alone."""
    place = "/internal/cursor?rows={depth}"
    cells = [
        Cell(subject=subject, at=depth, target=SERVICE, path=path, ask=ask, rows=rows)
        for depth in DEPTHS[rows]
        for subject, path, ask in (
            ("offset", f"/api/v1/orders?limit={LIMIT}&page={depth // LIMIT + 1}", None),
            ("cursor", f"/api/v1/orders?limit={LIMIT}&cursor={{cursor}}", place.format(depth=depth)),
            ("keyset", f"/api/v1/orders?limit={LIMIT}&after_id={{after_id}}", place.format(depth=depth)),
        )
    ]
    return Grid(
        id=f"pages-of-{rows}-orders",
        axis="rows deep",
        cells=tuple(cells),
        # One process, and the deepest page takes a fifth of a second: no slices to cut it in two.
        slice_s=9.0,
        measure_s=9.0,
        note=LONE,
    )


PAGES = {rows: _pages(rows) for rows in DEPTHS}

LARGE = (100_000, 1_000_000)
"""Ours: tables that no page of a table can show at once a hundred times over."""

SIZES = (10_000, 13_000, 16_000, 20_000, 100_000, 1_000_000)
"""Orders in a table; dense where counting them takes as long as the page."""

TOTALS = Grid(
    id="totals",
    axis="orders in the table",
    cells=tuple(
        Cell(
            subject=total,
            at=rows,
            target=f"{SERVICE},SERVICE_DATA__TOTAL={total}",
            path=f"/api/v1/orders?limit={LIMIT}",
            rows=rows,
        )
        for rows in SIZES
        for total in ("none", "estimated", "exact")
    ),
    measure_s=6.0,
    note=LONE,
)


def _named(rows: int) -> str:
    return f"{rows:,} orders"


def _walk(name: str, strategy: str, value: str, event: str) -> Probe:
    return Probe(
        name=name,
        module="targets.probes.page_walks",
        rule=Zero(unit="walks"),
        value=value,
        where={"subject": strategy},
        behind=("postgres",),
        rows=10_000,
        spoken=event,
    )


CLAIMS = (
    Claim(
        number=17,
        id="offset-slows-with-depth",
        section="Pagination",
        statement="Offset pagination becomes slow on large tables.",
        hypothesis=(
            "The median of a lone request for the deepest page is at least twice that of the second; the depth at "
            "which offset takes twice as long as a cursor is reported."
        ),
        experiment="sweep",
        needs=("PG",),
        conditions=(
            *(Sweep(_named(rows), PAGES[rows], "p50_ms", Grows("offset", TWICE)) for rows in LARGE),
            *(
                Sweep(f"{_named(rows)}, twice a cursor", PAGES[rows], "p50_ms", Crosses("offset", "cursor", TWICE))
                for rows in LARGE
            ),
        ),
    ),
    Claim(
        number=18,
        id="cursor-stays-flat",
        section="Pagination",
        statement="Cursor pagination stays efficient and loses no row.",
        hypothesis=(
            "The median of the deepest page is within 20 % of the second's, with 0 rows repeated or skipped while "
            "others insert and delete; a cursor without the id is caught skipping."
        ),
        experiment="sweep",
        needs=("PG",),
        parts=True,
        conditions=(
            *(Sweep(_named(rows), PAGES[rows], "p50_ms", Flat("cursor", FLAT)) for rows in DEPTHS),
            _walk("rows while others write", "cursor", "lost_or_doubled", "a row lost or seen twice"),
        ),
    ),
    Claim(
        number=19,
        id="keyset-like-cursor",
        section="Pagination",
        statement="Keyset pagination is much like cursor pagination.",
        hypothesis="The medians of lone requests are within 10 % of each other at every depth.",
        experiment="sweep",
        needs=("PG",),
        conditions=tuple(
            Sweep(_named(rows), PAGES[rows], "p50_ms", Beside("keyset", ("cursor",), ALIKE, at_most=False))
            for rows in DEPTHS
        ),
    ),
    Claim(
        number=20,
        id="total-only-if-efficient",
        section="Pagination",
        statement="A total belongs into the answer only where it is cheap.",
        hypothesis=(
            "From some size of table on an exact count makes the page take twice as long; an estimate stays within "
            "10 % of no total at every size."
        ),
        experiment="sweep",
        needs=("PG",),
        parts=True,
        conditions=(
            Sweep("an exact count doubles a page", TOTALS, "p50_ms", Crosses("exact", "none", TWICE)),
            Sweep("an estimate is cheap", TOTALS, "p50_ms", Beside("estimated", ("none",), ALIKE, at_most=True)),
        ),
    ),
    Claim(
        number=91,
        id="links-walk-both-ways",
        section="Pagination",
        statement="The links of a page lead forward and back.",
        hypothesis="Walking back gives the rows of walking forward in reverse, while others write: 0 differences.",
        experiment="probe",
        needs=("PG",),
        conditions=tuple(
            _walk(f"{strategy}, back against forward", strategy, "not_mirrored", "another way back")
            for strategy in ("cursor", "keyset")
        ),
    ),
)
