"""Keys as rows: key, answer and effect are committed in one transaction, so that none is there without the others."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from functools import partial

from targets.service.database.backend import Open
from targets.service.database.engine import UNREACHABLE
from targets.service.database.errors import translated
from targets.service.idempotency.answer import Answer
from targets.service.idempotency.asked import Asked
from targets.service.idempotency.faults import FAULTS, Fault
from targets.service.idempotency.keeper import Life, Process
from targets.service.idempotency.rules import RULES, Rules, in_progress
from targets.service.practices.idempotency import Row
from targets.service.repositories.core.idempotency_keys import IdempotencyKeys
from targets.service.repositories.stored import Work


async def opened(chosen: Row, work: Open) -> RowKeeper:
    """Give the keeper of keys in the database; ValueError for a way of access without one transaction per request."""
    # Nothing is connected for this look.
    async with work() as looked_at:
        if looked_at.run is None:
            raise ValueError("SERVICE_IDEMPOTENCY__KIND=row needs SERVICE_DATA__ACCESS=orm, core or sqlmodel")
    rules = RULES[chosen.rules]
    life = Life(chosen.ttl_s, chosen.tombstone_s if rules.remembers_expired else 0.0)
    return RowKeeper(work, rules, life, FAULTS[chosen.faults])


class UndoneError(Exception):
    """The operation failed: what it did must not be kept, and its answer goes out all the same."""

    def __init__(self, answer: Answer) -> None:
        """Keep the answer."""
        super().__init__(answer.status)
        self.answer = answer


class RowKeeper:
    """Keys of the database that the orders are in."""

    def __init__(self, work: Open, rules: Rules, life: Life, fault: Fault) -> None:
        """Keep what opens transactions, and the rules."""
        self._work, self._rules, self._life, self._fault = work, rules, life, fault

    async def __call__(self, asked: Asked, process: Process, /) -> Answer:
        """Claim the key, process, and keep the answer, all in one transaction that the operation's own work joins."""
        try:
            async with self._work() as work:
                keys = _keys_of(work)
                if not await keys.lock(asked):
                    raise in_progress()
                if not await keys.claim(asked, self._life):
                    return self._rules.again(await keys.read(asked), asked.payload)
                answer = _succeeded(await process({"work": partial(_joined, work)}))
                await keys.save(asked, answer)
        except UndoneError as undone:
            answer = undone.answer
            await self._keep_failure(asked, answer)
        await self._fault(asked.fault, "after_save")
        return answer

    async def report(self) -> Mapping[str, int]:
        """Count the rows."""
        async with self._work() as work:
            return await _keys_of(work).count()

    async def age(self, seconds: float, /) -> None:
        """Set all moments back."""
        async with self._work() as work:
            await _keys_of(work).age(seconds)

    async def purge(self) -> int:
        """Delete forgotten rows, and the bodies of expired ones."""
        async with self._work() as work:
            return await _keys_of(work).purge()

    async def _keep_failure(self, asked: Asked, answer: Answer) -> None:
        """Keep a failure in a transaction of its own; if somebody has succeeded since, that answer stays."""
        if self._rules.keeps(answer):
            async with self._work() as work:
                keys = _keys_of(work)
                if await keys.claim(asked, self._life):
                    await keys.save(asked, answer)


def _keys_of(work: Work) -> IdempotencyKeys:
    if work.run is None:
        raise TypeError("this way of access has no transaction around a whole request")
    return IdempotencyKeys(work.run)


def _succeeded(answer: Answer) -> Answer:
    if answer.failed:
        raise UndoneError(answer)
    return answer


@contextlib.asynccontextmanager
async def _joined(work: Work) -> AsyncIterator[Work]:
    """Give the work that is open already: who opened it ends it.  Errors are translated where they are answered."""
    with translated(UNREACHABLE):
        yield work
