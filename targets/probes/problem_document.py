"""Whether an answer is a problem (RFC 9457) with the members that the standard names."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

MEDIA_TYPE = "application/problem+json"

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")
_REFERENCE = re.compile(r"(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+")


def fault_of(status: int, media_type: str | None, body: bytes, path: str) -> str:
    """Say what is wrong with an error's answer as a problem; empty where nothing is.

    ``path`` is that of the request as it was sent, without its query.
    """
    if (media_type or "").partition(";")[0].strip().lower() != MEDIA_TYPE:
        return f"its type is {media_type}"
    try:
        document = json.loads(body)
    except ValueError:
        return "its body is no JSON"
    if not isinstance(document, dict):
        return "its body is no object"
    wrong = [name for name, right in _members(document, status, path).items() if not right]
    return f"wrong or missing: {', '.join(wrong)}" if wrong else ""


def _members(document: Mapping[str, Any], status: int, path: str) -> dict[str, bool]:
    return {
        "type": bool(_URI.fullmatch(_text(document, "type"))),
        "title": bool(_text(document, "title")),
        "status": document.get("status") == status,
        "detail": bool(_text(document, "detail")),
        "instance": bool(_REFERENCE.fullmatch(_text(document, "instance"))) and _text(document, "instance") == path,
        "trace_id": bool(_text(document, "trace_id")),
    }


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    return value if isinstance(value, str) else ""
