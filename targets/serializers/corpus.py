"""Values and bodies on which serializers are known to differ, and a way to compare what they make of them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

REFUSED = "refused"
"""The outcome where a serializer does not write a value or does not accept a body."""


class Colour(Enum):
    """An enumeration with text values."""

    RED = "red"


def values() -> dict[str, Any]:
    """Give the values to write, by a name that says what is special about each."""
    return {
        "text": "plain",
        "text-unicode": "Ünïcödé 漢字 🙂",
        "text-control": "a\x00b\x1f\u2028",
        "text-lone-surrogate": "\ud800",
        "int-2^53+1": 2**53 + 1,
        "int-2^63": 2**63,
        "int-2^64": 2**64,
        "int-negative-2^63-1": -(2**63) - 1,
        "float-short": 0.1,
        "float-large": 1e300,
        "float-negative-zero": -0.0,
        "float-nan": math.nan,
        "float-infinity": math.inf,
        "decimal": Decimal("12.50"),
        "decimal-exponent": Decimal("1E+3"),
        "decimal-nan": Decimal("NaN"),
        "datetime-utc": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "datetime-offset": datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=5, minutes=30))),
        "datetime-naive": datetime(2026, 1, 2, 3, 4, 5),  # noqa: DTZ001  (naive is the case)
        "datetime-microseconds": datetime(2026, 1, 2, 3, 4, 5, 60, tzinfo=UTC),
        "date": date(2026, 1, 2),
        "time": time(3, 4, 5),
        "timedelta": timedelta(days=1, seconds=30),
        "uuid": UUID(int=1),
        "enum": Colour.RED,
        "bytes": b"ab",
        "set-of-one": {1},
        "tuple": (1, 2),
        "none": None,
        "key-int": {1: "x"},
        "key-float": {1.5: "x"},
        "key-none": {None: "x"},
        "key-bool": {True: "x"},
        "key-uuid": {UUID(int=1): "x"},
        "key-date": {date(2026, 1, 2): "x"},
        "nested": {"a": [{"b": [1, 2, {"c": None}]}]},
    }


ORDER: Mapping[str, Any] = {
    "customer_id": "7f2c1e0a-94d8-4c65-8a5c-0c3c3f0a7a11",
    "currency": "EUR",
    "lines": [{"product_id": "00000000-0000-4000-8000-000000000001", "quantity": 2, "unit_price": "12.50"}],
    "placed_at": "2026-11-24T09:30:00Z",
    "note": None,
}
"""An order that every serializer must accept."""


def bodies() -> dict[str, bytes]:
    """Give the order bodies to read, by a name that says what is special about each."""
    whole = json.dumps(ORDER)
    top = {
        "note-missing": {k: v for k, v in ORDER.items() if k != "note"},
        "currency-missing": {k: v for k, v in ORDER.items() if k != "currency"},
        "field-unknown": {**ORDER, "extra": 1},
        "currency-lower": {**ORDER, "currency": "eur"},
        "currency-newline": {**ORDER, "currency": "EUR\n"},
        "currency-number": {**ORDER, "currency": 1},
        "customer-braces": {**ORDER, "customer_id": "{7f2c1e0a-94d8-4c65-8a5c-0c3c3f0a7a11}"},
        "customer-no-dashes": {**ORDER, "customer_id": "7f2c1e0a94d84c658a5c0c3c3f0a7a11"},
        "customer-urn": {**ORDER, "customer_id": "urn:uuid:7f2c1e0a-94d8-4c65-8a5c-0c3c3f0a7a11"},
        "customer-bad": {**ORDER, "customer_id": "nobody"},
        "lines-empty": {**ORDER, "lines": []},
        "lines-null": {**ORDER, "lines": None},
        "lines-101": {**ORDER, "lines": [*ORDER["lines"]] * 101},
        "note-long": {**ORDER, "note": "x" * 501},
        "placed-offset": {**ORDER, "placed_at": "2026-11-24T09:30:00+05:30"},
        "placed-naive": {**ORDER, "placed_at": "2026-11-24T09:30:00"},
        "placed-blank": {**ORDER, "placed_at": "2026-11-24 09:30:00Z"},
        "placed-date": {**ORDER, "placed_at": "2026-11-24"},
        "placed-number": {**ORDER, "placed_at": 1_790_000_000},
        "placed-nanoseconds": {**ORDER, "placed_at": "2026-11-24T09:30:00.123456789Z"},
    }
    lines = {
        "quantity-text": {"quantity": "2"},
        "quantity-whole-float": {"quantity": 2.0},
        "quantity-float": {"quantity": 2.5},
        "quantity-true": {"quantity": True},
        "quantity-0": {"quantity": 0},
        "quantity-10001": {"quantity": 10_001},
        "quantity-2^70": {"quantity": 2**70},
        "price-number": {"unit_price": 12.5},
        "price-whole": {"unit_price": 12},
        "price-0": {"unit_price": "0"},
        "price-negative": {"unit_price": "-1.00"},
        "price-3-places": {"unit_price": "1.234"},
        "price-13-digits": {"unit_price": "12345678901.00"},
        "price-exponent": {"unit_price": "1E+3"},
        "price-nan-text": {"unit_price": "NaN"},
        "price-blanks": {"unit_price": " 12.50 "},
    }
    raw = {
        "whole": whole.encode(),
        "empty": b"",
        "null": b"null",
        "array": b"[]",
        "cut": whole[:-1].encode(),
        "trailing": whole.encode() + b" x",
        "bom": b"\xef\xbb\xbf" + whole.encode(),
        "utf-16": whole.encode("utf-16"),
        "invalid-utf-8": whole.encode().replace(b"null", b'"\xff"'),
        "nan-literal": whole.replace('"12.50"', "NaN").encode(),
        "comma-at-end": whole[:-1].encode() + b",}",
        "key-twice": whole[:-1].encode() + b', "currency": "USD"}',
        "lone-surrogate": whole.replace("null", '"\\ud800"').encode(),
        "deep": b"[" * 5000 + b"]" * 5000,
    }
    line = ORDER["lines"][0]
    made = {name: {**ORDER, "lines": [line | change]} for name, change in lines.items()}
    return raw | {name: json.dumps(body).encode() for name, body in (top | made).items()}


def written_as(dumps: Callable[[Any], bytes], value: Any) -> str:
    """Give the JSON that ``dumps`` writes in one canonical spelling, or REFUSED."""
    try:
        text = dumps(value)
    except (TypeError, ValueError, OverflowError):
        return REFUSED
    return json.dumps(json.loads(text), sort_keys=True)


def read_as(decode: Callable[[bytes], Any], raw: bytes) -> str:
    """Give what ``decode`` understands of an order's body in one canonical spelling, or REFUSED."""
    try:
        order = decode(raw)
    except (ValueError, RecursionError):
        return REFUSED
    lines = [f"{line.product_id} {line.quantity} {line.unit_price}" for line in order.lines]
    placed = order.placed_at.astimezone(UTC).isoformat()
    return f"{order.customer_id} {order.currency} {lines} {placed} {order.note!r}"


def disagreements(outcomes: Mapping[str, Mapping[str, str]], reference: str) -> dict[str, dict[str, str]]:
    """Keep of ``{case: {serializer: outcome}}`` what is not as the reference's outcome of the same case."""
    kept = {
        case: {name: outcome for name, outcome in by_name.items() if outcome != by_name[reference]}
        for case, by_name in outcomes.items()
    }
    return {case: differing for case, differing in kept.items() if differing}
