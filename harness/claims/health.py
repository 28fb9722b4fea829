"""Health checks."""

from __future__ import annotations

from harness.claims.claim import Claim

CLAIMS = (
    Claim(
        number=46,
        id="liveness-simple",
        section="Health Checks",
        statement="Liveness looks at no dependency.",
        hypothesis="While the database stalls, a deep liveness check causes restarts and a simple one none.",
        experiment="timeline",
        needs=("PG", "TP"),
    ),
    Claim(
        number=47,
        id="readiness-deep",
        section="Health Checks",
        statement="Readiness looks at the dependencies.",
        hypothesis=(
            "It notices a failed one, and an optional one that fails everywhere does not take every replica out."
        ),
        experiment="timeline",
        needs=("TP", "PG", "KV"),
    ),
    Claim(
        number=48,
        id="health-uncached",
        section="Health Checks",
        statement="Health checks are not cached.",
        hypothesis="A fresh check beats one kept for 2 to 5 s in time to detect, without using up the pool.",
        experiment="sweep",
        needs=("PG", "TP"),
    ),
    Claim(
        number=49,
        id="startup-probe",
        section="Health Checks",
        statement="A start-up check keeps slow starts alive.",
        hypothesis="With it, a slow boot is killed 0 times.",
        experiment="timeline",
    ),
)
