"""Security headers, cross-origin rules, rate limits, idempotency keys."""

from __future__ import annotations

from harness.claims.claim import Claim, Probe, Zero

STORES = ("row", "valkey")
"""In the order's own transaction, and apart from it: the standard names neither."""

PLACES = ("before the effect", "after the effect", "after the saving")
"""Where a process dies: before the order is there, before its answer is kept, before that is sent."""


def _keys(name: str, store: str, case: str, value: str, event: str) -> Probe:
    return Probe(
        name=name,
        module="targets.probes.idempotency",
        rule=Zero(unit="keys"),
        value=value,
        where={"subject": f"{store}, standard", "case": case},
        behind=("postgres", "valkey"),
        rows=10_000,
        spoken=event,
    )


def _origins(name: str, subject: str, case: str, value: str, unit: str, event: str) -> Probe:
    return Probe(
        name=name,
        module="targets.probes.cors_origins",
        rule=Zero(unit=unit),
        value=value,
        where={"subject": subject, "case": case},
        spoken=event,
    )


SERVERS = ("uvicorn", "granian", "gunicorn", "gunicorn_asgi")

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
        hypothesis=(
            "No origin outside the list is ever admitted, over fuzzed origins, on errors and preflights too; caches "
            "learn that answers depend on Origin; listed origins are admitted; and * with credentials cannot be set."
        ),
        experiment="probe",
        parts=True,
        conditions=(
            *(
                _origins(f"foreign: {server}", server, "foreign origins", "violations", "origins", "an origin admitted")
                for server in SERVERS
            ),
            *(
                _origins(
                    f"Vary: {server}", server, "foreign origins", "not_varied", "origins", "an answer without Vary"
                )
                for server in SERVERS
            ),
            *(
                _origins(f"listed: {server}", server, "listed origins", "turned_away", "requests", "a refusal")
                for server in SERVERS
            ),
            _origins("unfit lists", "listed", "settings", "accepted", "settings", "a service that starts"),
        ),
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
        hypothesis=(
            "50 simultaneous requests with one key, or a process killed midway, leave one row; with the key in the "
            "order's own transaction, and with the key in Valkey, apart from it."
        ),
        experiment="probe",
        needs=("PG", "KV"),
        conditions=tuple(
            _keys(f"{store}, {case}", store, case, "not_one_row", "other than one order")
            for store in STORES
            for case in ("50 at once", *(f"killed {place}" for place in PLACES))
        ),
    ),
    Claim(
        number=29,
        id="idempotency-replays-success",
        section="Idempotency Keys",
        statement="A key that succeeded gets the kept result again.",
        hypothesis="The replay from another process is equal to the byte.",
        experiment="probe",
        needs=("PG", "KV"),
        conditions=tuple(
            _keys(f"{store}, another process", store, "replay from another process", "differences", "another answer")
            for store in STORES
        ),
    ),
    Claim(
        number=30,
        id="idempotency-retries-failure",
        section="Idempotency Keys",
        statement="A key that failed is processed again.",
        hypothesis=(
            "A retry leaves one effect, whether the failure fell before or after it; where the key is kept apart from "
            "the effect, too."
        ),
        experiment="probe",
        needs=("PG", "KV"),
        conditions=tuple(
            _keys(f"{store}, {case}", store, case, "not_one_row", "other than one order")
            for store in STORES
            for case in ("failed before the effect", "failed after the effect")
        ),
    ),
    Claim(
        number=31,
        id="idempotency-expired-conflict",
        section="Idempotency Keys",
        statement="An expired key is answered with 409.",
        hypothesis=(
            "The server tells an expired key from a new one, and the memory for that is bounded: 0 expired keys are "
            "processed, while they are remembered and after, and 0 entries are left in the end."
        ),
        experiment="probe",
        needs=("PG", "KV"),
        parts=True,
        conditions=tuple(
            _keys(f"{store}, {name}", store, case, value, event)
            for store in STORES
            for name, case, value, event in (
                ("while it is remembered", "expired key", "wrong_status", "another answer than 409"),
                ("what is left", "memory", "entries_left", "an entry left after the tombstones' end"),
                # A bounded memory forgets, and what is forgotten is new: the claim asks for both.
                ("once it is forgotten", "forgotten key", "wrong_status", "another answer than 409"),
            )
        ),
    ),
)
