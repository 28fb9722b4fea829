"""Toxiproxy: a server of one trial on loopback, or the one that TOXIPROXY_URL names; every change is read back."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from harness import listeners, processes
from harness.backends import toxiproxy_build
from harness.backends.ports import steady_port
from harness.backends.toxic import Toxic, refuse_fatal, same
from harness.backends.toxiproxy_wire import ToxiproxyError, call, version
from harness.errors import CannotMeasure

HOST = "127.0.0.1"
URL = "TOXIPROXY_URL"
PORT = 8474
"""Where Toxiproxy listens unless it is told otherwise."""

START_S = 10.0

KNOWN = ("2.", "git")
"""Versions whose API this is; "git" is what a build without a version says."""


class Toxiproxy(Struct, frozen=True):
    """A server that answers: the address of its API, and its process where it is ours."""

    url: str
    process: subprocess.Popen[bytes] | None
    version: str
    prefix: str = "harness-"
    """How the names of this session's proxies begin."""


class Proxy(Struct, frozen=True):
    """One proxy: where it listens on 127.0.0.1, and where it leads."""

    name: str
    port: int
    upstream: str
    """``host:port``."""


@contextlib.contextmanager
def embedded(
    root: Path,
    session: processes.Session,
    cores: Sequence[int] | None,
    environment: Mapping[str, str] = os.environ,
) -> Iterator[Toxiproxy]:
    """Give a server without proxies, started here and stopped at the end, or the one that TOXIPROXY_URL names.

    Of a named one nothing is touched but proxies of this session, which are removed at the end.  Raises CannotMeasure
    with the mend where there is none and none can be built.
    """
    given = environment.get(URL)
    if given:
        server = attach(given, session)
        try:
            yield server
        finally:
            # A server that has gone has no proxies any more.
            with contextlib.suppress(ToxiproxyError):
                remove_all(server)
        return
    program = toxiproxy_build.binary(root, environment, session.label)
    port = steady_port()
    handle, name = tempfile.mkstemp(prefix="harness-toxiproxy-", suffix=".log")
    os.close(handle)
    words = Path(name)
    try:
        process = processes.start(
            [str(program), "-host", HOST, "-port", str(port)],
            session=session,
            # A line for each connection would be work that no service has.
            environment={"LOG_LEVEL": "error"},
            log=words,
            cores=cores,
        )
        try:
            found = _wait_ready(port, process, words)
            # Its log has served: a harness that is killed from here on leaves no file behind.
            words.unlink()
            yield Toxiproxy(f"http://{HOST}:{port}", process, found, _prefix(session))
        finally:
            processes.stop([process])
    finally:
        words.unlink(missing_ok=True)


def require(root: Path, session: processes.Session, environment: Mapping[str, str] = os.environ) -> None:
    """Attach to the named server, or find or build the binary; raises CannotMeasure with the mend where neither is."""
    given = environment.get(URL)
    if given:
        attach(given, session)
    else:
        toxiproxy_build.binary(root, environment, session.label)


def attach(url: str, session: processes.Session) -> Toxiproxy:
    """Use the server that ``url`` names, and remove what sessions that have died left there.

    Raises CannotMeasure where it is not here, does not answer or is of another version.
    """
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname not in {HOST, "localhost"}:
        raise CannotMeasure(
            "TOXIPROXY_URL is no address of a Toxiproxy on this machine.",
            f"Write TOXIPROXY_URL as http://{HOST}:{PORT}, or unset it for a server of the harness's own.",
        )
    url = f"http://{HOST}:{parts.port or PORT}"
    found = _fitting(version(url))
    for name in call(url, "get", "/proxies"):
        owner = re.match(r"harness-(\d+)-", name)
        if owner and not Path(f"/proc/{owner[1]}").exists():
            call(url, "delete", f"/proxies/{name}")
    return Toxiproxy(url, None, found, _prefix(session))


def ended(server: Toxiproxy) -> str | None:
    """Why the server no longer runs; None while it does."""
    if server.process is not None:
        status = server.process.poll()
        return None if status is None else f"Toxiproxy ended with status {status}"
    try:
        version(server.url)
    except ToxiproxyError as error:
        return error.message.rstrip(".")
    return None


def proxy(server: Toxiproxy, name: str, upstream: str, session: processes.Session) -> Proxy:
    """Stand between clients and ``upstream`` (``host:port``) on a free port.  Raises ToxiproxyError."""
    for attempt in range(5):
        one = Proxy(name=f"{_prefix(session)}{name}", port=steady_port(), upstream=upstream)
        document = {"name": one.name, "listen": f"{HOST}:{one.port}", "upstream": upstream, "enabled": True}
        try:
            call(server.url, "post", "/proxies", document)
        except ToxiproxyError as error:
            # Somebody else took the port meanwhile.
            if "in use" in error.message and attempt + 1 < 5:  # noqa: PLR2004  (the last attempt)
                continue
            raise
        break
    seen = call(server.url, "get", f"/proxies/{one.name}")
    if {key: seen.get(key) for key in document} != document or not listeners.listening_inodes(one.port):
        raise _unlike(f"the proxy {one.name}", document, seen)
    return one


def add(server: Toxiproxy, proxy: Proxy, toxic: Toxic) -> int:
    """Add a toxic; gives the moment (CLOCK_MONOTONIC, ns) at which the server acknowledged it.

    Raises ToxiproxyError where it is refused or, read back, is another one.
    """
    refuse_fatal(toxic)
    call(server.url, "post", f"/proxies/{proxy.name}/toxics", msgspec.to_builtins(toxic))
    acknowledged_ns = time.monotonic_ns()
    seen = toxics(server, proxy).get(toxic.name)
    if seen is None or not same(seen, toxic):
        with contextlib.suppress(ToxiproxyError):
            call(server.url, "delete", f"/proxies/{proxy.name}/toxics/{toxic.name}")
        raise _unlike(f"the toxic {toxic.name}", toxic, seen)
    return acknowledged_ns


def remove(server: Toxiproxy, proxy: Proxy, toxic_name: str) -> int:
    """Remove a toxic; gives the moment of the acknowledgement.  Raises ToxiproxyError, also where it stays."""
    call(server.url, "delete", f"/proxies/{proxy.name}/toxics/{toxic_name}")
    acknowledged_ns = time.monotonic_ns()
    if toxic_name in toxics(server, proxy):
        raise _unlike(f"the toxic {toxic_name}", "nothing", "it is still there")
    return acknowledged_ns


def enable(server: Toxiproxy, proxy: Proxy, on: bool) -> int:  # noqa: FBT001  (a switch, named as the API names it)
    """Let the proxy listen, or close it with all its connections; gives the moment of the acknowledgement.

    Raises ToxiproxyError, also where the proxy stays as it was.
    """
    call(server.url, "post", f"/proxies/{proxy.name}", {"enabled": on})
    acknowledged_ns = time.monotonic_ns()
    seen = call(server.url, "get", f"/proxies/{proxy.name}")
    if seen.get("enabled") is not on or seen.get("listen") != f"{HOST}:{proxy.port}":
        raise _unlike(f"the proxy {proxy.name}", {"enabled": on}, seen)
    return acknowledged_ns


def toxics(server: Toxiproxy, proxy: Proxy) -> dict[str, Toxic]:
    """The toxics of a proxy by name, as the server tells them.  Raises ToxiproxyError."""
    found = call(server.url, "get", f"/proxies/{proxy.name}/toxics")
    return {one.name: one for one in msgspec.convert(found, list[Toxic])}


def remove_all(server: Toxiproxy) -> None:
    """Remove this session's proxies, and no other.  Raises ToxiproxyError."""
    for name in call(server.url, "get", "/proxies"):
        if name.startswith(server.prefix):
            call(server.url, "delete", f"/proxies/{name}")


def _prefix(session: processes.Session) -> str:
    return f"harness-{session.label}-"


def _wait_ready(port: int, process: subprocess.Popen[bytes], log: Path) -> str:
    """Wait until our own process answers on the port: one that cannot have it stays alive and says so in its log."""
    deadline = time.monotonic() + START_S
    while listeners.verdict(port, (process.pid,)) is not None:
        if process.poll() is not None or time.monotonic() > deadline:
            raise CannotMeasure(
                f"Toxiproxy did not start (status {process.poll()}). Its last lines:\n{processes.tail(log, 6)}",
                "Mend what they say, or name a running server with TOXIPROXY_URL.",
            )
        time.sleep(0.01)
    return _fitting(version(f"http://{HOST}:{port}"))


def _fitting(found: str) -> str:
    if not found.startswith(KNOWN):
        raise CannotMeasure(
            f"This Toxiproxy is version {found}; 2.x is needed.",
            "Install 2.12, or take it off the PATH and unset TOXIPROXY_URL: the harness then builds its own.",
        )
    return found


def _unlike(what: str, wanted: Any, seen: Any) -> ToxiproxyError:
    return ToxiproxyError(
        f"Toxiproxy took {what}, and then told another: asked was {wanted}, told {seen}.",
        "Run the trial again; where TOXIPROXY_URL names the server, let nobody else change it.",
    )
