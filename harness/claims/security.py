"""Security headers, cross-origin rules, rate limits, idempotency keys."""

from __future__ import annotations

from harness.claims.claim import Claim, Probe, Within, Zero

STORES = ("row", "valkey")
"""In the order's own transaction, and apart from it: the standard names neither."""

PLACES = ("before the effect", "after the effect", "after the saving")
"""Where a process dies: before the order is there, before its answer is kept, before that is sent."""


LIMITING = "targets.probes.rate_limits"

ALGORITHMS = {"fixed": "fixed window", "sliding": "sliding window", "bucket": "token bucket"}

OBEYING = Within(low=0.99, high=1.0)
"""Ours: one refusal in a hundred is what a client that does all it is told may meet."""

REFUSED = Within(low=0.0, high=0.9)
"""Ours: where a client that ignores its limit is refused less than one try in ten, obedience has proved nothing."""

CHEAPER = Within(low=1.1, high=100.0)
"""Ours: a refusal that saves less than a tenth of the work protects nobody."""

ROUNDING = 1e-6
"""An interval goes through logarithms: without this, exactly twice would be a little more than twice."""

WITHIN_A_WINDOW = {"fixed": 2.0, "sliding": 1.0, "bucket": 2.0}
"""Times the limit that a span of a window's length can hold, by arithmetic: two windows meet in it, or a full bucket
and what drips in."""


def _limits(algorithm: str, name: str, value: str, rule: Within | Zero, spoken: str, **where: str | float) -> Probe:
    return Probe(
        name=f"{ALGORITHMS[algorithm]}, {name}",
        module=LIMITING,
        rule=rule,
        value=value,
        where={"algorithm": algorithm, **where},
        behind=("valkey",),
        spoken=spoken,
    )


def _counted(algorithm: str) -> tuple[Probe, ...]:
    """The right count and the right words; memory behind one process, since behind several it is the twin."""
    places: dict[str, dict[str, str | float]] = {
        "in memory, one process": {"store": "memory", "processes": 1},
        "in Valkey, 1 to 4 processes": {"store": "valkey"},
    }
    asked = (
        ("count", "miscounted", "burst", "bursts", "more or fewer requests admitted than the limit allows"),
        ("headers", "misled", "walk", "walks through a limit", "a header that was not true"),
    )
    return tuple(
        _limits(algorithm, f"{what} {place}", value, Zero(unit=unit), spoken, measure=measure, **where)
        for place, where in places.items()
        for what, value, measure, unit, spoken in asked
    )


def _obeyed(algorithm: str) -> tuple[Probe, ...]:
    """How clients fare who heed what they are told, and how one does who does not."""
    habits = (
        ("who waits for Reset when nothing remains", "heeds Remaining", OBEYING, "share of tries admitted"),
        ("who waits for Retry-After", "heeds Retry-After", OBEYING, "share of tries admitted after the wait"),
        ("who waits for nothing", "heeds nothing", REFUSED, "share of tries admitted"),
    )
    return tuple(
        _limits(algorithm, name, "share", rule, spoken, measure="obedience", habit=habit)
        for name, habit, rule, spoken in habits
    )


def _at_the_edge(algorithm: str) -> Probe:
    most = Within(low=0.0, high=WITHIN_A_WINDOW[algorithm] + ROUNDING)
    spoken = "number of limits admitted within one window's length"
    return _limits(algorithm, "burst across an edge", "times_limit", most, spoken, measure="edge")


def _cheaper(store: str) -> Probe:
    return Probe(
        name=f"a refusal is cheaper than an answer, counted in {store}",
        module="targets.probes.refusal_cost",
        rule=CHEAPER,
        value="cpu_us",
        where={"store": store},
        baseline="an answer",
        candidate="a refusal",
        behind=("valkey",),
        spoken="CPU time of the service",
    )


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
            "In fixed windows, a sliding window and a token bucket, 1, 2 and 4 processes admit exactly the limit and "
            "every header is true; a client that obeys succeeds in 99 % of its tries, one that does not is refused; a "
            "burst across a window's edge gets at most twice the limit, and with a sliding window no more than the "
            "limit; and a refusal costs the service at least a tenth less than an answer."
        ),
        experiment="probe",
        needs=("KV",),
        parts=True,
        conditions=(
            *(one for algorithm in ALGORITHMS for one in (*_counted(algorithm), *_obeyed(algorithm))),
            *(_at_the_edge(algorithm) for algorithm in ALGORITHMS),
            *(_cheaper(store) for store in ("memory", "valkey")),
        ),
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
