"""What a client is told of its limit: the standard's fields, or those of the IETF's draft (RateLimit, from -10 on)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from targets.service.limiting.quota import SECOND_US, Decision, Quota, seconds_up

Fields = list[tuple[bytes, bytes]]

POLICY = "default"
"""The draft gives policies names; there is one here."""

QUOTA_EXCEEDED = "https://iana.org/assignments/http-problem-types#quota-exceeded"
"""The draft's type of problem."""


@dataclass(frozen=True, slots=True)
class Style:
    """Fields of every answer, and what a refusal is called."""

    fields: Callable[[Quota, Decision], Fields]
    code: str
    members: Mapping[str, Any] = field(default_factory=dict)
    """Members of the problem beyond, or instead of, those of every other one."""


def _standard(quota: Quota, decision: Decision) -> Fields:
    """Tell limit, remaining, and the second (since 1970) from which the whole limit is there again."""
    fields = [
        (b"x-ratelimit-limit", b"%d" % quota.limit),
        (b"x-ratelimit-remaining", b"%d" % decision.remaining),
        (b"x-ratelimit-reset", b"%d" % seconds_up(decision.reset_us)),
    ]
    return fields + _retry_after(decision)


def _draft(quota: Quota, decision: Decision) -> Fields:
    """Tell policy and quota as structured fields; ``t`` counts seconds from now."""
    left_s = seconds_up(decision.reset_us - decision.now_us)
    fields = [
        (b"ratelimit-policy", b'"%b";q=%d;w=%d' % (POLICY.encode(), quota.limit, quota.window_us // SECOND_US)),
        (b"ratelimit", b'"%b";r=%d;t=%d' % (POLICY.encode(), decision.remaining, left_s)),
    ]
    return fields + _retry_after(decision)


def _retry_after(decision: Decision) -> Fields:
    return [] if decision.allowed else [(b"retry-after", b"%d" % retry_after_s(decision))]


def retry_after_s(decision: Decision) -> int:
    """Give the seconds after which one more request is admitted."""
    return max(1, seconds_up(decision.retry_us - decision.now_us))


STYLES: Mapping[str, Style] = {
    "standard": Style(_standard, "rate-limited"),
    "draft": Style(_draft, "quota-exceeded", {"type": QUOTA_EXCEEDED, "violated-policies": [POLICY]}),
}
