"""Observability and configuration."""

from __future__ import annotations

from harness.claims.claim import Claim

CLAIMS = (
    Claim(
        number=50,
        id="structured-logs-affordable",
        section="Structured Logging",
        statement="JSON logs with two lines a request are affordable.",
        hypothesis="They cost at most 5 % CPU per request, per library and sink.",
        experiment="duet",
    ),
    Claim(
        number=51,
        id="tracing-affordable",
        section="Observability Tools",
        statement="Tracing every request is affordable.",
        hypothesis="OpenTelemetry costs at most 10 % CPU per request, and a dead exporter stalls nothing.",
        experiment="duet",
        needs=("OT", "TP"),
    ),
    Claim(
        number=52,
        id="sentry-affordable",
        section="Observability Tools",
        statement="Error tracking with the Sentry SDK is affordable.",
        hypothesis="It costs at most 10 % CPU per request.",
        experiment="duet",
    ),
    Claim(
        number=53,
        id="prometheus-over-workers",
        section="Observability Tools",
        statement="prometheus-client counts rightly.",
        hypothesis="Over several workers, one of them killed, its sum equals the requests sent.",
        experiment="timeline",
    ),
    Claim(
        number=54,
        id="correlation-ids",
        section="Correlation IDs",
        statement="A correlation ID is kept or made, passed on, logged and returned.",
        hypothesis="0 mix-ups and full coverage over concurrent requests, errors and tasks.",
        experiment="probe",
    ),
    Claim(
        number=55,
        id="fail-fast-configuration",
        section="12-Factor App Principles",
        statement="Wrong configuration ends the start.",
        hypothesis="Every bad environment ends with a non-zero status before a port is bound.",
        experiment="probe",
    ),
    Claim(
        number=56,
        id="stateless",
        section="Cloud Run Services",
        statement="The service keeps no state between requests.",
        hypothesis="Any of two replicas serves any request, also after the other was killed: 0 errors.",
        experiment="timeline",
        needs=("KV",),
    ),
)
