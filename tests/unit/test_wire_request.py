"""Encoding of requests, reading of responses."""

from __future__ import annotations

import pytest

from scenarios.support.wire.request import Response, request


def test_a_json_body_carries_its_type_and_length():
    """Lost otherwise: servers would refuse or misread the body."""
    wire = request("POST", "/orders", json={"note": "ü"}).encode(b"localhost:1")
    head, _, body = wire.partition(b"\r\n\r\n")
    assert body == '{"note":"ü"}'.encode()
    assert b"\r\nContent-Length: %d" % len(body) in head
    assert b"\r\nContent-Type: application/json" in head
    assert head.startswith(b"POST /orders HTTP/1.1\r\nHost: localhost:1\r\n")


def test_given_headers_win():
    """Lost otherwise: a scenario could not send its own content type."""
    wire = request("PUT", "/x", body="a", headers={"content-type": "text/csv"}).encode(b"h")
    assert wire.lower().count(b"content-type") == 1
    assert b"text/csv" in wire


def test_a_post_without_a_body_has_length_zero_and_a_get_none():
    """Lost otherwise: strict servers answer 411, or read the next request as a body."""
    assert b"Content-Length: 0\r\n" in request("POST", "/x").encode(b"h")
    assert b"Content-Length" not in request("GET", "/x").encode(b"h")


@pytest.mark.parametrize("path", ["x", "/a b", "/a\r\nX: y"])
def test_broken_paths_are_refused(path):
    """Lost otherwise: a typing error would load the server with malformed requests."""
    with pytest.raises(ValueError, match=r"path|blank"):
        request("GET", path)


def test_a_line_break_in_a_header_is_refused():
    """Lost otherwise: a parameter could smuggle a second request."""
    with pytest.raises(ValueError, match="line break"):
        request("GET", "/", headers={"X": "a\r\nY: b"})


def test_two_bodies_are_refused():
    """Lost otherwise: one of them would vanish silently."""
    with pytest.raises(ValueError, match="one body"):
        request("POST", "/", json={}, body=b"x")


def test_response_headers_are_read_when_asked_for():
    """Lost otherwise: flows could not follow Location or tokens."""
    response = Response(200, b"HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\nLocation: /y\r\n\r\n", b"[1]")
    assert response.headers == {"x-a": "1, 2", "location": "/y"}
    assert response.json() == [1]
