"""Which services must stand behind the arms of a comparison, read from what the arms are told."""

from __future__ import annotations

from collections.abc import Sequence

from harness.model import Backend, Behind, Target

SWITCHES: dict[tuple[str, str], Backend] = {
    ("SERVICE_DATA__KIND", "postgres"): "postgres",
    ("SERVICE_CACHE__KIND", "l2"): "valkey",
    ("SERVICE_CACHE__KIND", "both"): "valkey",
    ("SERVICE_IDEMPOTENCY__KIND", "valkey"): "valkey",
    ("SERVICE_RATE_LIMIT__STORE", "valkey"): "valkey",
}
"""Settings of the reference service that ask for a service behind it."""

ROWS = 100_000
"""Orders where nobody says how many: filled in a second, and a walk through them is no toy."""


def behind_of(
    arms: Sequence[Target],
    asked: Sequence[Backend] = (),
    *,
    rows: int | None = None,
    own: bool = False,
    seed: int = 7,
    rtt_ms: int | None = None,
) -> Behind | None:
    """What must stand behind the arms; None where nothing must.

    ``asked`` is what the user names for an app of his own; ``rows`` None: the reference service's default, and a bare
    database for any other app; ``rtt_ms`` None: no network between.
    """
    switched = [
        SWITCHES[name, value] for arm in arms for name, value in arm.environment.items() if (name, value) in SWITCHES
    ]
    backends = tuple(sorted({*switched, *asked}))
    if not backends:
        return None
    seeded = (ROWS if rows is None else rows) if "postgres" in switched or rows is not None else None
    return Behind(backends=backends, rows=seeded, seed=seed, own=own, rtt_ms=rtt_ms)
