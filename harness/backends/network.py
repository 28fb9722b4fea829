"""A network between processes and PostgreSQL: proxies of Toxiproxy that delay what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

from msgspec import Struct

from harness import processes
from harness.backends import postgres, toxiproxy
from harness.backends.toxic import Toxic, same
from harness.backends.toxiproxy import Proxy, Toxiproxy
from harness.backends.toxiproxy_wire import ToxiproxyError
from harness.errors import CannotMeasure

DELAY = "round-trip"
"""Name of the toxic."""

PORTS = {"postgresql": 5432, "postgres": 5432, "redis": 6379}
"""Where an address without a port leads."""


class Network(Struct, frozen=True):
    """The proxies of one block, and what a round trip over them took before the load."""

    server: Toxiproxy
    proxies: dict[str, Proxy]
    """By process."""
    urls: dict[str, str]
    """By process: the database's address through its proxy."""
    delay: Toxic | None
    round_trip_ms: float
    """Median of a statement that does nothing."""


def through(server: Toxiproxy, name: str, url: str, session: processes.Session) -> tuple[Proxy, str]:
    """Lead ``url`` through a new proxy; gives the proxy and the address through it.  Raises ToxiproxyError."""
    parts = urlsplit(url)
    upstream = f"{parts.netloc.rpartition('@')[2].removesuffix(f':{parts.port}')}:{parts.port or PORTS[parts.scheme]}"
    proxy = toxiproxy.proxy(server, name, upstream, session)
    credentials = parts.netloc.rpartition("@")[0]
    netloc = f"{credentials}@127.0.0.1:{proxy.port}" if credentials else f"127.0.0.1:{proxy.port}"
    return proxy, urlunsplit(parts._replace(netloc=netloc))


def laid(server: Toxiproxy, urls: Mapping[str, str], session: processes.Session, rtt_ms: int) -> Network:
    """Lead each process's address through a proxy; a round trip takes ``rtt_ms`` more, both ways together.

    All of the delay lies on the way back: Toxiproxy counts whole milliseconds for each direction, and 1 ms for both
    together could not be halved; who waits for an answer cannot tell the two.  0: proxies without a delay.
    Raises CannotMeasure where a proxy or its delay is refused, or round trips do not take so long.
    """
    led = {name: through(server, name, url, session) for name, url in urls.items()}
    delay = Toxic(name=DELAY, type="latency", attributes={"latency": rtt_ms, "jitter": 0}) if rtt_ms else None
    for proxy, _ in led.values():
        if delay is not None:
            toxiproxy.add(server, proxy, delay)
    found_ms = postgres.round_trip_ms(next(url for _, url in led.values()))
    if found_ms < rtt_ms:
        raise CannotMeasure(
            f"Toxiproxy took a delay of {rtt_ms} ms, but a round trip through it takes {found_ms:.2f} ms.",
            "Run it again; where TOXIPROXY_URL names the server, let nobody else change it.",
        )
    return Network(
        server=server,
        proxies={name: proxy for name, (proxy, _) in led.items()},
        urls={name: url for name, (_, url) in led.items()},
        delay=delay,
        round_trip_ms=found_ms,
    )


def changed(network: Network) -> str | None:
    """What became of the network meanwhile, in a few words; None while it is as it was laid."""
    gone = toxiproxy.ended(network.server)
    if gone is not None:
        return gone
    wanted = {} if network.delay is None else {network.delay.name: network.delay}
    try:
        for proxy in network.proxies.values():
            seen = toxiproxy.toxics(network.server, proxy)
            if seen.keys() != wanted.keys() or not all(same(seen[name], toxic) for name, toxic in wanted.items()):
                return f"the delay of {proxy.name} was changed meanwhile"
    except ToxiproxyError as error:
        return error.message.rstrip(".")
    return None
