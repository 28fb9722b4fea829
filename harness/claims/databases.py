"""Databases."""

from __future__ import annotations

from harness.claims.claim import Claim

CLAIMS = (
    Claim(
        number=57,
        id="asyncpg-fast",
        section="Drivers",
        statement="asyncpg is the fast driver.",
        hypothesis="It needs at least 10 % less CPU per request than psycopg 3, raw and under an ORM.",
        experiment="duet",
        needs=("PG",),
    ),
    Claim(
        number=58,
        id="sqlmodel-for-crud",
        section="ORM",
        statement="SQLModel does for simple create, read, update and delete.",
        hypothesis="It costs at most 10 % more CPU per request than SQLAlchemy.",
        experiment="duet",
        needs=("PG",),
    ),
    Claim(
        number=59,
        id="pool-size-optimum",
        section="Connection Pooling",
        statement="The size of the pool is a setting worth choosing.",
        hypothesis="Capacity has an optimum between 1 and 100 connections; more is not better.",
        experiment="sweep",
        needs=("PG",),
    ),
    Claim(
        number=60,
        id="pool-pre-ping",
        section="Connection Pooling",
        statement="Checking connections before use hides a restart of the database.",
        hypothesis="0 answers are 5xx over a restart, for at most one round trip per request.",
        experiment="timeline",
        needs=("PG", "TP"),
    ),
    Claim(
        number=61,
        id="pool-recycle",
        section="Connection Pooling",
        statement="Replacing old connections avoids those cut while idle.",
        hypothesis="0 answers are 5xx where a proxy cuts idle connections.",
        experiment="timeline",
        needs=("TP", "PG"),
    ),
    Claim(
        number=62,
        id="joinedload-few",
        section="N+1 Prevention",
        statement="joinedload suits one-to-one and few records.",
        hypothesis="It has the lowest p95 there, over fan-out and added latency.",
        experiment="sweep",
        needs=("PG", "TP"),
    ),
    Claim(
        number=63,
        id="selectinload-many",
        section="N+1 Prevention",
        statement="selectinload suits one-to-many and many records.",
        hypothesis="It wins from some number of rows on; that number is reported with its interval.",
        experiment="sweep",
        needs=("PG",),
    ),
    Claim(
        number=64,
        id="contains-eager-batch",
        section="N+1 Prevention",
        statement="contains_eager and batches suit joins that exist and large sets.",
        hypothesis="Their p95 is no higher than that of selectinload.",
        experiment="sweep",
        needs=("PG",),
    ),
    Claim(
        number=65,
        id="uuid-keys",
        section="Data Practices",
        statement="UUIDs suit distributed systems.",
        hypothesis=(
            "Inserts per second and index size against integer keys, random and time-ordered, up to a million rows."
        ),
        experiment="sweep",
        needs=("PG",),
    ),
)
