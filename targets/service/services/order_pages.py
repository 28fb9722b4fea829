"""Pages of stored orders in three forms: by number, by cursor, by id."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from targets.service.problems import Problem
from targets.service.repositories.keys import ID_MAX
from targets.service.repositories.records import StoredOrder
from targets.service.repositories.stored import StoredOrders
from targets.service.repositories.window import Moment, Number, Window
from targets.service.services.signed_cursors import Cursor, Cursors

OFFSET_MAX = 2**63 - 1
"""PostgreSQL counts offsets in 8 bytes; a page behind it is beyond every table's end."""

Total = Callable[[StoredOrders, int | None], Awaitable[int | None]]
"""How the number of all orders is found, or that it is not."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client asked for; at most one of page, cursor, after_id and before_id."""

    limit: int
    page: int | None = None
    cursor: str | None = None
    after_id: int | None = None
    before_id: int | None = None
    user_id: int | None = None
    expand: str | None = None


@dataclass(frozen=True, slots=True)
class Meta:
    """Where a page stands; None is what its form does not know."""

    total: int | None
    page: int | None
    cursor: str | None
    limit: int


@dataclass(frozen=True, slots=True)
class Links:
    """The neighbours of a page."""

    next: str | None
    prev: str | None


@dataclass(frozen=True, slots=True)
class OrderPage:
    """A page of orders."""

    data: Sequence[StoredOrder]
    meta: Meta
    links: Links


async def _unknown(_: StoredOrders, __: int | None) -> int | None:
    return None


async def _estimated(orders: StoredOrders, user_id: int | None) -> int | None:
    return await orders.estimate(user_id)


async def _exact(orders: StoredOrders, user_id: int | None) -> int | None:
    return await orders.count(user_id)


TOTALS: Mapping[str, Total] = {"none": _unknown, "estimated": _estimated, "exact": _exact}


@dataclass(frozen=True, slots=True)
class Pager:
    """Gives pages of orders."""

    cursors: Cursors
    total: Total

    async def __call__(self, orders: StoredOrders, path: str, asked: Asked) -> OrderPage:
        """Give a page: 400 for two forms at once or a bad cursor, 404 for a page beyond the end."""
        window = _window(asked, self.cursors)
        found = await orders.page(window, lines=asked.expand is not None)
        more = len(found) > asked.limit
        shown = (found[1:] if window.backward else found[: asked.limit]) if more else found
        if asked.page is not None and asked.page > 1 and not shown:
            raise _no_page(asked.page)
        links = _links(path, asked, shown, self.cursors, window, more=more)
        total = await self.total(orders, asked.user_id)
        return OrderPage(shown, Meta(total, asked.page, asked.cursor, asked.limit), links)


def _window(asked: Asked, cursors: Cursors) -> Window:
    given = [name for name in ("page", "cursor", "after_id", "before_id") if getattr(asked, name) is not None]
    if len(given) > 1:
        raise Problem(400, "two-forms", f"Use one of {' and '.join(given)}: a page has one form.")
    # One row more than is shown tells whether there is a neighbour.
    window = Window(asked.limit + 1, user_id=asked.user_id)
    if asked.page is not None:
        offset = (asked.page - 1) * asked.limit
        if offset > OFFSET_MAX:
            raise _no_page(asked.page)
        return replace(window, offset=offset)
    if asked.cursor is not None:
        cursor = cursors.decode(asked.cursor)
        return replace(window, start=cursor.place, backward=cursor.backward)
    if asked.after_id is not None:
        return replace(window, start=Number(asked.after_id))
    if asked.before_id is not None:
        return replace(window, start=Number(asked.before_id), backward=True)
    return window


def _neighbours(window: Window, *, more: bool) -> tuple[bool, bool]:
    """Tell whether there is a page after this one, and before it."""
    if window.backward:
        return True, more
    began = window.offset > 0 or (window.start is not None and window.start != Number(0))
    return more, began


def _links(
    path: str, asked: Asked, shown: Sequence[StoredOrder], cursors: Cursors, window: Window, *, more: bool
) -> Links:
    if not shown and window.start is None:
        return Links(None, None)
    has_next, has_prev = _neighbours(window, more=more) if shown else (window.backward, not window.backward)
    following, preceding = _places(asked, shown, cursors) if shown else _around(window, cursors)
    kept = {"limit": asked.limit, "user_id": asked.user_id, "expand": asked.expand}
    known = {name: value for name, value in kept.items() if value is not None}
    return Links(
        next=f"{path}?{urlencode(known | following)}" if has_next else None,
        prev=f"{path}?{urlencode(known | preceding)}" if has_prev else None,
    )


def _places(
    asked: Asked, shown: Sequence[StoredOrder], cursors: Cursors
) -> tuple[dict[str, int | str], dict[str, int | str]]:
    """Give the parameters of the next page and of the one before, in the form that was asked for."""
    if asked.page is not None:
        return {"page": asked.page + 1}, {"page": asked.page - 1}
    if asked.after_id is not None or asked.before_id is not None:
        return {"after_id": shown[-1].id}, {"before_id": shown[0].id}
    after = Cursor(Moment(shown[-1].placed_at, shown[-1].id), backward=False)
    before = Cursor(Moment(shown[0].placed_at, shown[0].id), backward=True)
    return {"cursor": cursors.encode(after)}, {"cursor": cursors.encode(before)}


def _around(window: Window, cursors: Cursors) -> tuple[dict[str, int | str], dict[str, int | str]]:
    """Give the ways on from a place behind which every row was deleted meanwhile; the row of the place itself included.

    Without them a client that follows links would be stranded there.
    """
    start = window.start
    if isinstance(start, Number):
        return {"after_id": max(0, start.id - 1)}, {"before_id": min(ID_MAX, start.id + 1)}
    if start is None:
        return {}, {}
    after = Cursor(Moment(start.placed_at, max(0, start.id - 1)), backward=False)
    before = Cursor(Moment(start.placed_at, min(ID_MAX, start.id + 1)), backward=True)
    return {"cursor": cursors.encode(after)}, {"cursor": cursors.encode(before)}


def _no_page(page: int) -> Problem:
    return Problem(404, "page-not-found", f"There is no page {page}: the list ends before it.")


async def deep_places(orders: StoredOrders, cursors: Cursors, rows: int) -> tuple[str, int]:
    """Give the cursor and the id that leave ``rows`` orders behind; a 404 Problem if there are fewer."""
    by_time = await orders.page(Window(1, offset=rows - 1), lines=False)
    by_id = await orders.page(Window(1, start=Number(0), offset=rows - 1), lines=False)
    if not by_time or not by_id:
        raise Problem(404, "page-not-found", f"There are no {rows} orders.")
    last = by_time[0]
    return cursors.encode(Cursor(Moment(last.placed_at, last.id), backward=False)), by_id[0].id
