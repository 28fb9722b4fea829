"""The real PostgreSQL and Valkey behind the arms: started, refused with a mend, cloned, and gone afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from harness import processes
from harness.backends import databases, toxiproxy, valkey
from harness.backends.backing import Backing
from harness.backends.postgres import Postgres, attach, embedded, round_trip_ms
from harness.errors import CannotMeasure
from harness.meters.process_clock import members
from harness.model import Behind

ROOT = Path(__file__).resolve().parents[2]


def _one(url: str, query: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def test_the_settings_that_decide_a_benchmark_are_recorded_as_the_server_says_them(postgres: Postgres) -> None:
    """A reader could not know whether commits reached the disk."""
    assert postgres.version == 18
    assert postgres.settings["fsync"] == "on"
    assert postgres.settings["synchronous_commit"] == "on"
    assert postgres.settings["shared_buffers"] == "256MB"
    assert {"jit", "server_version"} <= set(postgres.settings)


def test_the_server_listens_on_loopback_alone(postgres: Postgres) -> None:
    """A database without a password would stand open to the network."""
    assert _one(postgres.url, "show listen_addresses") == "127.0.0.1"
    assert _one(postgres.url, "show unix_socket_directories") == ""


def test_a_second_session_is_told_that_the_data_folder_is_in_use(postgres: Postgres) -> None:
    """Two sessions would load one machine, and one would end the other's database."""
    assert postgres.folder is not None
    with (
        processes.supervised() as session,
        pytest.raises(CannotMeasure) as error,
        embedded(postgres.folder, session, None),
    ):
        pass
    assert "Another session" in error.value.message
    assert "harness down" in error.value.mend


def test_a_data_folder_of_another_version_is_refused_with_the_command_that_mends_it(tmp_path: Path) -> None:
    """PostgreSQL's own words name no command, and the folder would be damaged by force."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "PG_VERSION").write_text("12\n")
    with (
        processes.supervised() as session,
        pytest.raises(CannotMeasure) as error,
        embedded(tmp_path, session, None),
    ):
        pass
    assert "made by PostgreSQL 12" in error.value.message
    assert f"rm -r {tmp_path}" in error.value.mend


def test_a_damaged_data_folder_shows_the_servers_last_words(tmp_path: Path) -> None:
    """The user would see a time-out and not why."""
    with processes.supervised() as session:
        with embedded(tmp_path, session, None):
            pass
        (tmp_path / "data" / "global" / "pg_control").unlink()
        with pytest.raises(CannotMeasure) as error, embedded(tmp_path, session, None):
            pass
    assert "pg_control" in error.value.message


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://nobody@127.0.0.1:1/none", "cannot be reached"),
        ("mysql://127.0.0.1/x", "no address of PostgreSQL"),
        ("postgresql:///x", "no address of PostgreSQL"),
    ],
)
def test_a_database_url_that_leads_nowhere_is_refused_with_the_mend(url: str, words: str) -> None:
    """Every arm would answer 503 and be called slow."""
    with pytest.raises(CannotMeasure) as error:
        attach(url)
    assert words in error.value.message
    assert "DATABASE_URL" in error.value.mend


def test_a_password_never_reaches_a_message() -> None:
    """A published report would publish it."""
    with pytest.raises(CannotMeasure) as error:
        attach("postgresql://me:s3cret@127.0.0.1:1/none")
    assert "s3cret" not in error.value.message + error.value.mend


def test_a_database_that_the_harness_did_not_make_is_never_dropped(postgres: Postgres) -> None:
    """A user's data would be gone."""
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("create database somebodys_own")
        with pytest.raises(CannotMeasure) as error:
            databases.drop(postgres, databases.database_url(postgres, "somebodys_own"))
        assert "left alone" in error.value.message
        assert connection.execute("select 1 from pg_database where datname = 'somebodys_own'").fetchone()
        connection.execute("drop database somebodys_own")


def test_copies_of_a_template_hold_its_rows_and_are_told_apart(postgres: Postgres) -> None:
    """Arms that write would see each other's rows."""
    template = databases.template(postgres, databases.Data(rows=10_000, seed=3), ROOT)
    first, second = (databases.clone(postgres, template, "here", number) for number in (1, 2))
    try:
        with psycopg.connect(first, autocommit=True) as connection:
            connection.execute("delete from order_lines")
        assert _one(first, "select count(*) from orders") == 10_000
        assert _one(first, "select count(*) from order_lines") == 0
        assert int(str(_one(second, "select count(*) from order_lines"))) > 10_000
    finally:
        databases.drop(postgres, first)
        databases.drop(postgres, second)


def test_a_template_is_made_once_and_a_copy_takes_a_fraction_of_its_time(postgres: Postgres) -> None:
    """Every run would wait for the fill anew."""
    data = databases.Data(rows=100_000, seed=3)
    times = []
    for _ in range(2):
        began = time.monotonic()
        name = databases.template(postgres, data, ROOT)
        times.append(time.monotonic() - began)
    assert times[1] < times[0] / 5
    url = databases.clone(postgres, name, "here", 9)
    databases.drop(postgres, url)


def test_what_a_dead_session_left_is_cleared_and_templates_are_kept(postgres: Postgres) -> None:
    """Copies would fill the disk, or every session would fill its data anew."""
    name = databases.template(postgres, databases.Data(rows=10_000, seed=3), ROOT)
    url = databases.clone(postgres, name, "dead", 5)
    copy = url.rpartition("/")[2]
    note = f'{databases.MARK} {{"kind": "clone", "session": "dead", "pid": 999999999}}'
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(f"comment on database {copy} is '{note}'")  # type: ignore[arg-type]
    assert databases.clear(postgres) == 1
    assert databases.template(postgres, databases.Data(rows=10_000, seed=3), ROOT) == name
    assert (
        _one(
            databases.database_url(postgres, "postgres"),
            "select count(*) from pg_database where datname like 'harness_c_%'",
        )
        == 0
    )


def test_a_full_disk_is_foreseen_before_the_fill(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fill would end after minutes with half a table and PostgreSQL's panic."""
    usage = type("Usage", (), {"free": 1_000_000})
    monkeypatch.setattr(databases.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(CannotMeasure) as error:
        databases.template(postgres, databases.Data(rows=1_000_000, seed=99), ROOT)
    assert "0.0 GB free" in error.value.message


def test_blocks_get_copies_of_their_own_where_they_write_and_a_cache_each(tmp_path: Path) -> None:
    """An arm would measure the rows and cached answers of the other."""
    with processes.supervised() as session:
        one = Backing(tmp_path, ROOT, session, None, {})
        try:
            behind = Behind(backends=("postgres", "valkey"), rows=0, own=True)
            with one.lend(behind, ["a", "b"]) as lent:
                urls = [lent.environments[name]["DATABASE_URL"] for name in ("a", "b")]
                caches = [lent.environments[name]["REDIS_URL"] for name in ("a", "b")]
                assert len(set(urls)) == len(set(caches)) == 2
                assert {name for name, _ in lent.meters} == {"postgres", "valkey of a", "valkey of b"}
                assert all(tree.read().cpu_ns > 0 for _, tree in lent.meters)
                assert lent.ended() is None
            assert _one(one.database().url, "select count(*) from pg_database where datname like 'harness_c_%'") == 0
            with one.lend(Behind(backends=("postgres",), rows=0), ["a", "b"]) as lent:
                assert lent.environments["a"] == lent.environments["b"]
        finally:
            one.close()


def test_a_server_that_died_is_named_and_started_again_for_the_next_block(tmp_path: Path) -> None:
    """One crash would end a session of hours, or its block would be called slow."""
    with processes.supervised() as session:
        one = Backing(tmp_path, ROOT, session, None, {})
        try:
            behind = Behind(backends=("postgres",))
            with one.lend(behind, ["a"]) as lent:
                assert lent.postgres is not None
                assert lent.postgres.process is not None
                lent.postgres.process.kill()
                lent.postgres.process.wait()
                assert "PostgreSQL ended with status -9" in str(lent.ended())
            with one.lend(behind, ["a"]) as lent:
                assert lent.ended() is None
                assert _one(lent.environments["a"]["DATABASE_URL"], "select 1") == 1
        finally:
            one.close()


@pytest.mark.usefixtures("toxiproxy_binary")
def test_a_network_delays_round_trips_by_what_was_asked_and_goes_with_the_block(tmp_path: Path) -> None:
    """A sweep over 5 ms would be measured over none, or a proxy would stand there for ever."""
    with processes.supervised() as session:
        one = Backing(tmp_path, ROOT, session, None, {})
        try:
            direct = round_trip_ms(one.database().url)
            for rtt_ms in (0, 15):
                with one.lend(Behind(backends=("postgres",), rtt_ms=rtt_ms), ["a", "b"]) as lent:
                    urls = [lent.environments[name]["DATABASE_URL"] for name in ("a", "b")]
                    assert len({*urls, one.database().url}) == 3
                    assert all(rtt_ms < round_trip_ms(url) < direct + rtt_ms + 15 for url in urls)
                    assert [name for name, _ in lent.between()] == ["toxiproxy"]
                    assert [name for name, _ in lent.meters] == ["postgres"]
                    assert lent.ended() is None
                    proxy = lent.networks[0].server.process
                assert proxy is not None
                assert proxy.poll() is not None
        finally:
            one.close()


@pytest.mark.usefixtures("toxiproxy_binary")
def test_a_delay_that_somebody_changes_and_a_proxy_that_dies_are_named(tmp_path: Path) -> None:
    """Half of a block would be measured over another network than the one in its caption."""
    with processes.supervised() as session:
        one = Backing(tmp_path, ROOT, session, None, {})
        try:
            with one.lend(Behind(backends=("postgres",), rtt_ms=2), ["a"]) as lent:
                (network,) = lent.networks
                assert network.delay is not None
                toxiproxy.remove(network.server, network.proxies["a"], network.delay.name)
                assert "was changed meanwhile" in str(lent.ended())
                assert network.server.process is not None
                network.server.process.kill()
                network.server.process.wait()
                assert "Toxiproxy ended with status -9" in str(lent.ended())
        finally:
            one.close()


def _runs(pid: int) -> bool:
    """Whether a process runs; one that waits for its parent to ask for its end does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


CHILD = """
import sys, time
from pathlib import Path
from harness import processes
from harness.backends import postgres, valkey
with processes.supervised() as session, postgres.embedded(Path(sys.argv[1]), session, None) as one:
    with valkey.embedded(session, None) as two:
        print(one.process.pid, two.process.pid, flush=True)
        time.sleep(60)
"""


def test_nothing_is_left_within_3_s_of_a_kill_of_the_harness_and_the_data_start_again(tmp_path: Path) -> None:
    """A database would run on for ever, and the next session could not use its data."""
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT, text=True)
    assert child.stdout is not None
    pids = [int(word) for word in child.stdout.readline().split()]
    tree = [pid for root in pids for pid in members(root)]
    assert len(tree) > 5
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    deadline = time.monotonic() + 3.0
    while any(_runs(pid) for pid in tree) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [pid for pid in tree if _runs(pid)] == []
    with processes.supervised() as session, embedded(tmp_path, session, None) as server:
        assert _one(server.url, "select 1") == 1


def test_a_redis_url_that_leads_nowhere_is_refused_with_the_mend() -> None:
    """Every read would miss, and the cache would be called useless."""
    for url in ("redis://127.0.0.1:1/0", "memcached://127.0.0.1:1"):
        with pytest.raises(CannotMeasure) as error:
            valkey.attach(url)
        assert "REDIS_URL" in error.value.mend


def test_a_server_that_is_not_installed_or_does_not_start_is_said_with_the_mend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user on a platform without the wheels would see an import error, or wait for ever."""
    with processes.supervised() as session:
        with monkeypatch.context() as patch:
            patch.setattr(valkey, "_binary", lambda: Path("/bin/false"))
            with pytest.raises(CannotMeasure, match="Valkey did not start"), valkey.embedded(session, None):
                pass
        with monkeypatch.context() as patch:
            patch.setattr(valkey.importlib.util, "find_spec", lambda _: None)
            with pytest.raises(CannotMeasure) as missing, valkey.embedded(session, None):
                pass
            assert "REDIS_URL" in missing.value.mend
            with pytest.raises(CannotMeasure) as missing, embedded(tmp_path, session, None):
                pass
            assert "DATABASE_URL" in missing.value.mend


def test_a_valkey_that_died_is_named(tmp_path: Path) -> None:
    """A cache that is gone would be measured as one that always misses."""
    with processes.supervised() as session:
        one = Backing(tmp_path, ROOT, session, None, {})
        try:
            with one.lend(Behind(backends=("valkey",)), ["a"]) as lent:
                assert lent.ended() is None
                assert lent.valkeys[0].process is not None
                lent.valkeys[0].process.kill()
                lent.valkeys[0].process.wait()
                assert "Valkey ended with status -9" in str(lent.ended())
        finally:
            one.close()


def test_a_server_of_the_users_own_is_used_and_left_as_it_was(postgres: Postgres, tmp_path: Path) -> None:
    """A user's databases would be gone, or full of the harness's."""
    listing = "select string_agg(datname, ' ' order by datname) from pg_database where datname not like 'harness_t_%'"
    before = _one(postgres.url, listing)
    with processes.supervised() as session:
        one = Backing(tmp_path, ROOT, session, None, {"DATABASE_URL": postgres.url})
        try:
            with one.lend(Behind(backends=("postgres",), rows=10_000, seed=3, own=True), ["a", "b"]) as lent:
                assert lent.meters == ()
                assert all(environment["DATABASE_URL"] != postgres.url for environment in lent.environments.values())
                assert _one(lent.environments["a"]["DATABASE_URL"], "select count(*) from orders") == 10_000
        finally:
            one.close()
    assert _one(postgres.url, listing) == before
    assert not (tmp_path / "postgres").exists()
