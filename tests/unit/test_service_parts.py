"""Parts of the reference service that need no server: ids, cursors, the list of practices, its rules."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

import targets.service
from targets.service import practices
from targets.service.correlation import read_correlation
from targets.service.problems import Problem
from targets.service.repositories.items import ItemRepository, key_of
from targets.service.repositories.seed import item_id, seeded_items
from targets.service.services.cursors import Cursor, decode, encode
from targets.service.services.items import list_items

SERVICE = Path(targets.service.__file__).parent
ITEMS = seeded_items(60, 7)


def walk(repository, limit, first=None, direction="next", meanwhile=None):
    """Follow the links from page to page and give the pages' rows."""
    pages, token = [], first
    while True:
        page = asyncio.run(list_items(repository, "/items", limit, token))
        pages.append(list(page.data))
        link = getattr(page.links, direction)
        if link is None:
            return pages, page
        token = parse_qs(urlsplit(link).query)["cursor"][0]
        if meanwhile is not None:
            meanwhile(len(pages))


@given(count=st.integers(0, 60), limit=st.integers(1, 70))
def test_a_walk_meets_each_item_once_and_its_mirror_too(count, limit):
    """Without this a client that follows the links would miss items or see some twice."""
    repository = ItemRepository(ITEMS[:count])
    pages, last = walk(repository, limit)
    assert [item.id for page in pages for item in page] == [item.id for item in ITEMS[:count]]
    assert all(len(page) == limit for page in pages[:-1])
    if last.links.prev is not None:
        token = parse_qs(urlsplit(last.links.prev).query)["cursor"][0]
        back, first = walk(repository, limit, token, "prev")
        assert [item.id for page in reversed(back) for item in page] + [i.id for i in pages[-1]] == [
            item.id for item in ITEMS[:count]
        ]
        assert first.links.prev is None


@given(limit=st.integers(1, 10), data=st.data())
def test_inserts_and_deletes_during_a_walk_harm_no_other_item(limit, data):
    """Without this a cursor would be an offset in disguise: rows shift under the client."""
    stay = set(data.draw(st.sets(st.integers(0, 59), min_size=1)))
    repository = ItemRepository(ITEMS[number] for number in range(60) if number % 2 or number in stay)
    changing = [number for number in range(60) if number not in stay]

    def meanwhile(page):
        for number in changing[page::3]:
            if number % 2:
                asyncio.run(repository.remove(ITEMS[number].id))
            else:
                asyncio.run(repository.add(ITEMS[number]))
            changing.remove(number)

    seen = [item.id for page in walk(repository, limit, meanwhile=meanwhile)[0] for item in page]
    assert len(seen) == len(set(seen))
    assert {ITEMS[number].id for number in stay} <= set(seen)


@given(number=st.integers(0, 59), backward=st.booleans())
def test_a_cursor_comes_back_as_it_went(number, backward):
    """Without this a link would lead to another place than it names."""
    cursor = Cursor(key_of(ITEMS[number]), backward)
    assert decode(encode(cursor)) == cursor


@given(token=st.one_of(st.text(), st.from_regex(r"\A[A-Za-z0-9_-]{1,200}\Z")))
def test_foreign_cursors_are_a_400(token):
    """Without this a mistyped cursor would be a 500, or a silent first page."""
    with pytest.raises(Problem) as caught:
        decode(token)
    assert (caught.value.status_code, caught.value.code) == (400, "bad-cursor")


def test_seeded_items_are_the_same_everywhere():
    """Without this arms would answer different bytes and their sizes would explain the difference."""
    assert seeded_items(5, 7) == seeded_items(50, 7)[:5]
    assert seeded_items(5, 8) != seeded_items(5, 7)
    assert ITEMS[0].id == item_id(1) == UUID("00000000-0000-4000-8000-000000000001")


@pytest.mark.parametrize("value", ["", "a" * 129, "a b", "a\nb", "ü", None])
def test_an_unfit_request_id_is_replaced(value):
    """Without this a client could break headers and log lines through its id."""
    assert UUID(read_correlation(value, None).request_id).version == 4


@pytest.mark.parametrize(
    ("value", "valid"),
    [
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", True),
        ("00-00000000000000000000000000000000-00f067aa0ba902b7-01", False),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", False),
        ("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", False),
        ("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", False),
    ],
)
def test_traceparent_is_read_as_w3c_says(value, valid):
    """Without this a trace would break at this service, or a broken one would spread."""
    current = read_correlation("mine", value)
    assert current.request_id == "mine"
    assert current.trace_id == ("4bf92f3577b34da6a3ce929d0e0e4736" if valid else "mine")
    assert current.traceparent == (value if valid else None)


def test_every_practice_file_is_in_the_list():
    """Without this a new practice would have no effect and nobody would notice."""
    files = {path.stem for path in (SERVICE / "practices").glob("*.py")} - {"__init__"}
    assert files == {practice.NAME for practice in practices.PRACTICES}


def test_settings_are_read_where_the_service_is_put_together_only():
    """Without this a switch would turn into ifs all over the service."""
    allowed = {"settings.py", "main.py"}
    files = [p for p in SERVICE.rglob("*.py") if p.name not in allowed and p.parent.name != "practices"]
    reading = [p.name for p in files if re.search(r"(?<![\w.])settings\.\w+(?! import)\b", p.read_text())]
    assert [name for name in reading if name not in allowed] == []
    assert len(files) > 20


def test_the_core_names_no_practice():
    """Without this switching a practice off would leave traces of it in the measured path."""
    names = "|".join(practice.NAME for practice in practices.PRACTICES)
    cores = [SERVICE / name for name in ("main.py", "settings.py", "lifespan.py")]
    routers = list((SERVICE / "routers").glob("*.py")) + list((SERVICE / "services").glob("*.py"))
    pattern = re.compile(rf"practices\.({names})|if .*\b({names})\b")
    assert [path.name for path in (*cores, *routers) if pattern.search(path.read_text())] == []
