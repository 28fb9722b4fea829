"""Health checks."""

from __future__ import annotations

from harness.claims.claim import Claim, Condition, Probe, Some, Within, Zero

ROWS = 10_000

LIVENESS = "targets.probes.orchestrated_liveness"
READINESS = "targets.probes.orchestrated_readiness"
FRESHNESS = "targets.probes.orchestrated_freshness"
POOL_USE = "targets.probes.health_pool_use"

SOONER = Within(low=1.1, high=20.0)
"""Ours: a tenth sooner is the least that anybody would notice."""


def _freshness() -> tuple[Condition, ...]:
    """Answers that are kept beside fresh ones, at the shortest period that Kubernetes takes and at its default."""
    return tuple(
        Probe(
            name=f"kept {kept_s} s, asked every {period_s:g} s",
            module=FRESHNESS,
            rule=SOONER,
            value="detected_s",
            where={"period_s": period_s},
            baseline=f"kept {kept_s} s",
            candidate="fresh",
            behind=("postgres",),
            rows=ROWS,
            spoken="time to detect a lost database",
            unit="s",
        )
        for period_s in (1.0, 10.0)
        for kept_s in (2, 5)
    )


CLAIMS = (
    Claim(
        number=46,
        id="liveness-simple",
        section="Health Checks",
        statement="Liveness looks at no dependency.",
        hypothesis="While the database stalls, a deep liveness check causes restarts and a simple one none.",
        experiment="probe",
        needs=("PG",),
        parts=True,
        conditions=(
            Probe(
                name="simple liveness",
                module=LIVENESS,
                rule=Zero(unit="stalls of the database, counted for each replica,"),
                value="restarts",
                where={"subject": "simple"},
                behind=("postgres",),
                rows=ROWS,
                spoken="a restart",
            ),
            Probe(
                name="deep liveness",
                module=LIVENESS,
                rule=Some(unit="stalls of the database", event="followed by restarts"),
                value="restarts",
                where={"subject": "deep"},
                behind=("postgres",),
                rows=ROWS,
            ),
        ),
    ),
    Claim(
        number=47,
        id="readiness-deep",
        section="Health Checks",
        statement="Readiness looks at the dependencies.",
        hypothesis=(
            "It notices a failed one, and an optional one that fails everywhere does not take every replica out."
        ),
        experiment="probe",
        needs=("PG", "KV"),
        parts=True,
        conditions=(
            Probe(
                name="one replica loses its database",
                module=READINESS,
                rule=Zero(unit="losses"),
                value="missed",
                where={"subject": "deep"},
                behind=("postgres", "valkey"),
                rows=ROWS,
                spoken="a replica that goes on getting requests",
            ),
            Probe(
                name="all replicas lose an optional cache",
                module=READINESS,
                rule=Zero(unit="losses"),
                value="ejected_all",
                where={"subject": "deep"},
                behind=("postgres", "valkey"),
                rows=ROWS,
                spoken="a service without a replica",
            ),
        ),
    ),
    Claim(
        number=48,
        id="health-uncached",
        section="Health Checks",
        statement="Health checks are not cached.",
        hypothesis="A fresh check beats one kept for 2 to 5 s in time to detect, without using up the pool.",
        experiment="probe",
        needs=("PG",),
        conditions=(
            *_freshness(),
            Probe(
                name="users beside a check every second, slow database, small pool",
                module=POOL_USE,
                rule=Zero(unit="requests of users"),
                value="refused",
                where={"subject": "fresh", "asked_rps": 1.0},
                behind=("postgres",),
                rows=ROWS,
                spoken="no connection in time",
            ),
        ),
    ),
    Claim(
        number=49,
        id="startup-probe",
        section="Health Checks",
        statement="A start-up check keeps slow starts alive.",
        hypothesis="With it, a slow boot is killed 0 times.",
        experiment="probe",
        conditions=(
            Probe(
                name="a start of twice the liveness window",
                module="targets.probes.orchestrated_startup",
                rule=Zero(unit="slow boots"),
                value="kills",
                where={"subject": "with a start-up probe"},
                spoken="a kill",
            ),
        ),
    ),
)
