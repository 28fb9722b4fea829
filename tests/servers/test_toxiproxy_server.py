"""The server of Toxiproxy itself: found, built, named by its address, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import lying

from harness import processes, settings
from harness.backends import ports
from harness.backends import toxiproxy as tp
from harness.backends import toxiproxy_build as building
from harness.backends import toxiproxy_wire as wire
from harness.backends.backing import Backing
from harness.backends.toxic import Toxic
from harness.backends.toxiproxy_wire import ToxiproxyError
from harness.doctor import toxiproxy as doctor
from harness.errors import CannotMeasure
from harness.model import Behind

ROOT = Path(__file__).resolve().parents[2]


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
        lying.lying({"GET /version": (200, "1.2.1")}) as server,
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
