"""API design: verbs, errors, versions."""

from __future__ import annotations

from harness.claims.claim import Claim, Probe, Zero

CLAIMS = (
    Claim(
        number=21,
        id="patch-idempotent",
        section="HTTP Verbs",
        statement="Repeating a PATCH changes nothing more.",
        hypothesis=(
            "After a lost answer and a retry the state is that of one PATCH, but for columns that say who and when; "
            "a patch of values to merge, and one that counts on from what is there."
        ),
        experiment="probe",
        needs=("PG",),
        conditions=tuple(
            Probe(
                name=f"{kind} patch",
                module="targets.probes.replayed_verbs",
                rule=Zero(unit="retries"),
                value="state_differences",
                where={"subject": f"PATCH, {kind}"},
                behind=("postgres",),
                rows=10_000,
                spoken="another state",
            )
            for kind in ("merge", "delta")
        ),
    ),
    Claim(
        number=22,
        id="problem-details-everywhere",
        section="Error Format",
        statement="Every error travels as Problem Details.",
        hypothesis="404, 405, 422, 429, 500 and 503 are all application/problem+json, under faults too.",
        experiment="probe",
        needs=("TP",),
    ),
    Claim(
        number=23,
        id="trace-id-finds-the-log",
        section="Error Format",
        statement="The trace_id of an error leads to its log line.",
        hypothesis="Every error body joins exactly one log line, under faults and load.",
        experiment="probe",
    ),
)
