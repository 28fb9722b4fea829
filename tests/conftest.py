"""Settings and real servers of all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from harness import processes
from harness.backends import postgres as postgres_server
from harness.backends import toxiproxy as toxiproxy_server
from harness.backends import toxiproxy_build
from harness.backends import valkey as valkey_server
from harness.backends.postgres import Postgres
from harness.backends.toxiproxy import Toxiproxy
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


@pytest.fixture(scope="session")
def toxiproxy_binary() -> Path:
    """Build the real Toxiproxy where there is none yet: less than a minute, once."""
    return toxiproxy_build.binary(Path(__file__).resolve().parents[1], os.environ)


@pytest.fixture(scope="module")
def toxiproxy(toxiproxy_binary: Path) -> Iterator[tuple[Toxiproxy, processes.Session]]:
    """Start the real Toxiproxy, without proxies, for a module of tests, with the session that it belongs to."""
    root = toxiproxy_binary.parents[2]
    with processes.supervised() as session, toxiproxy_server.embedded(root, session, None, {}) as server:
        yield server, session
