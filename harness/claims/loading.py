"""Loading strategies: what belongs to many rows, in how many queries, with and without a network between."""

from __future__ import annotations

from harness.claims.claim import Beside, Cell, Claim, Crosses, Grid, Sweep
from harness.claims.databases import ROWS
from harness.claims.pagination import SERVICE

PARENTS = (1, 5, 10, 20, 50, 100, 200)
STRATEGIES = ("lazy", "joined", "selectin", "contains_eager", "batch")

LAZY_MAX_MS = 100
"""A statement for each order waits for each order's round trip: a tenth of a second is shown, and no more of it."""


def _loading(*, measure_s: float, slice_s: float, rtt_ms: int | None, note: str) -> Grid:
    """The strategies side by side, over the number of orders."""
    return Grid(
        id="loading-strategies" if rtt_ms is None else f"loading-strategies-{rtt_ms}-ms",
        axis="orders in the answer",
        cells=tuple(
            Cell(
                subject=strategy,
                at=count,
                target=f"{SERVICE},SERVICE_DATA__LOADING={strategy}",
                path=f"/api/v1/orders?limit={count}&expand=lines",
                rows=ROWS,
            )
            for strategy in STRATEGIES
            for count in PARENTS
            if strategy != "lazy" or count * (rtt_ms or 0) <= LAZY_MAX_MS
        ),
        measure_s=measure_s,
        slice_s=slice_s,
        counter="/internal/data",
        rtt_ms=rtt_ms,
        note=f"one request at a time, two lines an order; {note}",
    )


DIRECT = _loading(measure_s=7.0, slice_s=0.25, rtt_ms=None, note="no network between service and database")

ROUND_TRIPS_MS = (1, 5)
"""A neighbouring zone, and a neighbouring region."""


def _distant(rtt_ms: int, note: str) -> Grid:
    # A request takes up to a tenth of a second, and one that is in flight at a slice's end runs into the next.
    return _loading(measure_s=12.0, slice_s=0.6, rtt_ms=rtt_ms, note=note)


LOADING = {
    "no network": DIRECT,
    "through Toxiproxy alone": _distant(0, "the database behind Toxiproxy, which delays nothing: the control"),
    **{
        f"round trip of {rtt_ms} ms more": _distant(
            rtt_ms, f"Toxiproxy makes a round trip to the database {rtt_ms} ms longer, both ways together"
        )
        for rtt_ms in ROUND_TRIPS_MS
    },
}

FEW = tuple(float(count) for count in PARENTS[:2])
"""Ours: up to five orders with their lines are few records."""

LITTLE = 0.10
"""Ours: a tenth of a request is what a strategy may cost before one would change it."""

CLAIMS = (
    Claim(
        number=62,
        id="joinedload-few",
        section="N+1 Prevention",
        statement="joinedload suits one-to-one and few records.",
        hypothesis=(
            "Up to five orders with their lines its median is at most 10 % above that of every other strategy, also "
            "where round trips to the database take 1 or 5 ms more."
        ),
        experiment="sweep",
        needs=("PG", "TP"),
        conditions=tuple(
            Sweep(
                f"few orders with their lines, {where}",
                grid,
                "p50_ms",
                Beside("joined", ("lazy", "selectin", "contains_eager", "batch"), LITTLE, at_most=True, places=FEW),
            )
            for where, grid in LOADING.items()
        ),
    ),
    Claim(
        number=63,
        id="selectinload-many",
        section="N+1 Prevention",
        statement="selectinload suits one-to-many and many records.",
        hypothesis=(
            "It wins from some number of rows on, also where round trips to the database take 1 or 5 ms more; that "
            "number is reported with its interval for each."
        ),
        experiment="sweep",
        needs=("PG", "TP"),
        conditions=tuple(
            Sweep(f"against {other}, {where}", grid, "p50_ms", Crosses(other, "selectin", 1.0))
            for where, grid in LOADING.items()
            for other in ("joined", "lazy")
        ),
    ),
    Claim(
        number=64,
        id="contains-eager-batch",
        section="N+1 Prevention",
        statement="contains_eager and batches suit joins that exist and large sets.",
        hypothesis=(
            "At every number of orders their median is at most 10 % above that of selectinload, also where round trips "
            "to the database take 1 or 5 ms more."
        ),
        experiment="sweep",
        needs=("PG", "TP"),
        conditions=tuple(
            Sweep(f"{one} beside selectin, {where}", grid, "p50_ms", Beside(one, ("selectin",), LITTLE, at_most=True))
            for where, grid in LOADING.items()
            for one in ("contains_eager", "batch")
        ),
    ),
)
