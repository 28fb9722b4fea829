"""The response parser."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.support.wire.parser import Head, Parser, ProtocolError, parse_head
from tests.support.wire import CHUNKED, EARLY, OK, UNTIL_EOF

BODIES = st.binary(max_size=300)
CUTS = st.lists(st.integers(min_value=0, max_value=2000), max_size=12)


def feed(data: bytes, cuts: list[int], **options) -> Parser:
    """Feed the data in pieces."""
    parser = Parser({}, **options)
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    for start, end in itertools.pairwise(edges):
        if end > start:
            parser.feed(data[start:end])
    return parser


def chunked(body: bytes, sizes: list[int], extension: bytes, trailer: bytes) -> bytes:
    """Encode a chunked answer."""
    pieces, at = [], 0
    for size in [*sizes, len(body)]:
        piece = body[at : at + size]
        at += len(piece)
        if piece:
            pieces.append(b"%x%b\r\n%b\r\n" % (len(piece), extension, piece))
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(pieces) + b"0\r\n" + trailer + b"\r\n"


@given(BODIES, CUTS)
def test_any_split_of_a_sized_body_reads_the_same(body, cuts):
    """Lost otherwise: answers that arrive in several segments would be counted as failures."""
    data = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    parser = feed(data, cuts)
    assert parser.done
    assert (parser.head, parser.body, parser.size) == (Head(200, len(body), keep_alive=True), body, len(body))


@given(BODIES, st.lists(st.integers(1, 60), max_size=8), CUTS, st.sampled_from([b"", b";a=b", b" ; x"]))
def test_any_split_of_a_chunked_body_reads_the_same(body, sizes, cuts, extension):
    """Lost otherwise: streamed answers would be cut or would hang until the time-out."""
    parser = feed(chunked(body, sizes, extension, b"Digest: x\r\nOther: y\r\n"), cuts)
    assert parser.done
    assert parser.body == body


@given(st.integers(0, 4), BODIES, CUTS)
def test_informational_answers_before_the_final_one_are_skipped(count, body, cuts):
    """Lost otherwise: early hints or 100 Continue would be taken for the answer."""
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n" * count
    data = early + b"HTTP/1.1 201 Created\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    parser = feed(data, cuts)
    assert parser.done
    assert parser.head is not None
    assert parser.head.status == 201
    assert parser.body == body


@given(BODIES, CUTS)
def test_a_body_without_a_length_ends_with_the_connection(body, cuts):
    """Lost otherwise: answers of HTTP/1.0 servers would be failures of class EOF."""
    parser = feed(b"HTTP/1.0 200 OK\r\n\r\n" + body, cuts)
    assert not parser.done
    assert parser.eof()
    assert parser.body == body


@given(st.integers(0, len(OK) - 1))
def test_a_close_in_the_middle_is_not_an_answer(at):
    """Lost otherwise: connections dropped in the middle of a body would count as successes."""
    for whole in (OK, CHUNKED[: len(OK)]):
        assert not feed(whole[:at], []).eof()


@given(st.binary(max_size=400), CUTS)
def test_garbage_is_a_protocol_error_or_waits_for_more(data, cuts):
    """Lost otherwise: a peer that speaks no HTTP would crash the whole load instead of one request."""
    try:
        parser = feed(data, cuts)
    except ProtocolError:
        return
    assert not parser.done or data.startswith(b"HTTP/1.")


@pytest.mark.parametrize("status", [204, 304])
def test_statuses_without_a_body_end_at_the_head(status):
    """Lost otherwise: every 204 would wait for a body until the time-out."""
    assert feed(b"HTTP/1.1 %d x\r\n\r\n" % status, []).done


def test_an_answer_to_head_has_no_body_whatever_its_length_says():
    """Lost otherwise: HEAD requests would hang."""
    parser = feed(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", [], bodyless=True)
    assert parser.done
    assert parser.size == 0


@pytest.mark.parametrize(
    ("head", "keep"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nconnection: Keep-Alive, CLOSE\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\n\r\n", False),
    ],
)
def test_whether_a_connection_lives_on(head, keep):
    """Lost otherwise: requests would be sent into connections that the server closes."""
    assert parse_head(head).keep_alive is keep


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
        OK + b"more",
    ],
)
def test_malformed_answers_are_named(data):
    """Lost otherwise: a broken server would look like a working one."""
    with pytest.raises(ProtocolError):
        feed(data, [])


def test_known_heads_are_kept_and_the_table_stays_small():
    """Lost otherwise: a server with an id in every answer would eat the generator's memory."""
    heads: dict[bytes, Head] = {}
    for number in range(3000):
        Parser(heads).feed(b"HTTP/1.1 200 OK\r\nX-Id: %d\r\nContent-Length: 0\r\n\r\n" % number)
    assert 0 < len(heads) <= 1024


def test_bodies_that_nobody_reads_are_counted_and_dropped():
    """Lost otherwise: large answers would fill the generator's memory."""
    parser = feed(CHUNKED, [7, 60], keep_body=False)
    assert (parser.size, parser.body) == (5, b"")
    assert feed(EARLY, []).body == feed(UNTIL_EOF, []).body == b"hello"
