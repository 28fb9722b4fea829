"""Settings and real servers of all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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

WAITING = ("tests/containers/", "tests/sessions/")


def pytest_configure() -> None:
    """Let no property fail for its time: a noisy neighbour takes a core for a second now and then."""
    settings.register_profile("noisy", deadline=None)
    settings.load_profile("noisy")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give files to workers one by one, but those that wait for an engine or a session to one worker, in a row.

    They compute for a third of their time: beside each other they would leave the cores idle, and where they do
    compute, what they hold to a clock is late.
    """
    from xdist.scheduler import LoadFileScheduling  # noqa: PLC0415  (only its controller needs it)

    class InARow(LoadFileScheduling):
        """The one way in that xdist offers is a subclass."""

        def _split_scope(self, nodeid: str) -> str:
            return "waiting" if nodeid.startswith(WAITING) else super()._split_scope(nodeid)

    return InARow(config, log)


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
