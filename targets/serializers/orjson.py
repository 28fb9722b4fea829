"""orjson: the model as a dict, written by orjson; bodies stay with FastAPI."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import orjson
from pydantic import BaseModel

from targets.serializers.web import BodySource, written

LABEL = "orjson"


def dumps(value: Any) -> bytes:
    """Write any value; decimals as strings, as the other serializers of this folder do."""
    return orjson.dumps(value, default=_decimal, option=orjson.OPT_UTC_Z)


def encoder(schema: type[BaseModel]) -> Callable[[Any], bytes]:
    """Validate the record into the schema, dump it to Python objects, write those."""

    def encode(record: Any) -> bytes:
        return dumps(schema.model_validate(record, from_attributes=True).model_dump())

    return encode


def decoder(schema: type[BaseModel]) -> Callable[[bytes], Any]:
    """Parse with orjson, validate with the schema."""

    def decode(raw: bytes) -> Any:
        return schema.model_validate(orjson.loads(raw))

    return decode


def respond(schema: type[BaseModel], status: int) -> Callable[[Any], Any]:
    """Answer with own bytes."""
    return written(encoder(schema), status)


def body(schema: type[BaseModel]) -> BodySource:
    """Let FastAPI read the body."""
    return BodySource(schema)


def _decimal(value: Any) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be written")
