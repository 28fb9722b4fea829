"""Orders to the service behind a target: given, acknowledged, taken back, refused."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest

from harness import orders
from harness.errors import CannotMeasure
from harness.runtimes.local import Server
from tests.support import serving


@pytest.fixture(scope="module")
def upstream():
    """Give the real service behind the service, as a course starts it."""
    port = serving.free_port()
    argv = [sys.executable, "-m", "uvicorn", "targets.upstream.app:app", "--port", str(port), "--log-level", "error"]
    with serving.process(argv, port, {"UPSTREAM_WORK_MS": "5"}, "/health") as url:
        yield Server(name="upstream", process=None, port=port, url=url, log=Path("none"))


def _behaviour(upstream):
    return json.loads(urlopen(f"{upstream.url}/ledger").read())["behaviour"]  # noqa: S310  (our own address)


def test_an_order_holds_until_it_is_taken_back(upstream):
    """A dependency that stays slow after its fault would be read as a service that does not recover."""
    before = _behaviour(upstream)
    at_ns, undo = orders.lasting(upstream, {"work_ms": 70.0, "capacity": 2})
    changed = _behaviour(upstream)
    assert (changed["work_ms"], changed["capacity"]) == (70.0, 2)
    assert undo() > at_ns
    assert _behaviour(upstream) == before


def test_an_order_that_cannot_be_is_an_error_and_changes_nothing(upstream):
    """A user would be told that a service survived a fault that its dependency had refused."""
    before = _behaviour(upstream)
    with pytest.raises(CannotMeasure, match="400"):
        orders.lasting(upstream, {"work_ms": -1.0})
    with pytest.raises(CannotMeasure, match="No service"):
        orders.lasting(None, {"work_ms": 1.0})
    assert _behaviour(upstream) == before


def test_a_service_that_is_gone_is_named():
    """A user would see a traceback of a socket in the middle of a session."""
    nobody = Server(name="upstream", process=None, port=1, url="http://127.0.0.1:1", log=Path("none"))
    with pytest.raises(CannotMeasure, match="does not answer"):
        orders.lasting(nobody, {"work_ms": 1.0})
