"""What an answer says of a client's rate limit, in either of the two styles that services use."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from .wire.request import Response

REFUSED = 429


class Told(NamedTuple):
    """The figures of one answer; None where it does not say."""

    limit: int | None
    remaining: int | None
    reset_s: float | None
    """From now until the whole limit is there again."""
    retry_after_s: float | None


def told(response: Response, clock: Callable[[], float] = time.time) -> Told:
    """Read X-RateLimit-Limit, -Remaining and -Reset (a timestamp), or RateLimit and RateLimit-Policy; and Retry-After.

    Dates in Retry-After are not read: those who limit rates give seconds.
    """
    fields = response.headers
    retry_after_s = _number(fields.get("retry-after", ""))
    if "ratelimit" in fields:
        policy, quota = _parameters(fields.get("ratelimit-policy", "")), _parameters(fields["ratelimit"])
        return Told(_whole(policy.get("q", "")), _whole(quota.get("r", "")), _number(quota.get("t", "")), retry_after_s)
    reset_s = _number(fields.get("x-ratelimit-reset", ""))
    return Told(
        _whole(fields.get("x-ratelimit-limit", "")),
        _whole(fields.get("x-ratelimit-remaining", "")),
        None if reset_s is None else max(0.0, reset_s - clock()),
        retry_after_s,
    )


def _parameters(item: str) -> Mapping[str, str]:
    """Read ``"name";r=50;t=30``; of a list the first member alone."""
    return dict(re.findall(r";\s*([a-z]+)=(\d+)", item.partition(",")[0]))


def _whole(text: str) -> int | None:
    return int(text) if text.isdigit() else None


def _number(text: str) -> float | None:
    found = _whole(text)
    return None if found is None else float(found)
