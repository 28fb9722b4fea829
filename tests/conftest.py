"""Settings of all tests."""

from __future__ import annotations

from hypothesis import settings


def pytest_configure() -> None:
    """Let no property fail for its time: a noisy neighbour takes a core for a second now and then."""
    settings.register_profile("noisy", deadline=None)
    settings.load_profile("noisy")
