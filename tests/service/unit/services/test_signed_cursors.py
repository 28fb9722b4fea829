"""Signed cursors: they come back as they went, and nothing else is taken for one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets.service.problems import Problem
from targets.service.repositories.window import Moment
from targets.service.services.signed_cursors import Cursor, cursors

OURS = cursors("secret", "composite")
CURSORS = st.builds(
    Cursor,
    st.builds(
        Moment,
        st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001  (bounds)
        st.integers(1, 2**63 - 1),
    ),
    st.booleans(),
)


def refused(token, reader=OURS):
    """Tell whether a token is a 400."""
    with pytest.raises(Problem) as caught:
        reader.decode(token)
    return (caught.value.status_code, caught.value.code) == (400, "bad-cursor")


@given(cursor=CURSORS)
def test_a_signed_cursor_comes_back_as_it_went(cursor):
    """Without this a link would lead to another place than it names."""
    assert OURS.decode(OURS.encode(cursor)) == cursor


@given(cursor=CURSORS, data=st.data())
def test_a_token_with_one_other_character_is_a_400(cursor, data):
    """Without this clients could make up places, and a slip of the pen would show other rows."""
    token = OURS.encode(cursor)
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"))
    changed = token[:at] + other + token[at + 1 :]
    assert changed == token or refused(changed)


@given(cursor=CURSORS)
def test_cursors_of_another_secret_or_order_are_a_400(cursor):
    """Without this a cursor of another service or list would be read as a place of this one."""
    assert refused(cursors("other", "composite").encode(cursor))
    assert refused(cursors("secret", "timestamp").encode(cursor))


@given(token=st.one_of(st.text(), st.from_regex(r"\A[A-Za-z0-9_=-]{0,200}\Z")))
def test_foreign_tokens_are_a_400(token):
    """Without this a mistyped cursor would be a 500, or a silent first page."""
    assert refused(token)
