"""Idempotency keys as they are read, and the rules that answer them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets.service.idempotency.answer import Answer, Kept
from targets.service.idempotency.asked import Asked, read_client, read_key
from targets.service.idempotency.rules import RULES
from targets.service.practices.idempotency import Row, Valkey
from targets.service.problems import Problem

UUID = "8e03978e-40d5-43dd-bc93-6894a57f9324"
PRINTABLE = "".join(chr(code) for code in range(0x20, 0x7F))


def quoted(text):
    """Write a text as RFC 9651 does."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@given(st.text(PRINTABLE, min_size=1, max_size=255))
def test_every_quoted_text_is_read_as_what_it_says(text):
    """Without this two keys of a client could fall together, or one be refused."""
    assert read_key([quoted(text)]) == text


def test_a_key_is_the_same_with_and_without_quotes():
    """Without this a client whose library adds quotes on a retry would order twice."""
    assert read_key([f'"{UUID}"']) == read_key([UUID]) == read_key([f"  {UUID}\t"]) == UUID
    assert read_key([]) is None


@pytest.mark.parametrize(
    "fields",
    [[""], ['""'], ['"a'], ['a"b'], ['"a"b"'], ["a b"], ["a,b"], ['"ü"'], ["ü"], ["x" * 256], ["a", "a"], ['"\\a"']],
)
def test_a_key_that_cannot_be_read_is_400(fields):
    """Without this a malformed key would be taken for none, and the order be placed without its protection."""
    with pytest.raises(Problem) as caught:
        read_key(fields)
    assert (caught.value.status_code, caught.value.code) == (400, "idempotency-key-malformed")


@pytest.mark.parametrize("value", ["", "a b", "x" * 256, "ü"])
def test_a_client_that_cannot_be_is_400(value):
    """Without this a client's name could break the key that it is part of."""
    with pytest.raises(Problem):
        read_client(value)


def test_a_key_means_nothing_outside_of_its_scope():
    """Without this one client would be given the answer of another."""
    base = ("ada", "POST", "/api/v1/orders", "key")
    others = [tuple("other" if at == place else part for at, part in enumerate(base)) for place in range(4)]
    digests = {Asked(*one, b"").digest for one in (base, *others)}
    assert len(digests) == 5
    assert Asked(*base, b"1").digest == Asked(*base, b"2").digest


def test_the_two_sets_of_rules_differ_in_three_answers():
    """Without this one set could quietly answer as the other does, and a comparison would show nothing."""
    kept, gone = (
        Kept(b"mine", 201, "application/json", b"{}"),
        Kept(b"mine", 201, "application/json", b"", expired=True),
    )
    failed = Answer(500, (), b"")
    assert [RULES[name].keeps(failed) for name in ("standard", "draft")] == [False, True]
    assert RULES["standard"].again(kept, b"other").body == b"{}"
    with pytest.raises(Problem) as other:
        RULES["draft"].again(kept, b"other")
    with pytest.raises(Problem) as expired:
        RULES["standard"].again(gone, b"mine")
    assert (other.value.status_code, expired.value.status_code) == (422, 409)


@pytest.mark.parametrize("kind", [Row, Valkey])
@pytest.mark.parametrize(
    "settings", [{"ttl_s": 0}, {"ttl_s": "nan"}, {"tombstone_s": -1}, {"rules": "ours"}, {"faults": "some"}]
)
def test_settings_that_cannot_be_are_refused(kind, settings):
    """Without this an arm would keep its keys otherwise than its name says."""
    with pytest.raises(ValueError, match=next(iter(settings))):
        kind(**settings)
