"""Stack: the servers."""

from __future__ import annotations

from harness.claims.claim import (
    Claim,
    Condition,
    Control,
    Counted,
    Duet,
    Faster,
    Probe,
    Recovers,
    Restart,
    Signal,
    Zero,
)
from harness.model import Load

ITEM = "/api/v1/items/00000000-0000-4000-8000-000000000001"
"""The first seeded item: 1 KB of JSON."""
PAGE = "/api/v1/items?limit=50"
"""Fifty rows: 9 KB of JSON."""

WORTH = Faster(threshold=0.02, margin=0.02)
"""Ours: below 2 % of CPU per request nobody changes a server, and no fleet becomes a machine smaller."""

RECOVERY_S = 6.0
"""Ours: a worker needs about 1 s to import the service; a supervisor that looks every 5 s passes."""
CRASH_AT_S = 0.6
CRASH_LOAD = Load(model="open", rate_rps=100, warmup_s=1.0, measure_s=CRASH_AT_S + RECOVERY_S + 1.2)
"""Light enough for the one worker that is left, dense enough to see a gap of 10 ms; it ends 1 s, the least
that recovery is judged by, after the last moment at which recovery counts."""

STORED = "SERVICE_DATA__KIND=postgres"
STORED_PAGE = "/api/v1/orders?limit=20"
"""Twenty orders from PostgreSQL through the ORM: the database-bound endpoint."""


VIEWS = {
    "equalised": ("uvicorn,loop=uvloop,http=httptools", "granian,loop=uvloop,http=1,runtime_threads=1"),
    "as shipped": ("uvicorn,access_log=on", "granian"),
}
"""As shipped, Uvicorn writes an access log and Granian does not; equalised, both write none, run on uvloop and
parse HTTP/1 in native code on one thread.  The harness's own default is no access log for either."""


def _servers_compared() -> tuple[Condition, ...]:
    loads: tuple[tuple[str, Load], ...] = (
        ("open", Load(model="open")),
        ("saturated 64 users", Load(model="closed", users=64)),
        ("saturated 8 users", Load(model="closed", users=8)),
    )
    in_memory = tuple(
        Duet(
            name=f"{payload}, {load_name}, {view}",
            baseline=arms[0],
            candidate=arms[1],
            paths=(path,),
            regime="open" if load.model == "open" else "saturated",
            load=load,
            rule=WORTH,
        )
        for view, arms in VIEWS.items()
        for load_name, load in loads
        for payload, path in (("item 1 KB", ITEM), ("page 9 KB", PAGE))
    )
    # The database-bound ones second, so that a short profile measures them, too.
    return (*in_memory[:2], *_stored(), *in_memory[2:])


def _stored() -> tuple[Condition, ...]:
    return tuple(
        Duet(
            name=f"database-bound, open, {view}",
            baseline=f"{arms[0]},{STORED}",
            candidate=f"{arms[1]},{STORED}",
            paths=(STORED_PAGE,),
            regime="open",
            load=Load(model="open"),
            rule=WORTH,
        )
        for view, arms in VIEWS.items()
    )


def _crash(
    name: str, target: str, *, supports: bool, control: Control | None = None, fault: Signal = "kill-worker"
) -> Restart:
    return Restart(
        name=name,
        target=target,
        fault=fault,
        at_s=CRASH_AT_S,
        load=CRASH_LOAD,
        paths=("/health/live",),
        rule=Recovers(within_s=RECOVERY_S, supports=supports),
        control=control,
    )


def _lighter(name: str, value: str, spoken: str, unit: str) -> Probe:
    return Probe(
        name=name,
        module="targets.probes.image_servers",
        # Ours: a hundredth less is the least that anybody would notice.
        rule=Counted(subject="granian", reference="uvicorn and gunicorn", low=0.0, high=0.99),
        value=value,
        where={},
        spoken=spoken,
        unit=unit,
    )


CLAIMS = (
    Claim(
        number=1,
        id="granian-faster-than-uvicorn",
        section="Stack",
        statement="Granian does the same work as Uvicorn with less CPU.",
        hypothesis="Granian needs at least 2 % less CPU per request, whatever the payload and load.",
        experiment="duet",
        needs=("PG",),
        conditions=_servers_compared(),
    ),
    Claim(
        number=2,
        id="uvicorn-needs-gunicorn",
        section="Stack",
        statement="To manage several workers, Uvicorn has to be run under Gunicorn.",
        hypothesis=(
            "After SIGKILL to one of two workers, or SIGHUP to replace both, Uvicorn alone does not have two again "
            "within 6 s; refuted if it has."
        ),
        experiment="timeline",
        conditions=(
            _crash("uvicorn alone, one of two workers killed", "uvicorn,workers=2", supports=False),
            _crash("uvicorn alone, told to replace both workers", "uvicorn,workers=2", supports=False, fault="hang-up"),
            _crash(
                "control: gunicorn, one of two workers killed",
                "gunicorn,workers=2",
                supports=True,
                control="must recover",
            ),
            _crash(
                "control: gunicorn, told to replace both workers",
                "gunicorn,workers=2",
                supports=True,
                control="must recover",
                fault="hang-up",
            ),
            _crash(
                "control: uvicorn, every process killed",
                "uvicorn",
                supports=False,
                control="must not recover",
                fault="kill-all",
            ),
        ),
    ),
    Claim(
        number=3,
        id="granian-manages-workers",
        section="Stack",
        statement="Granian manages its workers by itself.",
        hypothesis="After SIGKILL to one of two workers, Granian has two again within 6 s and answers.",
        experiment="timeline",
        conditions=(
            _crash("as shipped", "granian,workers=2", supports=True),
            _crash("respawn switched on", "granian,workers=2,respawn_failed_workers=on", supports=True),
            _crash(
                "control: granian, every process killed",
                "granian",
                supports=True,
                control="must not recover",
                fault="kill-all",
            ),
        ),
    ),
    Claim(
        number=4,
        id="uvicorn-as-fallback",
        section="Stack",
        statement="Where Granian does not fit, Uvicorn can take its place without a change to the app.",
        hypothesis=("Streaming, WebSocket, disconnect, large body and lifespan behave alike: 0 mismatches in ASGI."),
        experiment="probe",
        needs=("RAW",),
        conditions=(
            Probe(
                name="ASGI behaviour",
                module="targets.probes.asgi_behaviour",
                rule=Zero(unit="behaviours"),
                value="mismatches",
                where={"subject": "granian", "reference": "uvicorn"},
            ),
        ),
    ),
    Claim(
        number=5,
        id="granian-smaller-image",
        section="Stack",
        statement="An image with Granian is simpler and smaller.",
        hypothesis="The image has fewer packages and fewer MB than one with Uvicorn and Gunicorn.",
        experiment="probe",
        needs=("D",),
        parts=True,
        conditions=(
            _lighter("packages", "packages", "packages", ""),
            _lighter("size", "over_base_mb", "size over the base image", "MB"),
        ),
    ),
)
