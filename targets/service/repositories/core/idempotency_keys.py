"""Idempotency keys through the table, in the transaction of whoever runs the statements."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, literal_column, select, update
from sqlalchemy.dialects.postgresql import insert

from targets.service import models
from targets.service.idempotency.answer import Answer, Kept
from targets.service.idempotency.asked import Asked
from targets.service.idempotency.keeper import Life
from targets.service.repositories.core.tables import table_of

_KEYS = table_of(models.IdempotencyKey)
_SCOPE = ("client", "method", "route", "key")
_RENEWED = ("payload", "status", "content_type", "body", "created_at", "expires_at", "forgotten_at")


class IdempotencyKeys:
    """Keys of one transaction; all moments are the database's."""

    def __init__(self, run: Callable[[Any], Awaitable[Any]]) -> None:
        """Keep what runs statements; the caller commits."""
        self._run = run

    async def lock(self, asked: Asked) -> bool:
        """Lock the key until the transaction ends; False if another one has it, which is not waited for."""
        number = int.from_bytes(asked.digest[:8], "big", signed=True)
        return bool((await self._run(select(func.pg_try_advisory_xact_lock(number)))).scalar_one())

    async def claim(self, asked: Asked, life: Life) -> bool:
        """Insert the key, or take over one that is forgotten; False if it is known."""
        expires_at = func.now() + timedelta(seconds=life.ttl_s)
        new = insert(_KEYS).values(
            **_scope(asked),
            payload=asked.payload,
            status=None,
            content_type=None,
            body=None,
            created_at=func.now(),
            expires_at=expires_at,
            forgotten_at=expires_at + timedelta(seconds=life.tombstone_s),
        )
        claimed = new.on_conflict_do_update(
            index_elements=_SCOPE,
            set_={name: new.excluded[name] for name in _RENEWED},
            where=_KEYS.c.forgotten_at <= func.now(),
        )
        return (await self._run(claimed.returning(_KEYS.c.key))).one_or_none() is not None

    async def save(self, asked: Asked, answer: Answer) -> None:
        """Put the answer to the key."""
        values = {"status": answer.status, "content_type": answer.content_type, "body": answer.body}
        await self._run(update(_KEYS).where(_is(asked)).values(values))

    async def read(self, asked: Asked) -> Kept:
        """Give what is kept under a key that is known."""
        columns = _KEYS.c
        wanted = select(
            columns.payload, columns.status, columns.content_type, columns.body, columns.expires_at <= func.now()
        )
        payload, status, content_type, body, expired = (await self._run(wanted.where(_is(asked)))).one()
        return Kept(payload, status, content_type, body or b"", expired)

    async def count(self) -> Mapping[str, int]:
        """Count answers, tombstones and bytes of the rows, without indexes."""
        expired = _KEYS.c.expires_at <= func.now()
        row: ColumnElement[Any] = literal_column("idempotency_keys.*")
        size = func.coalesce(func.sum(func.pg_column_size(row)), 0)
        wanted = select(func.count().filter(~expired), func.count().filter(expired), size).select_from(_KEYS)
        answers, tombstones, bytes_ = (await self._run(wanted)).one()
        return {"answers": int(answers), "tombstones": int(tombstones), "bytes": int(bytes_)}

    async def age(self, seconds: float) -> None:
        """Set every moment back."""
        back = timedelta(seconds=seconds)
        moments = {name: _KEYS.c[name] - back for name in ("expires_at", "forgotten_at")}
        await self._run(update(_KEYS).values(moments))

    async def purge(self) -> int:
        """Delete what is forgotten; of what has expired the body goes, and the key stays."""
        gone = (await self._run(delete(_KEYS).where(_KEYS.c.forgotten_at <= func.now()))).rowcount
        expired = (_KEYS.c.expires_at <= func.now(), _KEYS.c.body.is_not(None))
        await self._run(update(_KEYS).where(*expired).values(body=None))
        return int(gone)


def _scope(asked: Asked) -> dict[str, str]:
    return {"client": asked.client, "method": asked.method, "route": asked.route, "key": asked.key}


def _is(asked: Asked) -> Any:
    return and_(*(_KEYS.c[name] == value for name, value in _scope(asked).items()))
