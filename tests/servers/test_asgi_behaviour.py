"""The probe that compares servers as ASGI servers, on real ones."""

from __future__ import annotations

import pytest

from targets.probes import asgi_behaviour as probe


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """What a client and the app saw behind the reference (twice) and behind its twin."""
    names = {"first": probe.REFERENCE, "again": probe.REFERENCE, "twin": probe.TWIN}
    return {key: probe.outcomes(name, tmp_path_factory.mktemp(key)) for key, name in names.items()}


def test_a_server_behaves_like_itself(seen):
    """A user would read differences between servers that are accidents of the probe."""
    assert seen["first"] == seen["again"]


def test_a_server_that_differs_is_caught(seen):
    """A user could not tell "alike" from "nobody looked"."""
    assert seen["first"]["plain request"] != seen["twin"]["plain request"]


def test_the_behaviours_are_really_exercised(seen):
    """A user would take a probe for thorough that compared one error message with another."""
    first = seen["first"]
    assert not [case for case, outcome in first.items() if outcome.startswith(("ConnectionRefused", "RuntimeError"))]
    assert "as it is made" in first["streaming"]
    assert "5120000" in first["large body"]
    assert "4002" in first["WebSocket closed by the app"]
    assert "lifespan.shutdown" in first["lifespan"]
    assert "http.disconnect" in first["client goes away"]
