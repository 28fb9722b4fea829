"""The envelope of lists that come from the database: data, meta, links."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from targets.service.schemas.envelope import Links

__all__ = ["Links", "StoredMeta"]


class StoredMeta(BaseModel):
    """Where a page stands in the whole."""

    model_config = ConfigDict(from_attributes=True)

    total: int | None = Field(description="Rows in all; null if it is not known", examples=[1000])
    page: int | None = Field(description="The page's number; null in another form", examples=[2])
    cursor: str | None = Field(description="The cursor that was asked for; null on the first page")
    limit: int = Field(description="Rows per page", examples=[50])
