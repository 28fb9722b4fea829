"""Names of keys: version, namespace, what it is about."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def key_of(version: str, namespace: str, number: int) -> str:
    """Give the key of one record, such as ``v1:products:123``; a new version leaves all old entries unread."""
    return f"{version}:{namespace}:{number}"


def query_key(version: str, namespace: str, parameters: Mapping[str, Any]) -> str:
    """Give the key of a query's result: as long for many parameters as for few, and the same in any order.

    TypeError for parameters that JSON cannot carry: a text made up for them could name two queries.
    """
    text = json.dumps(parameters, sort_keys=True, separators=(",", ":"))
    return f"{version}:{namespace}:query:{hashlib.sha256(text.encode()).hexdigest()}"


def prefix_of(version: str, namespace: str) -> str:
    """Give what all keys of a namespace begin with."""
    return f"{version}:{namespace}:"
