"""High-performance serialization."""

from __future__ import annotations

from harness.claims.claim import Claim, Condition, Duet, Equivalent, Faster, Probe, Within, Zero
from harness.claims.servers import ITEM, PAGE, STORED, STORED_PAGE
from harness.model import Load

EXPORT = "/api/v1/items/export"
"""All thousand rows: about 180 KB of JSON."""

PAYLOADS = (("1 KB", ITEM), ("10 KB", PAGE), ("200 KB", EXPORT))

FAST_ENOUGH = Equivalent(margin=0.05)
"""Ours: 5 % of CPU per request is less than one host in twenty, and less than a release changes."""

DROP_IN_GAIN = Faster(threshold=0.02, margin=0.02)
"""Ours, as for servers: below 2 % nobody changes a dependency."""

TWO_TO_FIVE = Within(low=2.0, high=5.0)
"""The standard's own figures."""

SERVER = "granian"
"""The standard's default server carries every arm: the serializer alone differs."""


def _duet(name: str, arms: tuple[str, str], path: str, rule: Equivalent | Faster | Within, group: str) -> Duet:
    return Duet(
        name=name,
        baseline=f"{SERVER}+{arms[0]}",
        candidate=f"{SERVER}+{arms[1]}",
        paths=(path,),
        regime="open",
        load=Load(model="open"),
        rule=rule,
        group=group,
    )


def _swaps() -> tuple[Condition, ...]:
    stored = tuple(
        Duet(
            name=f"{other}, database-bound",
            baseline=f"{SERVER}+pydantic,{STORED}",
            candidate=f"{SERVER}+{other},{STORED}",
            paths=(STORED_PAGE,),
            regime="open",
            load=Load(model="open"),
            rule=FAST_ENOUGH,
            group="database-bound",
        )
        for other in ("orjson", "msgspec")
    )
    in_memory = tuple(
        _duet(f"{other}, {size}", ("pydantic", other), path, FAST_ENOUGH, "CPU-bound")
        for other in ("orjson", "msgspec")
        for size, path in PAYLOADS
    )
    return (*stored, *in_memory)


def _differences() -> tuple[Condition, ...]:
    return tuple(
        Probe(
            name=f"{operation} against {reference}",
            module="targets.probes.serializer_differences",
            rule=Zero(unit="values"),
            value="differences",
            where={"subject": "orjson", "reference": reference, "operation": operation},
            group="same bytes",
        )
        for reference in ("stdlib", "pydantic")
        for operation in ("encode", "decode_validate")
    )


def _micro() -> tuple[Condition, ...]:
    grid = (
        ("encode", "item-1"),
        ("encode", "page-50"),
        ("encode", "export-1000"),
        ("decode_validate", "order-1"),
        ("decode_validate", "order-100"),
    )
    return tuple(
        Probe(
            name=f"library, {operation} {payload}",
            module="targets.probes.serializer_micro",
            rule=TWO_TO_FIVE,
            value="ns_per_op",
            where={"operation": operation, "payload": payload},
            baseline="pydantic",
            candidate="msgspec",
            group="library",
        )
        for operation, payload in grid
    )


CLAIMS = (
    Claim(
        number=6,
        id="pydantic-fast-enough",
        section="High-Performance Serialization",
        statement="For most endpoints Pydantic v2 serializes fast enough.",
        hypothesis="Another serializer changes CPU per request by less than 5 %, in either direction.",
        experiment="duet",
        needs=("PG",),
        conditions=_swaps(),
    ),
    Claim(
        number=7,
        id="orjson-drop-in",
        section="High-Performance Serialization",
        statement="orjson can replace the serializer in use without anybody noticing but for its speed.",
        hypothesis="0 differences over a corpus of values and bodies, and at least 2 % less CPU a request.",
        experiment="probe",
        conditions=(
            *_differences(),
            *(
                _duet(f"endpoint, {size}", ("stdlib", "orjson"), path, DROP_IN_GAIN, "faster")
                for size, path in PAYLOADS[:2]
            ),
        ),
    ),
    Claim(
        number=8,
        id="msgspec-two-to-five",
        section="High-Performance Serialization",
        statement="msgspec is two to five times as fast as Pydantic.",
        hypothesis="Pydantic's time ÷ msgspec's lies between 2 and 5: in the library, and at the endpoint.",
        experiment="probe",
        origin="the standard's",
        conditions=(
            *_micro(),
            *(
                _duet(f"endpoint, {size}", ("pydantic", "msgspec"), path, TWO_TO_FIVE, "endpoint")
                for size, path in PAYLOADS[:2]
            ),
        ),
    ),
)
