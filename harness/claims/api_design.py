"""API design: pagination, verbs, errors."""

from __future__ import annotations

from harness.claims.claim import Claim

CLAIMS = (
    Claim(
        number=17,
        id="offset-slows-with-depth",
        section="Pagination",
        statement="Offset pagination becomes slow on large tables.",
        hypothesis=(
            "p95 of the deepest page is at least twice that of the first; the depth where it turns is reported."
        ),
        experiment="sweep",
        needs=("PG",),
    ),
    Claim(
        number=18,
        id="cursor-stays-flat",
        section="Pagination",
        statement="Cursor pagination stays efficient and loses no row.",
        hypothesis=(
            "The deepest page is within 20 % of the first, with 0 rows repeated or skipped while others insert."
        ),
        experiment="sweep",
        needs=("PG",),
    ),
    Claim(
        number=19,
        id="keyset-like-cursor",
        section="Pagination",
        statement="Keyset pagination is much like cursor pagination.",
        hypothesis="CPU per request and p95 are within 10 % of each other.",
        experiment="duet",
        needs=("PG",),
    ),
    Claim(
        number=20,
        id="total-only-if-efficient",
        section="Pagination",
        statement="A total belongs into the answer only where it is cheap.",
        hypothesis="Counting is the larger part of the page's p95.",
        experiment="duet",
        needs=("PG",),
    ),
    Claim(
        number=21,
        id="patch-idempotent",
        section="HTTP Verbs",
        statement="Repeating a PATCH changes nothing more.",
        hypothesis=("After a lost answer and a retry the state is that of one PATCH; merge and delta patches apart."),
        experiment="timeline",
        needs=("TP", "PG"),
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
