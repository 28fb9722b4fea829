"""Databases: drivers, mappers, pools, loading strategies, keys."""

from __future__ import annotations

from harness.claims.claim import (
    AtMost,
    Cell,
    Claim,
    Condition,
    Duet,
    Faster,
    Grid,
    Peaks,
    Probe,
    Sweep,
)
from harness.claims.pagination import SERVICE
from harness.course import Alike, Course, Never, Subject, Timeline
from harness.model import Fault, Load

FAST_DRIVER = Faster(threshold=0.10, margin=0.05)
"""Ours: a tenth of the CPU is what a change of driver must bring; below a twentieth nobody would notice it."""

SIMPLE_CRUD = AtMost(margin=0.10)
"""Ours: a tenth is what less boilerplate may cost."""

ROWS = 100_000


def _drivers() -> tuple[Condition, ...]:
    grid = (("plain", "SQL as text"), ("orm", "under the ORM"))
    return tuple(
        Duet(
            name=f"{spoken}, page of {limit}",
            baseline=f"{SERVICE},SERVICE_DATA__DRIVER=psycopg,SERVICE_DATA__ACCESS={access}",
            candidate=f"{SERVICE},SERVICE_DATA__DRIVER=asyncpg,SERVICE_DATA__ACCESS={access}",
            paths=(f"/api/v1/orders?limit={limit}",),
            regime="open",
            load=Load(model="open"),
            rule=FAST_DRIVER,
            rows=ROWS,
        )
        for access, spoken in grid
        for limit in (1, 50)
    )


def _crud() -> tuple[Condition, ...]:
    user = {"name": "Ada Lovelace"}
    mixes: tuple[tuple[str, tuple[dict[str, object], ...]], ...] = (
        ("read", tuple({"path": f"/api/v1/users/{number}"} for number in range(1, 101))),
        (
            "change",
            tuple(
                {"method": "PATCH", "path": f"/api/v1/users/{number}", "json": {**user, "name": f"Ada {number}"}}
                for number in range(1, 101)
            ),
        ),
    )
    return tuple(
        Duet(
            name=f"{name} a user",
            baseline=f"{SERVICE},SERVICE_DATA__ACCESS=orm",
            candidate=f"{SERVICE},SERVICE_DATA__ACCESS=sqlmodel",
            paths=("/api/v1/users/1",),
            regime="open",
            load=Load(model="open"),
            rule=SIMPLE_CRUD,
            rows=10_000,
            own_data=name == "change",
            requests=tuple(requests),
        )
        for name, requests in mixes
    )


POOLS = Grid(
    id="pool-sizes",
    axis="connections in the pool",
    cells=tuple(
        Cell(
            subject="capacity",
            at=size,
            target=f"{SERVICE},SERVICE_DATA__POOL_SIZE={size},SERVICE_DATA__MAX_OVERFLOW=0",
            path="/api/v1/orders?limit=20",
            rows=ROWS,
        )
        for size in (1, 2, 5, 10, 20, 50)
    ),
    users=64,
    # What is in flight at a slice's end takes some 0.15 s and runs into the next one's beginning: slices are long.
    measure_s=12.0,
    slice_s=2.0,
    note="64 connections, closed loop; service and database share one core",
)

MORE_IS_NOT_BETTER = Peaks("capacity", margin=0.02)
"""Ours: 2 % of capacity is what a setting must be worth."""


def _keys(name: str, kind: str, value: str, spoken: str, margin: float) -> Probe:
    return Probe(
        name=f"{kind}, {name}",
        module="targets.probes.key_kinds",
        rule=AtMost(margin=margin),
        value=value,
        where={"operation": "insert"},
        baseline="bigint",
        candidate=kind,
        behind=("postgres",),
        rows=0,
        spoken=spoken,
    )


KEY_COST = 0.10
"""Ours: a tenth more per insert is a price for ids that any node may draw."""


CHECKED = f"{SERVICE},SERVICE_DATA__PRE_PING=true"
UNCHECKED = f"{SERVICE},SERVICE_DATA__PRE_PING=false"
PINGS = (Subject("checked", CHECKED), Subject("unchecked", UNCHECKED))
A_USER = ("/api/v1/users/1",)

RESTART = Course(
    id="database-restart-unused",
    subjects=PINGS,
    # Shorter than the gap between two requests: the pool learns of it when it next lends a connection.
    faults=(Fault(fault="down", on="postgres", start_s=1.06, end_s=1.14),),
    load=Load(model="open", rate_rps=5.0, arrivals="constant", warmup_s=1.0, measure_s=3.0),
    paths=A_USER,
    what="every connection to PostgreSQL is cut at 1.06 s, and none is had until 1.14 s, while 5 requests/s come",
    behind=("postgres",),
    rows=10_000,
    proxied=("postgres",),
)

BUSY_RESTART = Course(
    id="database-restart-busy",
    subjects=PINGS,
    faults=(Fault(fault="down", on="postgres", start_s=1.0, end_s=1.5),),
    load=Load(model="open", rate_rps=100.0, warmup_s=1.0, measure_s=4.0),
    paths=A_USER,
    what="PostgreSQL is gone from 1 to 1.5 s while 100 requests/s come",
    behind=("postgres",),
    rows=10_000,
    proxied=("postgres",),
)

IDLE = Course(
    id="idle-connections-cut",
    subjects=(
        Subject("replaced after 1 s", f"{SERVICE},SERVICE_DATA__RECYCLE_S=1"),
        Subject("kept", f"{SERVICE},SERVICE_DATA__RECYCLE_S=-1"),
    ),
    # A request every 1.25 s: each finds its connection older than a second, and the cut falls between two.
    faults=(Fault(fault="down", on="postgres", start_s=3.0, end_s=3.05),),
    load=Load(model="open", rate_rps=0.8, arrivals="constant", warmup_s=1.5, measure_s=7.0),
    paths=A_USER,
    what="idle connections to PostgreSQL are cut at 3 s, while a request comes every 1.25 s",
    behind=("postgres",),
    rows=10_000,
    proxied=("postgres",),
)

ROUND_TRIP_MS = 5.0

DISTANT = Course(
    id="database-at-a-distance",
    subjects=(*PINGS, Subject("without Toxiproxy", CHECKED, direct=True)),
    faults=(Fault(fault="latency", on="postgres", start_s=1.0, end_s=3.5, values={"delay_ms": ROUND_TRIP_MS}),),
    load=Load(model="open", rate_rps=40.0, warmup_s=1.0, measure_s=4.0),
    paths=A_USER,
    what="a round trip to PostgreSQL takes 5 ms more from 1 to 3.5 s",
    behind=("postgres",),
    rows=10_000,
    proxied=("postgres",),
)

CLAIMS = (
    Claim(
        number=57,
        id="asyncpg-fast",
        section="Drivers",
        statement="asyncpg is the fast driver.",
        hypothesis="It needs at least 10 % less CPU per request than psycopg 3, raw and under an ORM.",
        experiment="duet",
        needs=("PG",),
        conditions=_drivers(),
    ),
    Claim(
        number=58,
        id="sqlmodel-for-crud",
        section="ORM",
        statement="SQLModel does for simple create, read, update and delete.",
        hypothesis="It costs at most 10 % more CPU per request than SQLAlchemy.",
        experiment="duet",
        needs=("PG",),
        conditions=_crud(),
    ),
    Claim(
        number=59,
        id="pool-size-optimum",
        section="Connection Pooling",
        statement="The size of the pool is a setting worth choosing.",
        hypothesis="Capacity has an optimum between 1 and 50 connections; both ends give at least 2 % less.",
        experiment="sweep",
        needs=("PG",),
        conditions=(Sweep("one worker", POOLS, "rate_rps", MORE_IS_NOT_BETTER),),
    ),
    Claim(
        number=60,
        id="pool-pre-ping",
        section="Connection Pooling",
        statement="Checking connections before use hides a restart of the database.",
        hypothesis=(
            "Once the database is back 0 answers are 5xx, whether much or little was asked meanwhile, and the check "
            "costs at most one round trip a request."
        ),
        experiment="timeline",
        needs=("PG", "TP"),
        parts=True,
        conditions=(
            Timeline(
                "after a restart, little asked",
                RESTART,
                Never("checked", ("5xx",), moments=("over",), twin="unchecked"),
            ),
            Timeline("after a restart, much asked", BUSY_RESTART, Never("checked", ("5xx",), moments=("over",))),
            Timeline(
                "its price, a round trip of 5 ms",
                DISTANT,
                # Half a millisecond for what is no round trip.
                Alike("checked", "unchecked", ROUND_TRIP_MS + 0.5, at_most=True),
                "p50_during_ms",
            ),
        ),
    ),
    Claim(
        number=61,
        id="pool-recycle",
        section="Connection Pooling",
        statement="Replacing old connections avoids those cut while idle.",
        hypothesis="0 answers are 5xx after idle connections were cut, where they are replaced before that age.",
        experiment="timeline",
        needs=("TP", "PG"),
        conditions=(
            Timeline(
                "idle connections cut", IDLE, Never("replaced after 1 s", ("5xx",), moments=("over",), twin="kept")
            ),
        ),
    ),
    Claim(
        number=65,
        id="uuid-keys",
        section="Data Practices",
        statement="UUIDs suit distributed systems.",
        hypothesis=(
            "Random and time-ordered UUIDs cost at most 10 % more than integer keys: time of an insert, size of the "
            "index."
        ),
        experiment="probe",
        needs=("PG",),
        parts=True,
        conditions=tuple(
            _keys(name, kind, value, spoken, KEY_COST)
            for kind in ("uuid4", "uuid7")
            for name, value, spoken in (
                ("time of an insert", "us_per_insert", "time of an insert"),
                ("size of the key's index", "index_mb", "size of the key's index"),
            )
        ),
    ),
)
