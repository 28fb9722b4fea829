"""Caching."""

from __future__ import annotations

from harness.claims.claim import Claim

CLAIMS = (
    Claim(
        number=66,
        id="l1-one-microsecond",
        section="Cache Levels",
        statement="A cache inside the process answers in about 1 µs.",
        hypothesis="The median of a locked look-up lies between 0.3 and 3 µs.",
        experiment="probe",
        origin="the standard's",
    ),
    Claim(
        number=67,
        id="l2-one-millisecond",
        section="Cache Levels",
        statement="A shared cache answers in about 1 ms.",
        hypothesis="Time per look-up on loopback plus the network's round trip, from 0 to 2 ms.",
        experiment="sweep",
        origin="the standard's",
        needs=("KV",),
    ),
    Claim(
        number=68,
        id="cache-aside",
        section="Strategies",
        statement="The app looks after its cache by itself.",
        hypothesis=(
            "Hits lower p95, and no read is stale for longer than the bound, also in a race with an invalidation."
        ),
        experiment="sweep",
        needs=("PG", "KV"),
    ),
    Claim(
        number=69,
        id="write-through",
        section="Strategies",
        statement="Writing to cache and database together keeps both alike.",
        hypothesis="They differ in 0 keys after a kill between the two writes.",
        experiment="timeline",
        needs=("PG", "KV", "TP"),
    ),
    Claim(
        number=70,
        id="stampede-prevention",
        section="Caching Best Practices",
        statement="A lock or jitter prevents stampedes.",
        hypothesis="Each caps how often one expired hot key is computed again.",
        experiment="timeline",
        needs=("KV",),
    ),
    Claim(
        number=71,
        id="ttl-jitter-spreads",
        section="Caching Best Practices",
        statement="Jitter spreads the expiry of many keys.",
        hypothesis="The peak of misses over their mean falls as the width of the jitter predicts.",
        experiment="timeline",
        needs=("KV",),
    ),
    Claim(
        number=72,
        id="works-without-cache",
        section="Caching Best Practices",
        statement="The app works without its cache.",
        hypothesis=(
            "With the cache down, stalled or slow: 0 answers are 5xx, p99 is at most 50 ms above the database alone."
        ),
        experiment="timeline",
        needs=("KV", "TP", "PG"),
    ),
)
