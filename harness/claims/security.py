"""Security headers, cross-origin rules, rate limits, idempotency keys."""

from __future__ import annotations

from harness.claims.claim import Claim

CLAIMS = (
    Claim(
        number=24,
        id="security-headers-affordable",
        section="HTTP Security Headers",
        statement="Security headers belong on every answer.",
        hypothesis="They cost at most 2 % CPU per request and are on 4xx, 5xx and 429 too.",
        experiment="duet",
    ),
    Claim(
        number=25,
        id="cors-explicit-origins",
        section="CORS",
        statement="With credentials, origins are listed and never a wildcard.",
        hypothesis="No origin outside the list is ever echoed, over fuzzed origins.",
        experiment="probe",
    ),
    Claim(
        number=26,
        id="preflight-max-age",
        section="CORS",
        statement="Letting browsers keep a preflight for 86400 s is reasonable.",
        hypothesis=("A longer Max-Age means fewer preflights per request in a real browser, up to the value named."),
        experiment="sweep",
        origin="the standard's",
        needs=("BROWSER",),
    ),
    Claim(
        number=27,
        id="rate-limit-headers-accurate",
        section="Rate Limiting",
        statement="Rate-limit headers and Retry-After tell clients how to behave.",
        hypothesis=(
            "Headers match what is admitted over 1, 2 and 4 workers; a client that obeys succeeds in 99 % of its tries."
        ),
        experiment="timeline",
        needs=("KV",),
    ),
    Claim(
        number=28,
        id="idempotency-first-time",
        section="Idempotency Keys",
        statement="A new idempotency key is processed once and its result kept.",
        hypothesis="50 simultaneous requests with one key, or a worker killed midway, leave one row.",
        experiment="timeline",
        needs=("PG", "KV", "TP"),
    ),
    Claim(
        number=29,
        id="idempotency-replays-success",
        section="Idempotency Keys",
        statement="A key that succeeded gets the kept result again.",
        hypothesis="The replay from another worker is equal to the byte.",
        experiment="probe",
        needs=("KV",),
    ),
    Claim(
        number=30,
        id="idempotency-retries-failure",
        section="Idempotency Keys",
        statement="A key that failed is processed again.",
        hypothesis="A retry leaves one effect, whether the failure fell before or after it.",
        experiment="timeline",
        needs=("TP",),
    ),
    Claim(
        number=31,
        id="idempotency-expired-conflict",
        section="Idempotency Keys",
        statement="An expired key is answered with 409.",
        hypothesis="The server tells an expired key from a new one, and the memory for that is bounded.",
        experiment="probe",
        needs=("KV",),
    ),
)
