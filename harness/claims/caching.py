"""Caching."""

from __future__ import annotations

from collections.abc import Sequence

from harness.claims.claim import Bounded, Cell, Claim, Crosses, Grid, Probe, Sweep, Within, Zero
from harness.claims.pagination import SERVICE
from harness.course import Alike, Course, Never, Subject, Timeline
from harness.model import Fault, Load

ABOUT_1_US = Within(low=0.3, high=3.0)
ABOUT_1_MS = Within(low=0.5, high=2.0)
"""Ours: "about" is within a factor of two or three."""

ROUND_TRIPS_MS = (0.0, 0.2, 0.5, 1.0, 2.0)
"""A neighbour on the host, one in the rack, one in the next building, one in another zone."""

TTL_S = 0.5
"""Short, so that a block of seconds sees many lives of a key."""
CACHE = f"{SERVICE},SERVICE_CACHE__KIND=l2,SERVICE_CACHE__TTL_S={TTL_S}"

HOT = 5
"""Products that everybody asks for: few, so that their own expiry costs a hundredth of their hits."""
CYCLE = 1_000
"""Requests before a cold product is asked for again: longer than its life in the cache at any rate of one core."""
PRODUCTS = 10_000
MIDDLE = (1, 46, 50, 54, 90)
TAIL = (93, 95, 97, 99)
"""Shares of requests for the hot products, in %.  Dense where a percentile of the mix jumps from misses to hits: the
median where half of the requests are hits, the 95th percentile where 95 % are."""

RECOMPUTE_MS = 50
STAMPEDE_USERS = 32
LOADS_PER_EXPIRY = 1.5
"""Ours: one, and every other time one more that had begun before the first was done."""


def _mix(hot_percent: int) -> tuple[str, ...]:
    """Paths in which hot products have their share, spread evenly, and every other one is asked for once."""
    paths, owed, cold = [], 0, HOT
    for number in range(CYCLE):
        owed += hot_percent
        if owed >= 100:  # noqa: PLR2004  (per cent)
            owed -= 100
            paths.append(f"/api/v1/products/{number % HOT + 1}")
        else:
            cold += 1
            paths.append(f"/api/v1/products/{cold % PRODUCTS + 1}")
    return tuple(paths)


def _shared(subject: str, target: str, share: int) -> Cell:
    first, *others = _mix(share)
    counted = ("/internal/cache", "levels.l2.hits", "levels.l2.misses")
    return Cell(subject, share, target, first, rows=100_000, also=tuple(others), hits=counted)


def _hits(name: str, shares: Sequence[int], measure_s: float) -> Grid:
    return Grid(
        id=name,
        axis="% of requests for hot keys",
        cells=(
            *(Cell("no cache", share, SERVICE, f"/api/v1/products/{share}", rows=100_000) for share in shares),
            # A process each: what one mix has cached another would find.
            *(_shared("L2", f"{CACHE},SERVICE_CACHE__NAMESPACE=share{share}", share) for share in shares),
        ),
        measure_s=measure_s,
        slice_s=1.0,
        note=f"one request at a time; entries live {TTL_S:g} s; a miss asks cache, database and cache again",
    )


MEDIANS = _hits("hit-ratios", MIDDLE, 9.0)
TAILS = _hits("high-hit-ratios", TAIL, 14.0)
"""Long enough for a p95 of each cell with ten samples beyond it in every block, also where a request takes 2.5 ms."""

STAMPEDE = Grid(
    id="stampedes",
    axis="hot key",
    cells=tuple(
        Cell(
            subject=subject,
            at=1,
            target=f"{CACHE},SERVICE_CACHE__COMPUTE_MS={RECOMPUTE_MS},{extra}",
            path="/api/v1/products/1",
            rows=100_000,
        )
        for subject, extra in (
            ("none", "SERVICE_CACHE__STAMPEDE=none"),
            ("lock", "SERVICE_CACHE__STAMPEDE=lock"),
            ("jitter", "SERVICE_CACHE__STAMPEDE=none,SERVICE_CACHE__JITTER=0.5"),
            ("early", "SERVICE_CACHE__STAMPEDE=early"),
        )
    ),
    users=STAMPEDE_USERS,
    measure_s=12.0,
    slice_s=3.0,
    tally=("/internal/cache", "loads"),
    tally_s=TTL_S,
    tally_name="recomputations per expiry",
    note=f"{STAMPEDE_USERS} connections on one key that lives {TTL_S:g} s and takes {RECOMPUTE_MS} ms to compute; "
    f"counted for each {TTL_S:g} s",
)


def _capped(subject: str) -> Sweep:
    return Sweep(
        f"one hot key, {subject}",
        STAMPEDE,
        "tally",
        Bounded(subject, LOADS_PER_EXPIRY, "one, and every other time one more"),
    )


CACHED_SERVICE = f"{SERVICE},SERVICE_CACHE__KIND=l2"
DROPS = ("refused", "rst", "eof", "timeout", "protocol", "unsent", "5xx")
FROM_S, UNTIL_S = 1.0, 5.0
"""Four seconds at 260 requests/s: a 99th percentile needs a thousand."""


def _harmed(fault: str, **values: float) -> tuple[Fault, ...]:
    return (Fault(fault=fault, on="valkey", start_s=FROM_S, end_s=UNTIL_S, values=values),)


WITHOUT_CACHE = Course(
    id="without-the-cache",
    subjects=(
        Subject("cache down", CACHED_SERVICE),
        Subject("cache stalled", CACHED_SERVICE, faults=_harmed("timeout", timeout_ms=0)),
        Subject("cache slow", CACHED_SERVICE, faults=_harmed("latency", delay_ms=200)),
        Subject("no cache", SERVICE, faults=()),
    ),
    faults=_harmed("down"),
    load=Load(model="open", rate_rps=260.0, warmup_s=1.0, measure_s=7.0),
    paths=tuple(f"/api/v1/products/{number}" for number in range(1, 21)),
    what="from 1 to 5 s the cache is down, takes all and answers nothing, or answers 200 ms later, by the name",
    behind=("postgres", "valkey"),
    rows=10_000,
    proxied=("valkey",),
)

CLAIMS = (
    Claim(
        number=66,
        id="l1-one-microsecond",
        section="Cache Levels",
        statement="A cache inside the process answers in about 1 µs.",
        hypothesis="The median of a locked look-up lies between 0.3 and 3 µs.",
        experiment="probe",
        conditions=(
            Probe(
                name="a locked look-up",
                module="targets.probes.cache_l1",
                rule=ABOUT_1_US,
                value="us_per_op",
                where={"subject": "ttl+lock", "operation": "get"},
                spoken="time of a locked look-up in cachetools' TTLCache",
                unit="µs",
            ),
        ),
    ),
    Claim(
        number=67,
        id="l2-one-millisecond",
        section="Cache Levels",
        statement="A shared cache answers in about 1 ms.",
        hypothesis="The median of a look-up over round trips of 0 to 2 ms lies between 0.5 and 2 ms.",
        experiment="probe",
        needs=("KV",),
        conditions=tuple(
            Probe(
                name=f"round trip of {rtt:g} ms",
                module="targets.probes.cache_l2",
                rule=ABOUT_1_MS,
                value="p50_ms",
                where={"subject": "valkey", "rtt_ms": rtt},
                behind=("valkey",),
                spoken=f"median look-up with a round trip of {rtt:g} ms",
                unit="ms",
            )
            for rtt in ROUND_TRIPS_MS
        ),
    ),
    Claim(
        number=68,
        id="cache-aside",
        section="Strategies",
        statement="The app looks after its cache by itself.",
        hypothesis=(
            "From some hit ratio on reads are faster than without a cache, in the median and at p95; no read is stale "
            "for longer than an entry lives, also in a race with an invalidation."
        ),
        experiment="sweep",
        needs=("PG", "KV"),
        parts=True,
        conditions=(
            Sweep("median against the hit ratio", MEDIANS, "p50_ms", Crosses("no cache", "L2", 1.0)),
            Sweep("p95 against the hit ratio", TAILS, "p95_ms", Crosses("no cache", "L2", 1.0)),
            Probe(
                name="staleness in a race with an invalidation",
                module="targets.probes.stale_reads",
                rule=Zero(unit="races with an invalidation"),
                value="beyond_bound",
                where={"subject": "aside"},
                behind=("postgres", "valkey"),
                rows=10_000,
                spoken="a read that was stale for longer than an entry lives",
            ),
        ),
    ),
    Claim(
        number=69,
        id="write-through",
        section="Strategies",
        statement="Writing to cache and database together keeps both alike.",
        hypothesis=(
            "They differ in 0 products after a kill between the two writes, as without a fault; the probe also prints "
            "how cache-aside fares, which forgets the key in the place of the second write."
        ),
        experiment="probe",
        needs=("PG", "KV"),
        parts=True,
        conditions=tuple(
            Probe(
                name=case,
                module="targets.probes.write_through_kills",
                rule=Zero("products"),
                value="diverged",
                where={"subject": "write-through", "case": case},
                behind=("postgres", "valkey"),
                rows=10_000,
                spoken="a reader who got another version than the database has",
            )
            for case in ("no fault", "killed between the writes")
        ),
    ),
    Claim(
        number=70,
        id="stampede-prevention",
        section="Caching Best Practices",
        statement="A lock or jitter prevents stampedes.",
        hypothesis="With each, one hot key that expires is computed at most 1.5 times again.",
        experiment="sweep",
        needs=("PG", "KV"),
        conditions=tuple(_capped(subject) for subject in ("lock", "early", "jitter")),
    ),
    Claim(
        number=71,
        id="ttl-jitter-spreads",
        section="Caching Best Practices",
        statement="Jitter spreads the expiry of many keys.",
        hypothesis="The peak of misses over their mean is what the width of the jitter predicts, within a third.",
        experiment="probe",
        needs=("KV",),
        conditions=tuple(
            Probe(
                name=f"jitter of ±{jitter:.0%}",
                module="targets.probes.cache_expiry",
                rule=Within(low=0.75, high=1.33),
                value="of_predicted",
                where={"subject": "jitter", "jitter": jitter},
                behind=("valkey",),
                spoken="peak of misses over their mean ÷ what the width of the jitter predicts",
            )
            for jitter in (0.1, 0.5)
        ),
    ),
    Claim(
        number=72,
        id="works-without-cache",
        section="Caching Best Practices",
        statement="The app works without its cache.",
        hypothesis=(
            "With the cache down, stalled or slow: 0 answers are 5xx, p99 is at most 50 ms above the database alone."
        ),
        experiment="timeline",
        needs=("KV", "TP", "PG"),
        parts=True,
        conditions=(
            *(
                Timeline(f"no failure: {subject}", WITHOUT_CACHE, Never(subject, DROPS))
                for subject in ("cache down", "cache stalled", "cache slow")
            ),
            *(
                Timeline(
                    f"as quick as the database: {subject}",
                    WITHOUT_CACHE,
                    Alike(subject, "no cache", 50.0, at_most=True),
                    "p99_during_ms",
                )
                for subject in ("cache down", "cache stalled", "cache slow")
            ),
        ),
    ),
)
