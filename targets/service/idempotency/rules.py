"""What a known key is answered with, by two sets of rules.

``standard``: a table of four rows.  First time: process and keep the result; repeated after a success: the kept result;
repeated after a failure: process again; expired: 409.  It says nothing of another payload under a known key, which
gets the kept result, nor of a repeat while the first request runs, which gets 409.

``draft``: draft-ietf-httpapi-idempotency-key-header.  A kept result is replayed, errors included; another payload is
422, a repeat while the first request runs 409; an expired key is a new one.

Both answer 400 where a key is required and missing, as the draft says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from targets.service.idempotency.answer import Answer, Kept
from targets.service.problems import Problem


@dataclass(frozen=True, slots=True)
class Rules:
    """One set of rules."""

    keeps_failures: bool
    remembers_expired: bool
    """Whether an expired key is told from a new one, for which old keys must be remembered (tombstones)."""
    compares_payloads: bool

    def keeps(self, answer: Answer) -> bool:
        """Tell whether the answer is kept under its key."""
        return self.keeps_failures or not answer.failed

    def again(self, kept: Kept, payload: bytes) -> Answer:
        """Answer a key that is known; a Problem for one that has expired, or whose payload is another."""
        if kept.expired:
            raise expired()
        if self.compares_payloads and kept.payload != payload:
            detail = "This Idempotency-Key was used with another body; take a new key for another operation."
            raise Problem(422, "idempotency-key-reused", detail)
        return kept.again()


RULES: Mapping[str, Rules] = MappingProxyType(
    {
        "standard": Rules(keeps_failures=False, remembers_expired=True, compares_payloads=False),
        "draft": Rules(keeps_failures=True, remembers_expired=False, compares_payloads=True),
    }
)


def in_progress() -> Problem:
    """Give what a repeat is told while the first request runs."""
    detail = "A request with this Idempotency-Key is still being processed; repeat it later."
    return Problem(409, "idempotency-key-in-progress", detail)


def expired() -> Problem:
    """Give what an expired key is told."""
    return Problem(409, "idempotency-key-expired", "This Idempotency-Key has expired; take a new one.")


def missing() -> Problem:
    """Give what a request without a key is told where one is required."""
    return Problem(400, "idempotency-key-missing", "This operation needs an Idempotency-Key.")
