"""Pydantic: FastAPI's own path, from the model straight to bytes in Rust."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, TypeAdapter

from targets.serializers.web import BodySource

LABEL = "Pydantic"

_ANY: TypeAdapter[Any] = TypeAdapter(Any)


def dumps(value: Any) -> bytes:
    """Write any value as FastAPI writes a field of type Any."""
    return _ANY.dump_json(value)


def encoder(schema: type[BaseModel]) -> Callable[[Any], bytes]:
    """Validate the record into the schema, then write it: what FastAPI does with a response_model."""
    adapter = TypeAdapter(schema)

    def encode(record: Any) -> bytes:
        return adapter.dump_json(adapter.validate_python(record, from_attributes=True))

    return encode


def decoder(schema: type[BaseModel]) -> Callable[[bytes], Any]:
    """Read and validate a body in one step."""
    return TypeAdapter(schema).validate_json


def respond(schema: type[BaseModel], status: int) -> Callable[[Any], Any]:  # noqa: ARG001  (the route knows both)
    """Hand the record over: the route's response_model does the work."""
    return _same


def body(schema: type[BaseModel]) -> BodySource:
    """Let FastAPI read the body."""
    return BodySource(schema)


def _same(record: Any) -> Any:
    return record
