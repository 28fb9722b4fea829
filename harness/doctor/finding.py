"""What one check of the machine found."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Status = Literal["ok", "warn", "fail"]


class Finding(Struct, frozen=True):
    """Result of a check: ``warn`` costs precision or a feature, ``fail`` stops measurements."""

    name: str
    status: Status
    sees: str
    """What the check saw, in one sentence."""
    mend: str | None = None
    """What to do about it; None where all is well or nothing can be done."""
