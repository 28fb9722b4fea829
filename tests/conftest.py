"""Settings and real servers of all tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from harness import processes
from harness.backends import postgres as postgres_server
from harness.backends import valkey as valkey_server
from harness.backends.postgres import Postgres
from harness.backends.valkey import Valkey


def pytest_configure() -> None:
    """Let no property fail for its time: a noisy neighbour takes a core for a second now and then."""
    settings.register_profile("noisy", deadline=None)
    settings.load_profile("noisy")


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """Start the real PostgreSQL, empty, for the whole session of tests."""
    folder = tmp_path_factory.mktemp("postgres") / "server"
    with processes.supervised() as session, postgres_server.embedded(folder, session, None) as server:
        yield server


@pytest.fixture(scope="session")
def valkey() -> Iterator[Valkey]:
    """Start the real Valkey for the whole session of tests."""
    with processes.supervised() as session, valkey_server.embedded(session, None) as server:
        yield server
