"""Fetches paths in turn (parameter paths), or any list of requests (parameter requests)."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from support.wire.request import Request, request
from support.wire.user import WireUser


class Http(WireUser):
    """Without a trial the paths come from the environment: ``HTTP_PATHS=/a,/b``; else from ``/``."""

    def requests(self, parameters: Mapping[str, Any], seed: int) -> Sequence[Request]:
        """Encode ``requests`` ({method, path, json, body, headers, name, expect, arm}), else ``paths``."""
        del seed
        if parameters.get("requests"):
            return [
                request(one.get("method", "GET"), one["path"], **{k: v for k, v in one.items() if k not in FIRST})
                for one in parameters["requests"]
            ]
        paths = parameters.get("paths") or os.environ.get("HTTP_PATHS", "/").split(",")
        return [request("GET", path, name=path) for path in paths]


FIRST = frozenset({"method", "path"})
"""Fields of a request that are not keywords."""
