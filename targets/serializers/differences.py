"""Where the serializers are known to differ from pydantic, the default; tests hold the tables exact."""

from __future__ import annotations

from collections.abc import Mapping

from targets.serializers.corpus import REFUSED

_STDLIB: Mapping[str, str] = {"stdlib": REFUSED}
_ORJSON: Mapping[str, str] = {"orjson": REFUSED}
_BOTH: Mapping[str, str] = {"orjson": REFUSED, "stdlib": REFUSED}
_ORDER = (
    "7f2c1e0a-94d8-4c65-8a5c-0c3c3f0a7a11 EUR ['00000000-0000-4000-8000-000000000001 2 12.50'] "
    "2026-11-24T09:30:00{}+00:00 None"
)

WRITTEN: Mapping[str, Mapping[str, str]] = {
    "int-2^64": _ORJSON,
    "int-negative-2^63-1": _ORJSON,
    "float-nan": _STDLIB,
    "float-infinity": _STDLIB,
    "decimal": _STDLIB,
    "decimal-exponent": _STDLIB,
    "decimal-nan": _STDLIB,
    "datetime-utc": _STDLIB,
    "datetime-offset": _STDLIB,
    "datetime-naive": _STDLIB,
    "datetime-microseconds": _STDLIB,
    "date": _STDLIB,
    "time": _STDLIB,
    "timedelta": _BOTH,
    "uuid": _STDLIB,
    "enum": _STDLIB,
    "bytes": {**_BOTH, "msgspec": '"YWI="'},
    "set-of-one": _BOTH,
    "key-int": _ORJSON,
    "key-float": _ORJSON,
    "key-none": {"orjson": REFUSED, "msgspec": REFUSED, "stdlib": '{"null": "x"}'},
    "key-bool": {"orjson": REFUSED, "msgspec": REFUSED},
    "key-uuid": _BOTH,
    "key-date": _BOTH,
}
"""Free-form values, written without a schema: ``{case: {serializer: what it writes}}``.

In the service's answers none of these shows, because there a schema stands between record and JSON.
"""

READ: Mapping[str, Mapping[str, str]] = {
    "bom": {"stdlib": _ORDER.format("")},
    "utf-16": {"stdlib": _ORDER.format("")},
    "customer-braces": {"msgspec": REFUSED},
    "customer-urn": {"msgspec": REFUSED},
    "placed-number": {"msgspec": REFUSED},
    "placed-nanoseconds": {"msgspec": _ORDER.format(".123457")},
    "quantity-text": {"msgspec": REFUSED},
    "quantity-whole-float": {"msgspec": REFUSED},
    "quantity-true": {"msgspec": REFUSED},
}
"""Order bodies, read by each serializer's own decoder: ``{case: {serializer: what it understands}}``."""

SERVED: Mapping[str, Mapping[str, str]] = {
    "bom": {"msgspec": "422"},
    "utf-16": {"msgspec": "422"},
    "invalid-utf-8": {"msgspec": "422"},
    "deep": {"msgspec": "422"},
    "customer-braces": {"msgspec": "422"},
    "customer-urn": {"msgspec": "422"},
    "placed-number": {"msgspec": "422"},
    "quantity-text": {"msgspec": "422"},
    "quantity-whole-float": {"msgspec": "422"},
    "quantity-true": {"msgspec": "422"},
}
"""The same bodies posted to the service: ``{case: {serializer: status}}``.

FastAPI reads for all but msgspec: with json, so that a byte order mark passes and bytes that are no UTF-8
or too deep a nesting are a 400 instead of a 422.
"""
