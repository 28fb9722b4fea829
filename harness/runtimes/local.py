"""Servers as processes of this machine: started, verified before load, stopped."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from harness import catalog, listeners, processes
from harness.errors import CannotMeasure
from harness.meters.process_clock import Tree, members, pss_bytes
from harness.model import App, Target
from harness.runtimes import private_disk
from harness.runtimes.private_disk import Disk
from harness.runtimes.runtime import Runtime

HOST = "127.0.0.1"

READY_S = 30.0
"""A FastAPI service imports in under 2 s; ten times that and a slow disk is still not 30 s."""

REFERENCE_APP = "targets.service.main:create_app"
TRUTH_APP = "targets.truth.app:app"

_KEPT_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "TZ")
"""What a foreign app keeps of the caller's environment: everything else could differ between runs."""


class Server(Struct, frozen=True):
    """A started server: its process, port, address and log."""

    name: str
    process: subprocess.Popen[bytes] | None
    """None for a service that the harness did not start."""
    port: int
    url: str
    log: Path

    def pids(self) -> tuple[int, ...]:
        """The living process tree; empty where the process is not ours."""
        return tuple(members(self.process.pid)) if self.process is not None else ()

    def signal(self, pid: int, number: int) -> None:
        """Send it as the system does; raises ProcessLookupError where the process is gone."""
        os.kill(pid, number)

    def ended(self) -> int | None:
        """Exit status, −n for signal n; None while it runs, and for a process that is not ours."""
        return self.process.poll() if self.process is not None else None

    def wait_ready(self, paths: Sequence[str], expect: Sequence[int]) -> None:
        """As the function."""
        wait_ready(self, paths, expect)

    def still_alone(self) -> str | None:
        """As the function."""
        return still_alone(self)

    def killed_for_memory(self) -> str | None:
        """The system does not say whom it killed for what."""
        return None

    def meter(self) -> Tree | None:
        """The CPU clock of its process tree."""
        return Tree(self.process.pid) if self.process is not None else None

    def pss_bytes(self) -> int | None:
        """Memory of its process tree."""
        return pss_bytes(self.pids())

    def peak_bytes(self) -> int | None:
        """Nobody keeps the highest memory of a process tree."""
        return None

    def ask_to_end(self) -> None:
        """Send its whole group SIGTERM."""
        if self.process is not None:
            processes.ask_to_end(self.process)

    def end_by(self, deadline_s: float) -> None:
        """Kill its whole group where it has not ended by then."""
        if self.process is not None:
            processes.end_by(self.process, deadline_s)


def interpreter(target: Target) -> str:
    """The Python that runs the target: its ``python`` option, else the one of the harness."""
    return target.options.get("python", sys.executable)


def environment(target: Target, app: App, root: Path, lent: Mapping[str, str] | None = None) -> dict[str, str]:
    """A clean environment for the target: a few names of the caller, its own, its import path, what it is lent."""
    kept = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    folder = str(root) if app.directory is None else str(Path(app.directory).resolve())
    serializer = {"SERVICE_SERIALIZER": target.serializer} if target.serializer else {}
    return {
        **kept,
        "PYTHONPATH": folder,
        "PYTHONUNBUFFERED": "1",
        **serializer,
        **(lent or {}),
        **target.environment,
    }


def command(
    target: Target, app: App, port: int, root: Path, plugins: Sequence[Path] = (), *, python: str | None = None
) -> list[str]:
    """The argv of the target's server for this app and port; ``python`` runs it where no interpreter of here can."""
    if target.server is None:
        raise ValueError("a URL is not started")
    plugin = catalog.server(catalog.find("server", target.server, catalog.servers(root, plugins)))
    module = app.module or REFERENCE_APP
    return plugin.argv(
        python=python or interpreter(target),
        app=module,
        factory=app.module is None,
        host=HOST,
        port=port,
        options=catalog.own_options(target),
    )


def probe_import(target: Target, app: App, root: Path) -> None:
    """Import the app in its own interpreter; raises CannotMeasure with the error's last lines."""
    module, _, attribute = (app.module or REFERENCE_APP).partition(":")
    code = (
        "import importlib, functools, sys\n"
        "found = functools.reduce(getattr, sys.argv[2].split('.'), importlib.import_module(sys.argv[1]))\n"
        "assert callable(found), f'{sys.argv[1]}:{sys.argv[2]} is not callable'\n"
    )
    try:
        done = subprocess.run(
            [interpreter(target), "-c", code, module, attribute or "app"],
            env=environment(target, app, root),
            cwd=_folder(app, root),
            capture_output=True,
            text=True,
            timeout=READY_S,
            check=False,
        )
    except FileNotFoundError as error:
        raise CannotMeasure(
            f"The interpreter {interpreter(target)} does not exist.", "Name an existing one with python=PATH."
        ) from error
    except subprocess.TimeoutExpired as error:
        raise CannotMeasure(
            f"Importing {module} takes longer than {READY_S:.0f} s.", "Do start-up work in the lifespan."
        ) from error
    if done.returncode:
        last = "\n".join(done.stderr.strip().splitlines()[-6:])
        raise CannotMeasure(
            f"The app {module}:{attribute or 'app'} cannot be imported by {interpreter(target)}:\n{last}",
            "Check --app MODULE:ATTRIBUTE and --app-dir DIR, and that its packages are installed there.",
        )


def _folder(app: App, root: Path) -> Path:
    return root if app.directory is None else Path(app.directory).resolve()


def launch(
    name: str,
    target: Target,
    app: App,
    *,
    root: Path,
    session: processes.Session,
    logs: Path,
    cores: Sequence[int] | None,
    promised: Collection[int] = (),
    lent: Mapping[str, str] | None = None,
    written: Path | None = None,  # noqa: ARG001  (a process of this machine writes wherever its account may)
    disk: Disk | None = None,
) -> Server:
    """Start a target on a free port, none of those ``promised`` to others; does not wait for it.

    ``lent`` are the addresses of what stands behind it; what the target's own environment names goes first.
    Raises CannotMeasure where it cannot have the ``disk`` for its own.
    """
    if disk is not None:
        private_disk.require()
    port = listeners.free_port(promised)
    log = logs / f"{name}.log"
    process = processes.start(
        [*(private_disk.prefix(disk) if disk else ()), *command(target, app, port, root)],
        session=session,
        environment=environment(target, app, root, lent),
        log=log,
        cores=cores,
        directory=_folder(app, root),
    )
    return Server(name=name, process=process, port=port, url=f"http://{HOST}:{port}", log=log)


def wait_ready(server: Server, paths: Sequence[str], expect: Sequence[int], deadline_s: float = READY_S) -> None:
    """Wait until the server answers every path as expected; raises CannotMeasure with what it saw."""

    def ended() -> str | None:
        process = server.process
        return None if process is None or process.poll() is None else f"ended at start with status {process.returncode}"

    def last_words() -> str:
        return processes.tail(server.log)

    await_answers(server.name, server.url, paths, expect, ended=ended, last_words=last_words, deadline_s=deadline_s)
    wrong = listeners.verdict(server.port, server.pids()) if server.process is not None else None
    if wrong is not None:
        raise not_alone(server.name, wrong)


def not_alone(name: str, wrong: str) -> CannotMeasure:
    """Another server answers in the arm's place."""
    return CannotMeasure(f"{name} is not alone: {wrong}.", "End the other server, or run `harness down`.")


def await_answers(
    name: str,
    url: str,
    paths: Sequence[str],
    expect: Sequence[int],
    *,
    ended: Callable[[], str | None],
    last_words: Callable[[], str] | None,
    deadline_s: float = READY_S,
    mend: str = "Mend the app or the server's options, then run again.",
) -> None:
    """Ask until every path answers as expected.

    Raises CannotMeasure with the ``mend`` where ``ended`` says how the server ended, where it answers otherwise, or not
    in time.  ``last_words`` is None where nobody can read what it prints.
    """
    deadline = time.monotonic() + deadline_s
    while True:
        gone = ended()
        if gone is not None:
            raise CannotMeasure(f"{name} {gone}.{_printed(last_words)}", mend)
        try:
            for path in paths:
                verify_path(url, path, expect)
        except OSError as error:
            if time.monotonic() > deadline:
                slow = f"did not answer within {deadline_s:.0f} s ({error.strerror or error})"
                raise CannotMeasure(f"{name} {slow}.{_printed(last_words)}", mend) from None
            time.sleep(0.02)
        else:
            return


def _printed(last_words: Callable[[], str] | None) -> str:
    """What it said last, behind a sentence; nothing where nobody can know."""
    if last_words is None:
        return ""
    said = last_words()
    return f" Its last lines:\n{said}" if said.strip() else " It printed nothing."


def verify_path(url: str, path: str, expect: Sequence[int], headers: Mapping[str, str] | None = None) -> bytes:
    """Ask one path once; raises CannotMeasure naming an unexpected status, OSError without an answer."""
    address = url.removeprefix("http://").rstrip("/")
    connection = http.client.HTTPConnection(address, timeout=10)
    try:
        connection.request("GET", path, headers=dict(headers or {}))
        answer = connection.getresponse()
        body = answer.read()
    except http.client.HTTPException as error:
        raise ConnectionError(str(error)) from error
    finally:
        connection.close()
    if answer.status not in expect:
        where = f" to {answer.getheader('location')}" if answer.getheader("location") else ""
        raise CannotMeasure(
            f"{path} answers {answer.status}{where} instead of {' or '.join(map(str, expect))}"
            f" (asked before any load): {body[:200].decode(errors='replace')}",
            "Name a path that answers as expected with --path, or mend the app.",
        )
    return body


def still_alone(server: Server) -> str | None:
    """None when the server lives and alone answers on its port, else what is wrong."""
    if server.process is None:
        return None
    if server.process.poll() is not None:
        return f"{server.name} ended during the block with status {server.process.returncode}"
    return listeners.verdict(server.port, server.pids())


def stop(servers: Sequence[Server]) -> None:
    """End all servers, whole groups, at once."""
    processes.stop([server.process for server in servers if server.process is not None])


RUNTIME = Runtime(name="local", launch=launch)
"""Processes of this machine, which is how a session runs unless told otherwise."""
