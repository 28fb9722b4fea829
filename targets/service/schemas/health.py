"""What the health endpoints and the ping answer."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Status(BaseModel):
    """One word."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [{"status": "ok"}]})

    status: str


class Readiness(BaseModel):
    """One word, and one for each resource that was asked."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "ok", "checks": {"items": "ok"}}]})

    status: str
    checks: dict[str, str]
