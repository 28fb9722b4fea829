"""The real Toxiproxy: each of its faults does what it says, whatever fails is said in time, and nothing is left."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import pytest
from support import echo, lying

from harness import catalog
from harness.backends import ports
from harness.backends import toxiproxy as tp
from harness.backends import toxiproxy_build as building
from harness.backends import toxiproxy_wire as wire
from harness.backends.toxic import Toxic
from harness.backends.toxiproxy_wire import ToxiproxyError
from harness.faults.fault import Place, load

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = {entry.name: load(entry) for entry in catalog.faults(ROOT)}
WORD = b"0123456789" * 10


@pytest.fixture
def way(toxiproxy):
    """An echo server with a proxy of its own before it."""
    server, session = toxiproxy
    with echo.echoing() as upstream:
        proxy = tp.proxy(server, f"echo-{time.monotonic_ns():x}", f"127.0.0.1:{upstream.server_address[1]}", session)
        yield Place(session=session, proxies=server, proxy=proxy), upstream


@contextlib.contextmanager
def struck(place: Place, name: str, **values: float):
    """The fault is on while the block runs, and what is on is what was asked for."""
    plugin = PLUGINS[name]
    begun = plugin.begin(place, plugin.complete(values))
    if name != "down":
        [toxic] = tp.toxics(place.proxies, place.proxy).values()
        assert toxic.toxicity == pytest.approx(values.get("toxicity", 1.0))
        assert toxic.stream == ("upstream" if values.get("upstream") else "downstream")
        sent = {name: value for name, value in values.items() if name not in {"toxicity", "upstream"}}
        assert sorted(sent.values()) == sorted(value for value in toxic.attributes.values() if value in sent.values())
    yield begun
    assert begun.end is not None
    assert begun.end() > begun.acknowledged_ns
    assert tp.toxics(place.proxies, place.proxy) == {}


def once(place: Place, data: bytes = WORD, wanted: int | None = None, patience_s: float = 20.0) -> echo.Answer:
    """What a new connection gets."""
    with echo.opened(place.proxy.port) as link:
        return echo.asked(link, data, wanted, patience_s)


def test_latency_delays_every_answer_by_what_was_asked_and_no_longer_than_asked(way):
    """A slow dependency would be as fast as before, or slow for ever."""
    place, _ = way
    with echo.opened(place.proxy.port) as link:
        before = min(echo.asked(link, WORD).took_s for _ in range(5))
        with struck(place, "latency", delay_ms=150):
            during = min(echo.asked(link, WORD).took_s for _ in range(3))
        after = min(echo.asked(link, WORD).took_s for _ in range(5))
    assert during - before > 0.9 * 0.15
    assert during > 5 * max(before, after)


def test_bandwidth_lets_bytes_through_at_the_rate_that_was_asked_for(way):
    """A narrow line would be none."""
    place, _ = way
    data = WORD * 200
    before = min(once(place, data).took_s for _ in range(3))
    with struck(place, "bandwidth", rate_kb_per_s=50):
        during = once(place, data)
    assert during.data == data
    assert during.took_s > 0.8 * len(data) / 50_000
    assert during.took_s > 5 * before


def test_a_bandwidth_of_0_stalls_and_does_not_kill(way):
    """The server, and every other proxy of the trial with it, would be gone."""
    place, _ = way
    with struck(place, "bandwidth", rate_kb_per_s=0):
        assert once(place, patience_s=0.3).end == "nothing"
    assert once(place).end == "whole"
    assert tp.ended(place.proxies) is None


def test_timeout_swallows_everything_and_its_end_closes_the_connections(way):
    """A dependency that hangs would be one that fails fast."""
    place, _ = way
    with echo.opened(place.proxy.port) as link:
        assert echo.asked(link, WORD).end == "whole"
        with struck(place, "timeout", timeout_ms=0):
            assert echo.asked(link, WORD, patience_s=0.3).end == "nothing"
        assert echo.asked(link, b"", 1).end in {"eof", "rst"}
    assert once(place).end == "whole"


def test_reset_resets_new_connections_and_closes_older_ones(way):
    """A client's handling of RST would never be met."""
    place, _ = way
    with echo.opened(place.proxy.port) as old:
        assert echo.asked(old, WORD).end == "whole"
        with struck(place, "reset"):
            assert [once(place).end for _ in range(5)] == ["rst"] * 5
            assert echo.asked(old, WORD).end == "eof"
    assert once(place).end == "whole"


def test_slow_close_holds_back_the_end_alone(way):
    """Connections that linger would not be met."""
    place, _ = way
    before = min((once(place, echo.BYE, 1) for _ in range(3)), key=lambda one: one.took_s)
    with struck(place, "slow_close", delay_ms=300):
        assert once(place).data == WORD
        during = once(place, echo.BYE, 1)
    assert (before.end, during.end) == ("eof", "eof")
    assert during.took_s - before.took_s > 0.9 * 0.3


def test_slicer_makes_many_pieces_of_one(way):
    """A parser that trusts in whole messages would look right."""
    place, _ = way
    before = once(place)
    with struck(place, "slicer", average_bytes=10, delay_us=15000):
        during = once(place)
    assert during.data == before.data == WORD
    assert len(during.pieces) >= 4 * len(before.pieces)


def test_limit_of_data_cuts_after_exactly_so_many_bytes_in_the_direction_asked_for(way):
    """Half an answer could not be told from a whole one."""
    place, upstream = way
    with struck(place, "limit_data", bytes=37):
        during = once(place)
    assert (during.data, during.end) == (WORD[:37], "eof")
    arrived = upstream.arrived
    with struck(place, "limit_data", bytes=13, upstream=1):
        once(place)
    assert upstream.arrived - arrived == 13


def test_down_refuses_closes_what_is_open_and_comes_back_on_the_same_port(way):
    """An outage would leave connections alive, or never end."""
    place, _ = way
    with echo.opened(place.proxy.port) as link:
        assert echo.asked(link, WORD).end == "whole"
        with struck(place, "down"):
            assert echo.asked(link, WORD).end in {"eof", "rst"}
            for _ in range(20):
                with pytest.raises(ConnectionRefusedError):
                    echo.opened(place.proxy.port)
    assert once(place).end == "whole"


def test_toxicity_strikes_a_share_of_the_connections(way):
    """All or none would be struck, whatever was asked."""
    place, _ = way
    with struck(place, "limit_data", bytes=0, toxicity=0.5):
        cut = sum(once(place).end == "eof" for _ in range(60))
    # Outside with a probability of one in a million.
    assert 11 < cut < 49


def test_a_port_of_a_proxy_is_none_that_the_system_gives_to_clients():
    """A client's own connection could take the port while the proxy is down, and the outage would not end."""
    lowest = int(ports.PORTS.read_text().split()[0])
    if lowest > ports.LOWEST_PORT:
        assert all(ports.LOWEST_PORT <= ports.steady_port() < lowest for _ in range(50))


@pytest.mark.parametrize(
    ("toxic", "words"),
    [
        (Toxic("t", "nonsense", {}), "invalid toxic type"),
        (Toxic("t", "latency", {"latency": 1.5}), "bad request body"),
        (Toxic("t", "latency", {"latency": 1}, "sideways"), "stream was invalid"),
        (Toxic("t", "bandwidth", {"rate": -1}), "rate is negative"),
        (Toxic("t", "slicer", {"average_size": 0}), "larger than size_variation"),
        (Toxic("t", "slicer", {"average_size": 5, "size_variation": 5}), "larger than size_variation"),
        (Toxic("t", "latency", {"latency": 1}, toxicity=1.5), "is no share"),
    ],
)
def test_a_toxic_that_is_refused_says_why_and_the_server_lives(way, toxic, words):
    """A trial without its fault would look like a robust service, and a fatal value would end all proxies."""
    place, _ = way
    with pytest.raises(ToxiproxyError) as error:
        tp.add(place.proxies, place.proxy, toxic)
    assert words in error.value.message
    assert error.value.mend
    assert tp.ended(place.proxies) is None
    assert tp.toxics(place.proxies, place.proxy) == {}
    assert once(place).end == "whole"


def test_a_second_toxic_of_a_name_and_one_that_is_not_there_are_refused(way):
    """One fault's end would remove another's."""
    place, _ = way
    toxic = Toxic("twice", "latency", {"latency": 1})
    tp.add(place.proxies, place.proxy, toxic)
    with pytest.raises(ToxiproxyError, match="already exists"):
        tp.add(place.proxies, place.proxy, toxic)
    tp.remove(place.proxies, place.proxy, "twice")
    with pytest.raises(ToxiproxyError, match="not found"):
        tp.remove(place.proxies, place.proxy, "twice")


def test_a_change_that_does_not_show_when_read_back_is_an_error():
    """A fault that was taken and never applied would make any service look robust."""
    toxic = Toxic("t", "latency", {"latency": 100})
    proxy = tp.Proxy("p", 1, "127.0.0.1:2")
    with lying.lying({"GET /proxies/p": (200, '{"enabled": true, "listen": "127.0.0.1:1"}')}) as server:
        with pytest.raises(ToxiproxyError, match="told another"):
            tp.add(server, proxy, toxic)
        with pytest.raises(ToxiproxyError, match="told another"):
            tp.enable(server, proxy, on=False)
    other = '[{"name": "t", "type": "latency", "attributes": {"latency": 9}, "stream": "downstream", "toxicity": 1}]'
    with lying.lying({"GET /proxies/p/toxics": (200, other)}) as server:
        with pytest.raises(ToxiproxyError, match="told another"):
            tp.add(server, proxy, toxic)
        with pytest.raises(ToxiproxyError, match="told another"):
            tp.remove(server, proxy, "t")


@pytest.mark.parametrize("status", [500, 503])
def test_an_answer_of_500_or_503_is_an_error(status):
    """The client library takes them for success."""
    toxic = Toxic("t", "latency", {"latency": 100})
    with (
        lying.lying({"POST /proxies/p/toxics": (status, '{"error": "too busy"}')}) as server,
        pytest.raises(ToxiproxyError) as error,
    ):
        tp.add(server, tp.Proxy("p", 1, "127.0.0.1:2"), toxic)
    assert "too busy" in error.value.message


def test_a_proxy_of_the_environment_is_not_asked_for_the_way_to_loopback(way, monkeypatch):
    """Behind a company's proxy no fault could be applied."""
    place, _ = way
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert wire.version(place.proxies.url) == building.VERSION
