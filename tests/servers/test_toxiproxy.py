"""The real Toxiproxy: each of its faults does what it says, whatever fails is said in time, and nothing is left."""

from __future__ import annotations

import contextlib
import http.server
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from support import echo

from harness import catalog, processes, settings
from harness.backends import ports
from harness.backends import toxiproxy as tp
from harness.backends import toxiproxy_build as building
from harness.backends import toxiproxy_wire as wire
from harness.backends.backing import Backing
from harness.backends.toxic import Toxic
from harness.backends.toxiproxy_wire import ToxiproxyError
from harness.doctor import toxiproxy as doctor
from harness.errors import CannotMeasure
from harness.faults.fault import Place, load
from harness.model import Behind

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


@contextlib.contextmanager
def lying(answers: dict[str, tuple[int, str]]):
    """A server that says what it was told to, whatever was done: the broken twin of Toxiproxy."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.rfile.read(int(self.headers.get("content-length", 0)))
            status, text = answers.get(f"{self.command} {self.path}", (200, "[]"))
            self.send_response(status)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        do_POST = do_DELETE = do_GET  # noqa: N815  (the names are the library's)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield tp.Toxiproxy(f"http://127.0.0.1:{server.server_address[1]}", None, "2.12.0")
        server.shutdown()


def test_a_change_that_does_not_show_when_read_back_is_an_error():
    """A fault that was taken and never applied would make any service look robust."""
    toxic = Toxic("t", "latency", {"latency": 100})
    proxy = tp.Proxy("p", 1, "127.0.0.1:2")
    with lying({"GET /proxies/p": (200, '{"enabled": true, "listen": "127.0.0.1:1"}')}) as server:
        with pytest.raises(ToxiproxyError, match="told another"):
            tp.add(server, proxy, toxic)
        with pytest.raises(ToxiproxyError, match="told another"):
            tp.enable(server, proxy, on=False)
    other = '[{"name": "t", "type": "latency", "attributes": {"latency": 9}, "stream": "downstream", "toxicity": 1}]'
    with lying({"GET /proxies/p/toxics": (200, other)}) as server:
        with pytest.raises(ToxiproxyError, match="told another"):
            tp.add(server, proxy, toxic)
        with pytest.raises(ToxiproxyError, match="told another"):
            tp.remove(server, proxy, "t")


@pytest.mark.parametrize("status", [500, 503])
def test_an_answer_of_500_or_503_is_an_error(status):
    """The client library takes them for success."""
    toxic = Toxic("t", "latency", {"latency": 100})
    with (
        lying({"POST /proxies/p/toxics": (status, '{"error": "too busy"}')}) as server,
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


def test_a_server_that_stalls_is_said_in_time_and_its_trial_can_go_on_to_its_end(toxiproxy_binary):
    """A trial would hang for ever on one call."""
    del toxiproxy_binary
    with processes.supervised() as session, tp.embedded(ROOT, session, None, {}) as server:
        proxy = tp.proxy(server, "p", "127.0.0.1:1", session)
        os.kill(server.process.pid, signal.SIGSTOP)
        began = time.monotonic()
        with pytest.raises(ToxiproxyError, match="stalls"):
            tp.add(server, proxy, Toxic("t", "latency", {"latency": 100}))
        assert time.monotonic() - began < 4 * wire.CALL_S
        assert tp.ended(server) is None


def test_a_server_that_died_is_said_with_its_status(toxiproxy_binary):
    """An outage of the instrument would be called one of the service."""
    del toxiproxy_binary
    with processes.supervised() as session:
        one = Backing(ROOT, ROOT, session, None, {})
        try:
            behind = Behind(backends=("toxiproxy",))
            one.prepare(behind)
            with one.lend(behind, ["a", "b"]) as lent:
                urls = {lent.environments[name]["TOXIPROXY_URL"] for name in ("a", "b")}
                assert {server.url for server in lent.toxiproxies} == urls
                assert len(urls) == 2
                assert lent.ended() is None
                server = lent.toxiproxies[0]
                proxy = tp.proxy(server, "p", "127.0.0.1:1", session)
                server.process.kill()
                server.process.wait()
                assert "Toxiproxy ended with status -9" in lent.ended()
                with pytest.raises(ToxiproxyError, match="has died"):
                    tp.enable(server, proxy, on=False)
        finally:
            one.close()


CHILD = """
import time
from pathlib import Path
from harness import processes
from harness.backends import toxiproxy
with processes.supervised() as session, toxiproxy.embedded(Path.cwd(), session, None, {}) as one:
    toxiproxy.proxy(one, "p", "127.0.0.1:1", session)
    print(one.process.pid, flush=True)
    time.sleep(60)
"""


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_nothing_is_left_within_3_s_of_a_kill_of_the_harness(toxiproxy_binary, tmp_path):
    """Servers would pile up, each with its ports."""
    del toxiproxy_binary
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    pid = int(child.stdout.readline())
    assert _runs(pid)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    deadline = time.monotonic() + 3.0
    while _runs(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _runs(pid)
    assert list(tmp_path.iterdir()) == []


def test_a_named_server_keeps_what_is_not_ours_and_loses_what_is(toxiproxy):
    """A user's proxies would be gone or changed; or each trial would leave its own there."""
    server, session = toxiproxy
    mine = tp.Proxy("mine", ports.steady_port(), "127.0.0.1:1")
    listen = f"127.0.0.1:{mine.port}"
    wire.call(server.url, "post", "/proxies", {"name": "mine", "listen": listen, "upstream": mine.upstream})
    wire.call(
        server.url, "post", "/proxies", {"name": "harness-999999999-a-dead", "listen": "127.0.0.1:0", "upstream": "x:1"}
    )
    tp.add(server, mine, Toxic("keep", "latency", {"latency": 7}))
    before = wire.call(server.url, "get", "/proxies/mine")
    with processes.supervised() as other, tp.embedded(ROOT, other, None, {"TOXIPROXY_URL": server.url}) as named:
        assert named.process is None
        assert named.version == building.VERSION
        assert tp.ended(named) is None
        proxy = tp.proxy(named, "mine", "127.0.0.1:1", other)
        assert proxy.name == f"harness-{other.label}-mine"
        tp.enable(named, proxy, on=False)
        during = wire.call(server.url, "get", "/proxies")
        assert proxy.name in during
        assert "harness-999999999-a-dead" not in during
    after = wire.call(server.url, "get", "/proxies")
    assert after["mine"] == before
    assert not [name for name in after if name.startswith(f"harness-{other.label}-")]
    wire.call(server.url, "delete", "/proxies/mine")
    del session


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://192.0.2.1:8474", "tcp://127.0.0.1:8474"])
def test_an_address_that_leads_nowhere_is_refused_with_the_mend(url):
    """A trial would wait for a server that cannot serve it."""
    with (
        processes.supervised() as session,
        pytest.raises(CannotMeasure) as error,
        tp.embedded(ROOT, session, None, {"TOXIPROXY_URL": url}),
    ):
        pass
    assert "TOXIPROXY_URL" in error.value.mend


def test_a_server_of_another_version_is_refused():
    """Its toxics are others, and the trial would fail in the middle."""
    with (
        lying({"GET /version": (200, "1.2.1")}) as server,
        processes.supervised() as session,
        pytest.raises(CannotMeasure) as error,
    ):
        tp.attach(server.url, session)
    assert "1.2.1" in error.value.message


def _program(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_a_build_that_fails_shows_its_last_lines_and_leaves_nothing(tmp_path, monkeypatch):
    """The user would see a status and not that the network is missing."""
    _program(tmp_path / ".tools" / "bin", "uv", 'echo "dial tcp: no route to host" >&2; touch "$GOCACHE.was"; exit 1')
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    with pytest.raises(CannotMeasure) as error:
        building.build(tmp_path)
    assert "no route to host" in error.value.message
    assert "make toxiproxy" in error.value.mend
    assert error.value.exit_code == 3
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_build_puts_one_executable_into_its_place(tmp_path):
    """Half a binary would be started, or nothing."""
    _program(tmp_path / ".tools" / "bin", "uv", 'mkdir -p "$GOBIN"; printf "#!/bin/sh\\nexit 7\\n" > "$GOBIN/server"')
    place = building.build(tmp_path, "a label")
    assert place == tmp_path / ".tools" / "bin" / "toxiproxy-server"
    assert subprocess.run([place], check=False).returncode == 7
    assert sorted(path.name for path in place.parent.iterdir()) == ["toxiproxy-server", "uv"]


def test_a_binary_of_the_path_goes_before_the_built_one(tmp_path, toxiproxy_binary):
    """A user's own version could not be measured."""
    theirs = _program(tmp_path / "bin", "toxiproxy-server", "exit 0")
    assert building.find(ROOT, {"PATH": str(theirs.parent)}) == theirs
    assert building.find(ROOT, {"PATH": str(tmp_path)}) == ROOT / ".tools" / "bin" / "toxiproxy-server"
    assert toxiproxy_binary.exists()


def test_the_doctor_says_which_toxiproxy_would_be_used_and_what_is_wrong_with_it(tmp_path, toxiproxy, monkeypatch):
    """A user would learn in the middle of a run that there is none."""
    here = settings.load(ROOT)
    server, _ = toxiproxy
    monkeypatch.delenv("TOXIPROXY_URL", raising=False)
    found = doctor.check(here)
    assert (found.status, building.VERSION in found.sees) == ("ok", True)
    _program(tmp_path, "toxiproxy-server", "exit 9")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    broken = doctor.check(here)
    assert (broken.status, "does not run" in broken.sees) == ("warn", True)
    monkeypatch.setenv("TOXIPROXY_URL", server.url)
    assert server.url in doctor.check(here).sees
    monkeypatch.setenv("TOXIPROXY_URL", "http://127.0.0.1:1")
    gone = doctor.check(here)
    assert (gone.status, bool(gone.mend)) == ("warn", True)
