"""The envelope of every list: data, meta, links."""

from __future__ import annotations

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

RowT = TypeVar("RowT", bound=BaseModel)


class Meta(BaseModel):
    """Where a page stands in the whole."""

    model_config = ConfigDict(from_attributes=True)

    total: int | None = Field(description="Rows in all; null if it is not known", examples=[1000])
    cursor: str | None = Field(description="The cursor that was asked for; null on the first page")
    limit: int = Field(description="Rows per page", examples=[50])


class Links(BaseModel):
    """Where to go on: paths with their query; null at the ends."""

    model_config = ConfigDict(from_attributes=True)

    next: str | None
    prev: str | None


class Page(BaseModel, Generic[RowT]):
    """One page of rows."""

    model_config = ConfigDict(from_attributes=True)

    data: list[RowT]
    meta: Meta
    links: Links
