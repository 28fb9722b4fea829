"""What idempotency keys come to where requests are repeated, fail, or lose their process, as JSON lines.

``python -m targets.probes.idempotency [--tries 12] [--quick]``

It needs DATABASE_URL and REDIS_URL.  A service of two processes keeps its keys in a row beside the order or in Valkey,
under two sets of rules (``row, standard``, ``valkey, draft`` and so on).  Each line is one case: ``{"subject", "case",
"cases", "extra_rows", "lost_rows", "unreported_rows", "not_one_row", "differences", "wrong_status", "statuses"}``.

- ``cases`` are keys.  Rows are counted in the database: ``extra_rows`` beyond one for each key, ``lost_rows`` of keys
  whose last answer promised one, ``unreported_rows`` of keys whose last answer is an error; ``not_one_row`` counts the
  keys with any other number than one.
- ``differences`` are keys with a replay that differs in status, type or body; ``wrong_status`` are keys whose last
  answer is not the one that the rules name.  ``statuses`` are the last answers'.
- Processes are killed with SIGKILL at the point that the case names, and the request is repeated until it is
  answered.  With rows "after the effect" lies before the commit of both, with Valkey behind the order's commit.
- ``expired key``: with ``tombstones`` and ``bytes`` of all that is remembered when ``cases`` keys have expired.
  ``forgotten key``: after the tombstones' end, judged by the table of the standard, which knows no end.
  ``memory``: ``entries_left`` then; the same count before is its twin.
- The twin ``off`` has no keys: each repeat makes a row, differs, and is no 409.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from uuid import uuid4

import httpx

from targets.probes.key_shop import Outcome, Shop, Tally, healed, opened, two_workers
from targets.probes.served import running, served

STORED = {"SERVICE_DATA__KIND": "postgres"}
STORES = ("row", "valkey")
AT_ONCE = 50
TTL_S = 3600.0
TOMBSTONE_S = 7200.0
LOCK_S = 1.0
"""Of a claim in Valkey: longer than any request here takes, and what a retry after a crash waits for."""
ALL_S = 300 * 86_400.0
KILLS = 5
"""Four would bound nothing; each costs the start of a process."""

MADE, CONFLICT, REUSED, FAILED = 201, 409, 422, 500

Run = Callable[[Shop, str], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True)
class Case:
    """One case: how a key fares, and the last status that each set of rules asks for."""

    name: str
    run: Run
    wanted: Mapping[str, int]
    kills: bool = False


def main(arguments: Sequence[str]) -> None:
    """Print the lines of each store under each set of rules, and of the twin."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--tries", type=int, default=12, help="keys for each case")
    parser.add_argument("--quick", action="store_true", help="two keys, one kill, the rules of the standard only")
    chosen = parser.parse_args(arguments)
    tries, kills = (2, 1) if chosen.quick else (max(1, chosen.tries), KILLS)
    namespace = f"probe-{uuid4().hex[:12]}"
    for rules in ("standard",) if chosen.quick else ("standard", "draft"):
        wanted = [settings_of(kind, rules, f"{namespace}-{rules}") for kind in STORES]
        with ExitStack() as stack, ThreadPoolExecutor(len(STORES)) as pool:
            urls = list(pool.map(lambda each: stack.enter_context(running(each, workers=2)).url, wanted))
            for kind, url in zip(STORES, urls, strict=True):
                asyncio.run(_observe(url, f"{kind}, {rules}", rules, tries, kills))
    with served(STORED) as url:
        asyncio.run(_observe_twin(url, tries))


def settings_of(kind: str, rules: str, namespace: str) -> dict[str, str]:
    """Settings of the service that keeps its keys there."""
    of_valkey = {"SERVICE_IDEMPOTENCY__LOCK_S": str(LOCK_S), "SERVICE_IDEMPOTENCY__NAMESPACE": namespace}
    return {
        **STORED,
        "SERVICE_IDEMPOTENCY__KIND": kind,
        "SERVICE_IDEMPOTENCY__RULES": rules,
        "SERVICE_IDEMPOTENCY__TTL_S": str(TTL_S),
        "SERVICE_IDEMPOTENCY__TOMBSTONE_S": str(TOMBSTONE_S),
        "SERVICE_IDEMPOTENCY__FAULTS": "on",
        **(of_valkey if kind == "valkey" else {}),
    }


async def _observe(url: str, subject: str, rules: str, tries: int, kills: int) -> None:
    async with opened(url, os.environ["DATABASE_URL"]) as shop:
        await _expire(shop, subject, rules, tries)
        for case in CASES:
            if case.kills and rules != "standard":
                # Where keys and effect lie apart does not depend on the rules.
                continue
            tally = Tally()
            for _ in range(kills if case.kills else tries):
                tally.add(await case.run(shop, f"probe-{uuid4()}"), case.wanted[rules])
            _print(subject, case.name, **tally.line())
        await _forget_all(shop)
        await healed(shop)


async def _observe_twin(url: str, tries: int) -> None:
    """Repeat orders where nobody looks at keys."""
    tally = Tally()
    async with opened(url, os.environ["DATABASE_URL"]) as shop:
        for _ in range(tries):
            key = f"probe-{uuid4()}"
            first, again = await shop.post(key), await shop.post(key)
            tally.add(Outcome(await shop.rows(key), again.status_code, differs=_differ(first, again)), CONFLICT)
    # Only what must come out: a twin whose field is 0 would say that the probe is blind.
    seen = {name: tally.line()[name] for name in ("extra_rows", "not_one_row", "differences", "wrong_status")}
    _print("off", "one key, twice", cases=tally.cases, **seen, twin=True)


async def _expire(shop: Shop, subject: str, rules: str, tries: int) -> None:
    """Let keys expire, and then their tombstones."""
    await _forget_all(shop)
    keys = [f"probe-{uuid4()}" for _ in range(tries)]
    for key in keys:
        (await shop.post(key)).raise_for_status()
    await _pass(shop, TTL_S)
    kept = await shop.inside("")
    # The draft knows no memory of expired keys: such a key is new.
    tally = await _repeat(shop, keys, MADE if rules == "draft" else CONFLICT)
    _print(subject, "expired key", **tally, tombstones=kept["tombstones"], bytes=kept["bytes"])
    if rules == "draft":
        return
    before = kept["answers"] + kept["tombstones"]
    _print(f"{subject}, before", "memory", cases=tries, entries_left=before, twin=True)
    await _pass(shop, TOMBSTONE_S)
    left = await shop.inside("")
    _print(subject, "memory", cases=tries, entries_left=left["answers"] + left["tombstones"])
    _print(subject, "forgotten key", **await _repeat(shop, keys, CONFLICT))


async def _repeat(shop: Shop, keys: Sequence[str], wanted: int) -> dict[str, object]:
    tally = Tally()
    for key in keys:
        answer = await shop.post(key)
        tally.add(Outcome(await shop.rows(key), answer.status_code), wanted)
    # How many rows are right is what the rules differ in.
    return {name: value for name, value in tally.line().items() if name in {"cases", "wrong_status", "statuses"}}


async def _pass(shop: Shop, seconds: float) -> None:
    await shop.inside(f"/age?seconds={seconds}")
    # Valkey is told to let keys expire within a millisecond.
    await asyncio.sleep(0.05)
    await shop.inside("/purge")


async def _forget_all(shop: Shop) -> None:
    await _pass(shop, ALL_S)


async def _burst(shop: Shop, key: str) -> Outcome:
    answers = await asyncio.gather(*(shop.post(key) for _ in range(AT_ONCE)))
    last = await shop.settled(key)
    made = [answer for answer in answers if answer.status_code == MADE]
    astray = any(answer.status_code not in {MADE, CONFLICT} for answer in answers) or not made
    return Outcome(await shop.rows(key), last.status_code, any(_differ(one, last) for one in made), astray)


async def _elsewhere(shop: Shop, key: str) -> Outcome:
    async with two_workers(shop.url) as (one, other):
        first = await shop.post(key, client=one)
        again = await shop.post(key, client=other)
    astray = first.status_code != MADE or again.headers.get("idempotency-replayed") != "true"
    return Outcome(await shop.rows(key), again.status_code, _differ(first, again), astray)


async def _killed(point: str, shop: Shop, key: str) -> Outcome:
    with contextlib.suppress(httpx.TransportError):
        answer = await shop.post(key, fault=f"crash {point}")
        raise RuntimeError(f"no process was killed: {answer.status_code}")
    last = await shop.settled(key)
    return Outcome(await shop.rows(key), last.status_code)


async def _failed(point: str, shop: Shop, key: str) -> Outcome:
    first = await shop.post(key, fault=f"fail {point}")
    last = await shop.settled(key)
    replayed = last.headers.get("idempotency-replayed") == "true"
    differs = replayed and _differ(first, last)
    return Outcome(await shop.rows(key), last.status_code, differs, astray=first.status_code != FAILED)


async def _other_payload(shop: Shop, key: str) -> Outcome:
    first = await shop.post(key)
    last = await shop.post(key, currency="USD")
    return Outcome(await shop.rows(key), last.status_code, astray=first.status_code != MADE)


def _differ(one: httpx.Response, other: httpx.Response) -> bool:
    return any(getattr(one, name) != getattr(other, name) for name in ("status_code", "content")) or one.headers.get(
        "content-type"
    ) != other.headers.get("content-type")


def _print(subject: str, case: str, **fields: object) -> None:
    sys.stdout.write(json.dumps({"subject": subject, "case": case, **fields}) + "\n")
    sys.stdout.flush()


ALWAYS_MADE = MappingProxyType({"standard": MADE, "draft": MADE})
FAILURE_KEPT = MappingProxyType({"standard": MADE, "draft": FAILED})

CASES = (
    Case(f"{AT_ONCE} at once", _burst, ALWAYS_MADE),
    Case("replay from another process", _elsewhere, ALWAYS_MADE),
    Case("failed before the effect", partial(_failed, "before_effect"), FAILURE_KEPT),
    Case("failed after the effect", partial(_failed, "after_effect"), FAILURE_KEPT),
    # The standard says nothing of it, and so the first answer comes again.
    Case("other payload", _other_payload, MappingProxyType({"standard": MADE, "draft": REUSED})),
    Case("killed before the effect", partial(_killed, "before_effect"), ALWAYS_MADE, kills=True),
    Case("killed after the effect", partial(_killed, "after_effect"), ALWAYS_MADE, kills=True),
    Case("killed after the saving", partial(_killed, "after_save"), ALWAYS_MADE, kills=True),
)


if __name__ == "__main__":
    main(sys.argv[1:])
