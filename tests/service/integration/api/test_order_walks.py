"""Walks over the pages of stored orders, in each form, over every way of access and both drivers."""

from __future__ import annotations

import asyncio

import pytest

from targets.service.services.signed_cursors import cursors
from tests.support import serving
from tests.support.databases import database, rows

LIVE = "select id from orders where deleted_at is null order by id"
WAYS = [(access, driver) for access in ("orm", "core", "plain", "sqlmodel") for driver in ("asyncpg", "psycopg")]
STARTS = {"cursor": "", "offset": "&page=1", "keyset": "&after_id=0"}
PATH = "/api/v1/orders"


@pytest.fixture(autouse=True)
def _address(seeded, monkeypatch):
    """Let the service find the seeded database."""
    monkeypatch.setenv("DATABASE_URL", seeded)


def with_client(act, **data):
    """Run a coroutine function with a client of the service over the database."""

    async def run():
        async with serving.service(data={"kind": "postgres", **data}) as client:
            return await act(client)

    return asyncio.run(run())


async def walk(client, link, direction):
    """Follow the links from page to page and give the pages' ids."""
    pages = []
    while link is not None:
        answer = await client.get(link)
        assert answer.status_code == 200, answer.text
        pages.append([row["id"] for row in answer.json()["data"]])
        assert len(pages) < 1000
        last, link = link, answer.json()["links"][direction]
    return pages, last


@pytest.mark.parametrize(("access", "driver"), WAYS)
@pytest.mark.parametrize("form", STARTS)
@pytest.mark.parametrize("more", ["", "&expand=lines", "&user_id=7"])
def test_a_walk_meets_every_living_order_once_and_back_again(seeded, access, driver, form, more):
    """Without this a client that follows the links would miss orders, or see some twice."""

    async def act(client):
        forth, last = await walk(client, f"{PATH}?limit=37{more}{STARTS[form]}", "next")
        back, _ = await walk(client, last, "prev")
        return forth, back

    forth, back = with_client(act, access=access, driver=driver)
    only = " and user_id = 7" if "user_id" in more else ""
    assert [i for page in forth for i in page] == [
        i for (i,) in rows(seeded, LIVE.replace(" order by", f"{only} order by"))
    ]
    assert back[::-1] == forth
    assert all(len(page) == 37 for page in forth[:-1])


@pytest.mark.parametrize("limit", [1, 2, 3, 200])
def test_every_size_of_page_meets_every_order(seeded, limit):
    """Without this a size that falls between orders of one time would lose some of them."""
    forth, _ = with_client(lambda client: walk(client, f"{PATH}?limit={limit}", "next"))
    assert [i for page in forth for i in page] == [i for (i,) in rows(seeded, LIVE)]


@pytest.mark.parametrize(("access", "driver"), WAYS)
def test_the_timestamp_twin_skips_orders_that_share_a_time(seeded, access, driver):
    """Without this the broken twin would be no twin: the check that must catch it would have nothing to catch."""

    async def act(client):
        return await walk(client, f"{PATH}?limit=37", "next")

    forth, _ = with_client(act, access=access, driver=driver, cursor_key="timestamp")
    seen = [i for page in forth for i in page]
    assert len(seen) == len(set(seen)) < len(rows(seeded, LIVE))


def test_orders_that_come_and_go_during_a_walk_harm_no_other(postgres, seeded, monkeypatch):
    """Without this a cursor would be an offset in disguise: rows shift under the client."""
    with database(postgres.url, seeded) as url:
        monkeypatch.setenv("DATABASE_URL", url)
        living = [i for (i,) in rows(url, LIVE)]

        async def act(client):
            link, seen = f"{PATH}?limit=50", []
            while link is not None:
                page = (await client.get(link)).json()
                seen += [row["id"] for row in page["data"]]
                link = page["links"]["next"]
                if seen[-1] in living[49:50]:
                    await asyncio.gather(*(client.delete(f"{PATH}/{i}") for i in living[:20]))
            return seen

        assert with_client(act) == living


REFUSALS = [
    ("?cursor=", 400, "bad-cursor"),
    ("?cursor=abc", 400, "bad-cursor"),
    ("?cursor=%00%ff", 400, "bad-cursor"),
    (f"?cursor={'A' * 44}", 400, "bad-cursor"),
    (f"?cursor={'A' * 600}", 422, "validation-failed"),
    ("?page=1&after_id=0", 400, "two-forms"),
    ("?page=1&cursor=abc", 400, "two-forms"),
    ("?after_id=1&before_id=9", 400, "two-forms"),
    ("?limit=0", 422, "validation-failed"),
    ("?limit=-1", 422, "validation-failed"),
    ("?limit=201", 422, "validation-failed"),
    ("?limit=1000000000", 422, "validation-failed"),
    ("?limit=many", 422, "validation-failed"),
    ("?page=0", 422, "validation-failed"),
    ("?page=-1", 422, "validation-failed"),
    (f"?page={2**63}", 422, "validation-failed"),
    (f"?page={2**63 - 1}", 404, "page-not-found"),
    (f"?page={2**63 - 1}&limit=1", 404, "page-not-found"),
    ("?page=9&limit=50", 404, "page-not-found"),
    ("?after_id=-1", 422, "validation-failed"),
    (f"?before_id={2**63}", 422, "validation-failed"),
    ("?user_id=0", 422, "validation-failed"),
    ("?expand=user", 422, "validation-failed"),
    ("/0", 422, "validation-failed"),
    (f"/{2**63}", 422, "validation-failed"),
    (f"/{2**63 - 1}", 404, "order-not-found"),
    ("/abc", 422, "validation-failed"),
]


@pytest.mark.parametrize(("access", "driver"), WAYS)
def test_what_cannot_be_is_a_4xx(access, driver):
    """Without this a client's mistake would be a 500, or would silently show the first page."""

    async def act(client):
        answers = [await client.get(PATH + query) for query, _, _ in REFUSALS]
        assert {answer.headers["content-type"] for answer in answers} == {"application/problem+json"}
        assert all({"type", "title", "status", "detail"} <= answer.json().keys() for answer in answers)
        return [(answer.status_code, answer.json()["code"]) for answer in answers]

    got = with_client(act, access=access, driver=driver)
    assert got == [(status, code) for _, status, code in REFUSALS]


def test_cursors_of_a_twin_of_another_secret_and_tampered_ones_are_a_400():
    """Without this a cursor of another list would be taken for a place of this one."""

    async def act(client):
        page = (await client.get(f"{PATH}?limit=3")).json()
        token = page["links"]["next"].partition("cursor=")[2].replace("%3D", "=")
        mine, theirs = cursors("reference-service", "composite"), cursors("other", "composite")
        twin = cursors("reference-service", "timestamp")
        place = mine.decode(token)
        tampered = ("B" if token[3] != "B" else "C").join((token[:3], token[4:]))
        tokens = (theirs.encode(place), twin.encode(place), tampered, token[:-4], token + "AAAA")
        refused = [(await client.get(PATH, params={"cursor": t})).status_code for t in tokens]
        return refused, (await client.get(PATH, params={"cursor": mine.encode(place)})).status_code

    assert with_client(act) == ([400] * 5, 200)


@pytest.mark.parametrize(
    ("path", "onward", "back"),
    [(f"{PATH}?after_id={2**63 - 1}", "next", "prev"), (f"{PATH}?before_id=1", "prev", "next")],
)
def test_beyond_both_ends_pages_are_empty_and_lead_back_alone(seeded, path, onward, back):
    """Without this a client at the end of a list would be sent round in circles, or be stranded."""

    async def act(client):
        page = (await client.get(path)).json()
        return page, (await client.get(page["links"][back])).json()

    page, around = with_client(act)
    assert (page["data"], page["links"][onward]) == ([], None)
    living = [i for (i,) in rows(seeded, LIVE)]
    ids = [row["id"] for row in around["data"]]
    assert ids == (living[-len(ids) :] if back == "prev" else living[: len(ids)])


def test_a_list_of_nothing_has_no_links():
    """Without this a client would follow links through an empty list."""
    page = with_client(lambda client: client.get(f"{PATH}?user_id={2**40}")).json()
    assert (page["data"], page["links"]) == ([], {"next": None, "prev": None})


@pytest.mark.parametrize("form", ["", "&after_id=0"])
def test_a_client_is_not_stranded_where_all_rows_behind_its_place_are_deleted(postgres, seeded, monkeypatch, form):
    """Without this a client whose next page was emptied meanwhile could not go back."""
    with database(postgres.url, seeded) as url:
        monkeypatch.setenv("DATABASE_URL", url)
        order = "placed_at, id" if form == "" else "id"
        living = [i for (i,) in rows(url, f"select id from orders where deleted_at is null order by {order}")]  # noqa: S608  (two constants)

        async def act(client):
            first = (await client.get(f"{PATH}?limit=50{form}")).json()
            rows(url, f"update orders set deleted_at = now() where id not in ({','.join(map(str, living[:50]))})")  # noqa: S608  (numbers)
            empty = (await client.get(first["links"]["next"])).json()
            back = (await client.get(empty["links"]["prev"])).json()
            return empty, back

        empty, back = with_client(act)
        assert (empty["data"], empty["links"]["next"]) == ([], None)
        assert [row["id"] for row in back["data"]] == living[:50]


@pytest.mark.parametrize(("access", "driver"), WAYS)
def test_the_total_is_null_guessed_or_exact(seeded, access, driver):
    """Without this a total would cost a count that nobody asked for, or be a guess that says it is exact."""

    async def act(client):
        return [(await client.get(PATH + query)).json()["meta"]["total"] for query in ("", "?user_id=7", "?page=2")]

    got = {kind: with_client(act, access=access, driver=driver, total=kind) for kind in ("none", "estimated", "exact")}
    (alive,), (theirs,) = rows(
        seeded,
        "select count(*) from orders where deleted_at is null union all"
        " select count(*) from orders where deleted_at is null and user_id = 7",
    )
    assert got["none"] == [None, None, None]
    assert got["exact"] == [alive, theirs, alive]
    assert got["estimated"][0] == got["estimated"][2] == pytest.approx(alive, rel=0.2)
    assert got["estimated"][1] < alive / 2


@pytest.mark.parametrize("place", [1, 50, 300])
def test_an_instrument_can_begin_deep_in_the_table(seeded, place):
    """Without this a measurement of deep pages would first have to walk there."""

    async def act(client):
        start = (await client.get(f"/internal/cursor?rows={place}")).json()
        by_cursor = await client.get(PATH, params={"cursor": start["cursor"], "limit": 1})
        by_id = await client.get(PATH, params={"after_id": start["after_id"], "limit": 1})
        beyond = await client.get("/internal/cursor?rows=1000")
        return [answer.json()["data"][0]["id"] for answer in (by_cursor, by_id)], beyond.status_code

    expected = rows(seeded, LIVE)[place][0]
    assert with_client(act) == ([expected, expected], 404)
