"""The standard library's json: the model as JSON-ready objects, written in Python and C."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

from targets.serializers.web import BodySource, written

LABEL = "json (standard library)"


def dumps(value: Any) -> bytes:
    """Write any value as Starlette's JSONResponse does: compact UTF-8, no NaN."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def encoder(schema: type[BaseModel]) -> Callable[[Any], bytes]:
    """Validate the record into the schema, dump it to JSON-ready objects, write those."""

    def encode(record: Any) -> bytes:
        return dumps(schema.model_validate(record, from_attributes=True).model_dump(mode="json"))

    return encode


def decoder(schema: type[BaseModel]) -> Callable[[bytes], Any]:
    """Parse with json, validate with the schema."""

    def decode(raw: bytes) -> Any:
        return schema.model_validate(json.loads(raw))

    return decode


def respond(schema: type[BaseModel], status: int) -> Callable[[Any], Any]:
    """Answer with own bytes."""
    return written(encoder(schema), status)


def body(schema: type[BaseModel]) -> BodySource:
    """Let FastAPI read the body, which it does with json too."""
    return BodySource(schema)
