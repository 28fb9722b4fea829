"""Which request is of which kind, and which client sends it: a seeded draw, decided before the load."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any, NamedTuple

from ..trial import TrialError

QUICK, SLOW, LONG, STREAM, HALF, BYTELESS = "quick", "slow", "long", "stream", "half", "byteless"
KINDS = (QUICK, SLOW, LONG, STREAM, HALF, BYTELESS)

FRESH, CAREFUL, NAIVE, RETRY_ONCE = "fresh", "careful", "naive", "retry_once"
POLICIES = (FRESH, CAREFUL, NAIVE, RETRY_ONCE)

DEFAULTS: Mapping[str, Any] = {
    "kinds": {QUICK: 0.8, SLOW: 0.08, LONG: 0.0, STREAM: 0.04, HALF: 0.04, BYTELESS: 0.04},
    "policies": dict.fromkeys(POLICIES, 1.0),
    "slow_ms": 800,
    "long_ms": 30_000,
    "stream_ms": 2_000,
    "stream_gap_ms": 50,
    "half_ms": 500,
    "byteless_ms": 500,
    "body_bytes": 2_048,
    "reuse": "newest",
    "kind_paths": {},
}
"""Parameters of the mix; the scenario says what they mean."""

REUSES = frozenset({"newest", "oldest"})


class Act(NamedTuple):
    """One request: the client's policy and the request's kind."""

    policy: str
    kind: str

    @property
    def name(self) -> str:
        """Give what reports group it by."""
        return f"{self.policy} {self.kind}"


def acts(parameters: Mapping[str, Any], seed: int, count: int) -> list[Act]:
    """Draw the acts 0 … count−1: the same ones in every worker, whichever of them it performs.

    :raises TrialError: an unknown kind or policy, or shares that cannot be.
    """
    kinds = _shares("kinds", parameters["kinds"], KINDS)
    policies = _shares("policies", parameters["policies"], POLICIES)
    # A source of its own for each column: where a worker's draw ends changes nothing before.
    drawn_kinds = Random(f"kinds {seed}").choices(KINDS, kinds, k=count)
    drawn_policies = Random(f"policies {seed}").choices(POLICIES, policies, k=count)
    return [Act(policy, kind) for policy, kind in zip(drawn_policies, drawn_kinds, strict=True)]


def _shares(field: str, given: Mapping[str, Any], known: tuple[str, ...]) -> list[float]:
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise TrialError(f"parameters.{field}: unknown {', '.join(unknown)}; choose from {', '.join(known)}")
    shares = [float(given.get(name, 0.0)) for name in known]
    if min(shares) < 0 or not 0 < sum(shares) < float("inf"):
        raise TrialError(f"parameters.{field}: shares must not be negative, and one must be positive")
    return shares
