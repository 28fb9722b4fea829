"""Client against server, request by request: what adds up, and what is a finding."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness import reconciliation
from harness.reconciliation import ABORTED, ANSWERED, ARRIVED, RECORD, Record, Sent, reconcile


def _arrived(number: int, status: int = 0, event: int = ARRIVED) -> Record:
    return Record(number, 1, event, status, 7, 0)


def test_every_way_in_which_a_request_ends_has_its_class():
    """A drop could hide behind a sum that happens to be right."""
    sent = [
        Sent(1, 1, 200, None), Sent(2, 1, 0, "refused"), Sent(3, 1, 0, "rst"), Sent(4, 1, 0, "eof"),
        Sent(5, 1, 0, "timeout"), Sent(6, 1, 0, "eof"), Sent(7, 1, 503, None), Sent(8, 1, 0, "unsent"),
    ]  # fmt: skip
    records = [
        _arrived(1), _arrived(1, 200, ANSWERED),
        _arrived(4),
        _arrived(5), _arrived(5, 0, ABORTED),
        _arrived(6), _arrived(6, 200, ANSWERED),
    ]  # fmt: skip
    account = reconcile(sent, records)
    assert account.explained == {
        "answered": 1, "never left": 2, "never arrived": 1, "lost in work": 1, "cancelled in work": 1,
        "answer lost": 1, "the server's own answer": 1,
    }  # fmt: skip
    assert account.adds_up


def test_what_does_not_add_up_is_named():
    """A stale server, a client that retries in secret, and a double delivery would all look like success."""
    sent = [
        Sent(1, 1, 200, None),
        Sent(2, 1, 200, None),
        Sent(3, 1, 200, None),
        Sent(4, 1, 0, "refused"),
        Sent(5, 1, 200, None),
    ]
    records = [
        _arrived(2), _arrived(2), _arrived(2, 200, ANSWERED),
        _arrived(3), _arrived(3, 500, ANSWERED),
        _arrived(4),
        _arrived(5),
        _arrived(99),
    ]  # fmt: skip
    account = reconcile(sent, records)
    assert account.unexplained == {
        "answered by nobody we know": 1, "arrived more than once": 1, "answered with another status": 1,
        "arrived and was never sent": 1, "answered, and the server says not": 1, "arrived and never sent": 1,
    }  # fmt: skip
    assert "UNEXPLAINED" in reconciliation.words(account)


@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from([0, 200, 503]), st.sampled_from([None, "rst", "refused"])),
                unique_by=lambda one: one[0]),
       st.lists(st.tuples(st.integers(0, 9), st.sampled_from([ARRIVED, ANSWERED, ABORTED]))))  # fmt: skip
def test_every_request_is_in_exactly_one_class(asked, noted):
    """A request in two classes, or in none, would make the table's sums meaningless."""
    sent = [Sent(number, 1, 0 if error else status or 200, error) for number, status, error in asked]
    account = reconcile(sent, [_arrived(number, 200, event) for number, event in noted])
    strangers = account.unexplained.get("arrived and never sent", 0)
    assert sum(account.explained.values()) + sum(account.unexplained.values()) - strangers == len(sent)


def test_a_ledger_cut_off_in_a_record_keeps_what_is_whole(tmp_path):
    """One SIGKILL would make all earlier records unreadable."""
    whole = RECORD.pack(5, 1, ARRIVED, 0, 9, 123) + RECORD.pack(5, 1, ANSWERED, 200, 9, 456)
    (tmp_path / "9.bin").write_bytes(whole + b"\x05\x00")
    assert reconciliation.read(tmp_path) == [Record(5, 1, ARRIVED, 0, 9, 123), Record(5, 1, ANSWERED, 200, 9, 456)]
