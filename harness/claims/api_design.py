"""API design: verbs, errors, versions."""

from __future__ import annotations

from harness.claims.claim import Claim, Probe, Zero

SERVERS = ("uvicorn", "granian", "gunicorn", "gunicorn_asgi")
"""As targets know them: the last two are Gunicorn with Uvicorn's worker, and with its own."""


def _problems(name: str, subject: str, unit: str) -> Probe:
    return Probe(
        name=name,
        module="targets.probes.problem_kinds",
        rule=Zero(unit=unit),
        value="not_problem",
        where={"subject": subject},
        behind=("postgres",),
        rows=10_000,
        spoken="an answer that is no problem document",
    )


def _joins(name: str, server: str, value: str, event: str) -> Probe:
    return Probe(
        name=name,
        module="targets.probes.trace_joins",
        rule=Zero(unit="kinds of error"),
        value=value,
        where={"subject": server},
        behind=("postgres",),
        rows=10_000,
        spoken=event,
    )


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
        hypothesis=(
            "400, 404, 405, 409, 422, 429, 500, 502, 503 and 504 of the service are all application/problem+json with "
            "type, title, status, detail and instance: alone, under load, and with its dependencies away or silent. "
            "So is what the server refuses by itself, before the service sees it."
        ),
        experiment="probe",
        needs=("PG",),
        conditions=(
            *(_problems(f"the service under {server}", server, "kinds of error") for server in SERVERS),
            # The service cannot change these, but its clients meet them.
            *(_problems(f"{server} by itself", f"{server}, by itself", "requests refused") for server in SERVERS),
        ),
    ),
    Claim(
        number=23,
        id="trace-id-finds-the-log",
        section="Error Format",
        statement="The trace_id of an error leads to its log line.",
        hypothesis=(
            "Every error body joins exactly one log line that says how its request ended; a 5xx joins exactly one "
            "warning or error that says why; under load, with dependencies away or silent, in two processes."
        ),
        experiment="probe",
        needs=("PG",),
        parts=True,
        conditions=(
            *(
                _joins(f"one end: {server}", server, "not_joined", "an error without its one line")
                for server in SERVERS
            ),
            *(
                _joins(f"one reason: {server}", server, "not_explained", "a 5xx without its one warning or error")
                for server in SERVERS
            ),
        ),
    ),
)
