"""Who answers on a port."""

from __future__ import annotations

import os
import socket

from harness import listeners


def test_a_second_listener_on_the_port_is_a_stranger():
    """A stale server would answer half of the requests and make the new one look cheap."""
    with socket.socket() as mine:
        mine.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        mine.bind(("127.0.0.1", 0))
        mine.listen()
        port = mine.getsockname()[1]
        assert listeners.verdict(port, (os.getpid(),)) is None
        assert "another process" in (listeners.verdict(port, ()) or "")


def test_a_free_port_has_no_listener():
    """A server that never bound its port would be measured as fast as refusals are."""
    assert "nobody" in (listeners.verdict(listeners.free_port(), (os.getpid(),)) or "")


def test_a_promised_port_is_not_given_twice(monkeypatch):
    """A user's block would end with a stranger on the port, and the stranger would be its own neighbour."""
    given = iter([4001, 4001, 4002])
    monkeypatch.setattr(listeners.socket.socket, "getsockname", lambda _: ("127.0.0.1", next(given)))
    assert listeners.free_port([4001]) == 4002
