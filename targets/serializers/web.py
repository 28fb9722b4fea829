"""What the service asks of a serializer, and how a serializer of one's own meets FastAPI."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class BodySource:
    """Who reads a request's body: the endpoint's annotation, and what FastAPI's document cannot see of it."""

    annotation: Any
    openapi_extra: dict[str, Any] | None = None


class Serializer(Protocol):
    """A module of this folder."""

    LABEL: str

    def dumps(self, value: Any) -> bytes:
        """Write any value; TypeError or ValueError where the library cannot."""

    def encoder(self, schema: type[BaseModel]) -> Callable[[Any], bytes]:
        """Give what writes records as answers of the schema."""

    def decoder(self, schema: type[BaseModel]) -> Callable[[bytes], Any]:
        """Give what reads and validates a body; ValueError where it is refused."""

    def respond(self, schema: type[BaseModel], status: int) -> Callable[[Any], Any]:
        """Give what an endpoint returns to FastAPI for a record."""

    def body(self, schema: type[BaseModel]) -> BodySource:
        """Give who reads the body of a request."""


def written(encode: Callable[[Any], bytes], status: int) -> Callable[[Any], Response]:
    """Give answers written by ``encode``: FastAPI passes a Response on as it is."""

    def respond(record: Any) -> Response:
        return Response(encode(record), status, media_type="application/json")

    return respond


def read_by(decode: Callable[[bytes], Any], schema: type[BaseModel]) -> BodySource:
    """Give a reader that refuses as FastAPI's own does: 422, and no JSON without its Content-Type."""

    async def read(request: Request) -> Any:
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "application/json":
            raise _refused("The body must be application/json", "content_type")
        try:
            return decode(await request.body())
        except (ValueError, RecursionError) as error:
            raise _refused(str(error), "value_error") from error

    # Inlined, because FastAPI does not know this model and so gives it no place among the components.
    document = {"required": True, "content": {"application/json": {"schema": schema.model_json_schema()}}}
    return BodySource(Annotated[Any, Depends(read)], {"requestBody": document})


def _refused(message: str, kind: str) -> RequestValidationError:
    return RequestValidationError([{"loc": ("body",), "msg": message, "type": kind}])
