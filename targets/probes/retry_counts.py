"""What each policy sends to a service that is down, counted on both sides, as JSON lines.

``python -m targets.probes.retry_counts [--calls 50] [--after 10] [--quick]``

The upstream answers every request with 503.  Each policy makes ``--calls`` calls, one after the other, where it may try
again three times; then ``--after`` more.  A line is ``{"case", "subject", "library", "logical", "attempts_sent",
"arrived", "cases", "miscounted", "sent_after", "breaks"}``.

- ``attempts_sent`` is the client's own count and ``arrived`` the server's, over the first calls; ``logical`` is how
  many calls the server could tell apart by X-Request-ID.
- ``miscounted`` are the calls among ``cases`` that sent another number than four; the twin, which never tries again,
  must be caught.
- ``sent_after`` counts what arrived for the calls after the first ones, and ``breaks`` is 1 where that is nothing: the
  policy had learned from so many failures in a row.  The control, tenacity behind a circuit breaker of ours, must.
- One more line, ``{"case": "names", "named"}``, lists what in tenacity's public names speaks of a circuit or a breaker.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import tenacity

from targets.probes import plain
from targets.probes.upstream_process import upstream
from targets.service.practices import retry
from targets.service.practices.upstream import On
from targets.service.resilience.failures import CallError
from targets.service.resilience.opening import policy_of
from targets.service.upstream.opening import opened

ATTEMPTS = 4
"""Three retries."""
BASE_MS, CAP_MS = 1.0, 2.0
COOLDOWN_S = 600.0
"""Longer than the probe: an open circuit stays open."""
DOWN = {"UPSTREAM_WORK_MS": "0", "UPSTREAM_FAIL_SHARE": "1", "UPSTREAM_CAPACITY": "100"}

POLICIES: dict[str, tuple[str, Any]] = {
    "fixed": ("tenacity", retry.Fixed(attempts=ATTEMPTS, base_ms=BASE_MS)),
    "exponential": ("tenacity", retry.Exponential(attempts=ATTEMPTS, base_ms=BASE_MS, cap_ms=CAP_MS)),
    "exponential_jitter": ("tenacity", retry.ExponentialJitter(attempts=ATTEMPTS, base_ms=BASE_MS, cap_ms=CAP_MS)),
    "stamina": ("stamina", retry.Stamina(attempts=ATTEMPTS, base_ms=BASE_MS, cap_ms=CAP_MS)),
    "budget": ("ours", retry.Budget(attempts=ATTEMPTS, base_ms=BASE_MS, cap_ms=CAP_MS)),
    "hedging": ("ours", retry.Hedging()),
}
"""Library and setting by subject."""
CONTROL = retry.Breaker(attempts=ATTEMPTS, cooldown_s=COOLDOWN_S, base_ms=BASE_MS, cap_ms=CAP_MS)


async def observe(url: str, chosen: Any | None, calls: int, after: int) -> dict[str, Any]:
    """Make the calls under one policy (None: a single attempt) and count them on both sides."""
    async with plain.client(url) as admin, opened(On(), url) as bare:
        await admin.post("/ledger/reset")
        quotes = bare if chosen is None else bare.under(policy_of(chosen, bare.counts))
        each = []
        for number in range(1, calls + 1):
            before = quotes.counts.attempts
            try:
                await quotes.get(number)
            except CallError:
                each.append(quotes.counts.attempts - before)
        sent, first = quotes.counts.attempts, (await admin.get("/ledger")).json()
        for number in range(1, after + 1):
            try:
                await quotes.get(number)
            except CallError:
                continue
        last = (await admin.get("/ledger")).json()
    return {
        "logical": first["logical"],
        "attempts_sent": sent,
        "arrived": first["arrived"],
        "cases": len(each),
        "miscounted": sum(count != ATTEMPTS for count in each),
        "sent_after": last["arrived"] - first["arrived"],
        "breaks": int(last["arrived"] == first["arrived"]),
    }


def lines(url: str, calls: int, after: int) -> Iterator[dict[str, Any]]:
    """Give a line for each policy, the twin, the control and tenacity's names."""
    for subject, (library, chosen) in POLICIES.items():
        seen = asyncio.run(observe(url, chosen, calls, after))
        yield {"case": subject, "subject": subject, "library": library, **seen}
    once = asyncio.run(observe(url, None, calls, after))
    yield {"case": "one attempt", "subject": "off", "library": "none", "twin": True, **once}
    guarded = asyncio.run(observe(url, CONTROL, calls, after))
    failed = int(not guarded["breaks"])
    yield {
        "case": "behind a breaker",
        "subject": "breaker",
        "library": "ours",
        "control": True,
        "failed": failed,
        **guarded,
    }
    named = [name for name in dir(tenacity) if "circuit" in name.lower() or "breaker" in name.lower()]
    yield {"case": "names", "subject": "tenacity", "named": named}


def main(arguments: Sequence[str]) -> None:
    """Print the lines."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--calls", type=int, default=50)
    parser.add_argument("--after", type=int, default=10)
    parser.add_argument("--quick", action="store_true", help="ten calls")
    chosen = parser.parse_args(arguments)
    calls = 10 if chosen.quick else max(1, chosen.calls)
    with upstream(DOWN) as url:
        for line in lines(url, calls, max(1, chosen.after)):
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
