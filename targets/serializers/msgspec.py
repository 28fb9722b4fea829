"""msgspec: structs instead of models, for the answers and for the validated bodies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from pydantic import BaseModel

from targets.serializers.web import BodySource, read_by, written
from targets.service.schemas.structs import STRUCTS

LABEL = "msgspec"


def dumps(value: Any) -> bytes:
    """Write any value."""
    return msgspec.json.encode(value)


def encoder(schema: type[BaseModel]) -> Callable[[Any], bytes]:
    """Convert the record into the schema's struct, then write it; KeyError if it has none."""
    struct, encode_struct = _struct(schema), msgspec.json.Encoder().encode

    def encode(record: Any) -> bytes:
        return encode_struct(msgspec.convert(record, struct, from_attributes=True))

    return encode


def decoder(schema: type[BaseModel]) -> Callable[[bytes], Any]:
    """Read and validate a body in one step; KeyError if the schema has no struct."""
    return msgspec.json.Decoder(_struct(schema)).decode


def respond(schema: type[BaseModel], status: int) -> Callable[[Any], Any]:
    """Answer with own bytes."""
    return written(encoder(schema), status)


def body(schema: type[BaseModel]) -> BodySource:
    """Read the body with msgspec: the first error only, where pydantic lists all."""
    return read_by(decoder(schema), schema)


def _struct(schema: type[BaseModel]) -> Any:
    if schema in STRUCTS:
        return STRUCTS[schema]
    from targets.service.schemas.stored_structs import STRUCTS as STORED  # noqa: PLC0415  (no database, no cost)

    return STORED[schema]
