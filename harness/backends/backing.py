"""What stands behind the arms of a session: started at first need, lent to blocks, stopped with the session."""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from harness import processes
from harness.backends import databases, network, postgres, toxiproxy, toxiproxy_build, valkey
from harness.errors import CannotMeasure
from harness.meters.process_clock import Tree
from harness.model import Behind

DATABASE_URL = "DATABASE_URL"
REDIS_URL = "REDIS_URL"
TOXIPROXY_URL = toxiproxy.URL

BIG_ROWS = 100_000
"""Fills beyond this take long enough to be announced."""


class Lent(Struct, frozen=True):
    """What one block got: each process's environment, and the meters of what stands behind."""

    environments: dict[str, dict[str, str]]
    meters: tuple[tuple[str, Tree], ...]
    postgres: postgres.Postgres | None = None
    valkeys: tuple[valkey.Valkey, ...] = ()
    toxiproxies: tuple[toxiproxy.Toxiproxy, ...] = ()
    networks: tuple[network.Network, ...] = ()
    """What stands between the processes and PostgreSQL."""

    def between(self) -> tuple[tuple[str, Tree], ...]:
        """Meters of what stands between: work that neither an arm nor its database has done."""
        started = [one.server.process for one in self.networks]
        return tuple(("toxiproxy", Tree(process.pid)) for process in started if process is not None)

    def ended(self) -> str | None:
        """What ended while it was lent, in a few words; None where all still run."""
        gone = [postgres.ended(self.postgres)] if self.postgres is not None else []
        gone += [valkey.ended(one) for one in self.valkeys]
        gone += [toxiproxy.ended(one) for one in self.toxiproxies]
        gone += [network.changed(one) for one in self.networks]
        return "; ".join(words for words in gone if words is not None) or None


NOTHING = Lent(environments={}, meters=())


class Backing:
    """The services of one session.

    State is needed here: a server starts when the first block needs it, and again where it ended meanwhile.
    """

    def __init__(
        self,
        folder: Path,
        root: Path,
        session: processes.Session,
        cores: Sequence[int] | None,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        """Remember where; ``folder`` holds the data of the embedded PostgreSQL from session to session."""
        self.folder, self.root, self.session, self.cores, self.environment = folder, root, session, cores, environment
        self.stack = contextlib.ExitStack()
        self.server: postgres.Postgres | None = None
        self.numbers = itertools.count(1)
        self.shared: dict[tuple[int, int], str] = {}
        self.lent_out: list[str] = []

    def close(self) -> None:
        """Drop the copies and stop what was started."""
        server = self.server
        if server is not None and postgres.ended(server) is None:
            with contextlib.suppress(CannotMeasure):
                for url in self.lent_out:
                    databases.drop(server, url)
        self.server = None
        self.stack.close()

    def database(self) -> postgres.Postgres:
        """PostgreSQL, running.  Raises CannotMeasure with the mend where it cannot be had."""
        if self.server is not None and postgres.ended(self.server) is None:
            return self.server
        self.stack.close()
        self.shared.clear()
        given = self.environment.get(DATABASE_URL)
        if given:
            self.server = postgres.attach(given)
        else:
            place = self.folder / "postgres"
            self.server = self.stack.enter_context(postgres.embedded(place, self.session, self.cores))
        databases.clear(self.server)
        return self.server

    def prepare(self, behind: Behind) -> None:
        """Build, start and fill what a condition needs, before anything is measured."""
        proxied = "toxiproxy" in behind.backends or behind.rtt_ms is not None
        if proxied and not self.environment.get(TOXIPROXY_URL):
            toxiproxy_build.binary(self.root, self.environment, self.session.label)
        if "postgres" in behind.backends:
            server = self.database()
            if behind.rows is not None:
                if behind.rows >= BIG_ROWS:
                    sys.stderr.write(f"Data: {behind.rows:,} orders\n")
                databases.template(server, databases.Data(behind.rows, behind.seed), self.root)

    @contextlib.contextmanager
    def lend(self, behind: Behind, names: Sequence[str]) -> Iterator[Lent]:
        """Give the processes ``names`` their addresses for the time of a block.

        A copy of the database each where they write, else one copy for all of the session; a Valkey each, since a
        cache that another arm has filled is no cold cache; a Toxiproxy each, without proxies.  A network between has a
        Toxiproxy of its own.
        """
        environments: dict[str, dict[str, str]] = {name: {} for name in names}
        meters: list[tuple[str, Tree]] = []
        server, caches, proxies, networks = None, [], [], []
        with contextlib.ExitStack() as stack:
            if "postgres" in behind.backends:
                server = self.database()
                self._copies(stack, server, behind, environments)
                if server.process is not None:
                    meters.append(("postgres", Tree(server.process.pid)))
                if behind.rtt_ms is not None:
                    networks.append(self._network(stack, environments, behind.rtt_ms))
            if "valkey" in behind.backends:
                for name in names:
                    one = self._cache(stack)
                    caches.append(one)
                    environments[name][REDIS_URL] = one.url
                    if one.process is not None:
                        meters.append((f"valkey of {name}", Tree(one.process.pid)))
            if "toxiproxy" in behind.backends:
                for name in names:
                    proxies.append(self._proxies(stack))
                    environments[name][TOXIPROXY_URL] = proxies[-1].url
            yield Lent(environments, tuple(meters), server, tuple(caches), tuple(proxies), tuple(networks))

    def _copies(
        self, stack: contextlib.ExitStack, server: postgres.Postgres, behind: Behind, lent: dict[str, dict[str, str]]
    ) -> None:
        """Name each process its database; copies of their own are dropped at the end of the block."""
        own: list[str] = []
        stack.callback(self._return, own)
        for environment in lent.values():
            environment[DATABASE_URL] = self._copy(server, behind)
            if behind.own:
                own.append(environment[DATABASE_URL])

    def _copy(self, server: postgres.Postgres, behind: Behind) -> str:
        """Address of a copy of the seeded template, or of a bare database."""
        key = (-1 if behind.rows is None else behind.rows, behind.seed)
        if not behind.own and key in self.shared:
            return self.shared[key]
        source = "template1"
        if behind.rows is not None:
            source = databases.template(server, databases.Data(behind.rows, behind.seed), self.root)
        url = databases.clone(server, source, self.session.label, next(self.numbers))
        self.lent_out.append(url)
        if not behind.own:
            self.shared[key] = url
        return url

    def _return(self, urls: Sequence[str]) -> None:
        """Drop a block's own copies; where the server has ended, the next start clears them."""
        server = self.server
        if server is None or postgres.ended(server) is not None:
            return
        for url in urls:
            databases.drop(server, url)
            self.lent_out.remove(url)

    def _cache(self, stack: contextlib.ExitStack) -> valkey.Valkey:
        given = self.environment.get(REDIS_URL)
        if given:
            return valkey.attach(given)
        return stack.enter_context(valkey.embedded(self.session, self.cores))

    def _network(
        self, stack: contextlib.ExitStack, environments: dict[str, dict[str, str]], rtt_ms: int
    ) -> network.Network:
        """Lay a network before PostgreSQL; the processes' environments lead through it from now on."""
        urls = {name: environment[DATABASE_URL] for name, environment in environments.items()}
        one = network.laid(self._proxies(stack), urls, self.session, rtt_ms)
        for name, environment in environments.items():
            environment[DATABASE_URL] = one.urls[name]
        return one

    def _proxies(self, stack: contextlib.ExitStack) -> toxiproxy.Toxiproxy:
        return stack.enter_context(toxiproxy.embedded(self.root, self.session, self.cores, self.environment))


def lending(
    one: Backing | None, behind: Behind | None, names: Sequence[str]
) -> contextlib.AbstractContextManager[Lent]:
    """What must stand behind the processes ``names``: nothing where nothing must; CannotMeasure without a backing."""
    if behind is None:
        return contextlib.nullcontext(NOTHING)
    if one is None:
        raise CannotMeasure("This session has no database behind its arms.", "Use `harness duel` or `harness run`.")
    return one.lend(behind, names)


@contextlib.contextmanager
def backing(folder: Path, root: Path, session: processes.Session, cores: Sequence[int] | None) -> Iterator[Backing]:
    """The backing of one session, closed at its end."""
    one = Backing(folder, root, session, cores)
    try:
        yield one
    finally:
        one.close()
