"""Arms as containers of the service's image: the one that Compose builds, started through the engine.

Compose starts a project and not an arm: a process of its own for each block, and neither process ids nor exit states
in its answer.  So it builds, and the engine starts, with what compose.yaml grants its services: nothing writable but
/tmp, no capability, no new privileges, the arms' core.  The target of a course of faults may write to two more folders:
its ledger, which is one of this machine, and a small disk where the course gives it one.

Containers share the host's network and their servers bind to 127.0.0.1 there.  Publishing a port on loopback leads
every byte through docker-proxy, a process of its own that copies on whatever core is free: on two cores it takes the
arms' or the generator's, and adds its own latency.  So an arm differs from one of the local runtime by its container
alone, and what stands behind the arms is reached as it is there.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import secrets
import signal
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from harness import listeners, processes, supervisor
from harness.engine import LABEL, Engine, Image
from harness.errors import CannotMeasure, EngineGone
from harness.meters import cgroup
from harness.meters.cgroup import Group, GroupMeter
from harness.meters.engine_stats import StatsMeter
from harness.meters.meter import Meter
from harness.meters.process_clock import Tree, members, pss_bytes
from harness.model import App, Target
from harness.runtimes import local
from harness.runtimes.private_disk import Disk
from harness.runtimes.runtime import Runtime

HARDENED: Mapping[str, Any] = {
    "read_only": True,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
    "tmpfs": {"/tmp": "size=64m,mode=1777"},  # noqa: S108  (the container's own, and all that it may write)
    "network_mode": "host",
    # The image's health check would start a Python of its own every few seconds, on the arms' core.
    "healthcheck": {"test": ["NONE"]},
}

PYTHON = "python"
"""The interpreter on the image's PATH."""

ARM = "service-harness.arm"
WHO = "/internal/arm"
"""Where the reference service echoes its nonce."""

GONE = "the container engine does not answer"

KNOWN_S = 5.0
"""The engine learns of an end later than the kernel; so long it is asked for the exit status."""

SIGNALLED = 128
"""The engine, as a shell does, adds this to the number of the signal that ended a process."""


class Container(Struct, frozen=True):
    """An arm in its container."""

    name: str
    port: int
    url: str
    log: Path
    handle: Any
    """A ``docker.models.containers.Container``."""
    pid: int
    """Its first process, as the engine's machine knows it."""
    group: Group | None
    nonce: str | None
    """What the reference service answers at ``/internal/arm``; None for any other app."""
    memory: str | None
    """Its limit as it was written."""

    def pids(self) -> tuple[int, ...]:
        """The living processes, empty where they cannot be seen from here."""
        return tuple(members(self.pid)) if cgroup.sees(self.handle.id, self.pid) else ()

    def signal(self, pid: int, number: int) -> None:
        """Send it to the first process through the engine, to a worker, which the engine cannot name, by its number.

        The engine answers after a signal was delivered, and of a kill long after it.  Raises ProcessLookupError
        where the process is gone, CannotMeasure where it is the engine that is, or refuses.
        """
        if not cgroup.sees(self.handle.id, pid):
            raise ProcessLookupError
        if pid != self.pid:
            os.kill(pid, number)
            return
        with _asking():
            self.handle.kill(number)

    def ended(self) -> int | None:
        """Exit status as the engine tells it; what it tells as 128 + n is −n, as for a process of this machine."""
        deadline = time.monotonic() + KNOWN_S
        while (state := _state(self.handle))["Running"]:
            if cgroup.sees(self.handle.id, self.pid) or time.monotonic() > deadline:
                return None
            time.sleep(0.02)
        return signed(int(state["ExitCode"]))

    def meter(self) -> Meter:
        """The CPU clock of its processes, which alone is exact; else its control group, else the engine's figures."""
        if cgroup.sees(self.handle.id, self.pid):
            return Tree(self.pid)
        return GroupMeter(self.group, self.pid) if self.group is not None else StatsMeter(self.handle, self.pid)

    def wait_ready(self, paths: Sequence[str], expect: Sequence[int]) -> None:
        """Wait until it alone answers every path; raises CannotMeasure with what it saw."""
        local.await_answers(
            self.name, self.url, paths, expect, ended=self._ended_at_start, last_words=lambda: _words(self.handle)
        )
        wrong = self._stranger()
        if wrong is not None:
            raise local.not_alone(self.name, wrong)

    def still_alone(self) -> str | None:
        """None while it lives and alone answers; a death for want of memory is told by ``killed_for_memory``."""
        try:
            state = _state(self.handle)
        except CannotMeasure as error:
            return f"{self.name}: {error.message}"
        if state["Running"]:
            return self._stranger()
        status = state["ExitCode"]
        return None if state["OOMKilled"] else f"{self.name} ended during the block with status {status}"

    def killed_for_memory(self) -> str | None:
        """A process that the kernel killed at the container's limit, the first or a worker."""
        kills = cgroup.killed_for_memory(self.group) if self.group is not None else None
        with contextlib.suppress(CannotMeasure):
            kills = kills or int(_state(self.handle)["OOMKilled"])
        return self._overstepped() if kills else None

    def pss_bytes(self) -> int | None:
        """Memory of its processes."""
        return pss_bytes(self.pids())

    def peak_bytes(self) -> int | None:
        """Most memory that its control group ever held."""
        return cgroup.memory_peak_bytes(self.group) if self.group is not None else None

    def ask_to_end(self) -> None:
        """Send its first process SIGTERM, through the engine."""
        with contextlib.suppress(CannotMeasure), _asking():
            self.handle.kill("SIGTERM")

    def end_by(self, deadline_s: float) -> None:
        """Wait for it, keep its log, remove it; where the engine is gone, kill what can be seen of it."""
        while self._runs() and time.monotonic() < deadline_s:
            time.sleep(0.02)
        self.log.write_text(_words(self.handle, lines="all"))
        try:
            with _asking():
                self.handle.remove(force=True, v=True)
        except CannotMeasure:
            supervisor.send(list(self.pids()), signal.SIGKILL)

    def _runs(self) -> bool:
        if cgroup.sees(self.handle.id, self.pid):
            return True
        try:
            return bool(_state(self.handle)["Running"])
        except CannotMeasure:
            return False

    def _ended_at_start(self) -> str | None:
        if cgroup.sees(self.handle.id, self.pid):
            return None
        state = _state(self.handle)
        if state["Running"]:
            return None
        if state["OOMKilled"]:
            return self._overstepped().removeprefix(f"{self.name} ") + " at start"
        return f"ended at start with status {state['ExitCode']}"

    def _overstepped(self) -> str:
        return f"{self.name} was killed for memory" + (f" (its limit: {self.memory})" if self.memory else "")

    def _stranger(self) -> str | None:
        """Who else answers: by the sockets of its processes where they can be seen, and by the nonce."""
        seen = self.pids()
        wrong = listeners.verdict(self.port, seen) if seen else None
        if wrong is not None or self.nonce is None:
            return wrong if seen else f"nobody here can see whose port {self.port} is"
        try:
            told = json.loads(local.verify_path(self.url, WHO, (200,))).get("nonce")
        except (OSError, ValueError) as error:
            return f"{WHO} does not answer: {error}"
        return None if told == self.nonce else f"{WHO} answers with another's nonce"


def runtime(engine: Engine, image: Image) -> Runtime:
    """Containers of ``image`` as a place where targets run."""
    return Runtime(
        name="compose",
        launch=functools.partial(launch, engine, image),
        record={
            "engine": engine.version,
            "compose": engine.compose,
            "cgroup": engine.cgroup,
            "image": image.id,
            "tag": image.tag,
        },
    )


def launch(
    engine: Engine,
    image: Image,
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
    written: Path | None = None,
    disk: Disk | None = None,
) -> Container:
    """Start a target in a container of its own.  Raises CannotMeasure with the engine's words where it refuses."""
    port = listeners.free_port(promised)
    nonce = secrets.token_hex(8) if app.module is None else None
    options = arguments(target, app, port, root=root, session=session, cores=cores, lent=lent, nonce=nonce)
    options |= folders(written, disk)
    with _asking():
        handle = engine.client.containers.create(image.id, labels={LABEL: session.label, ARM: name}, **options)
        try:
            handle.start()
            handle.reload()
        except BaseException:
            handle.remove(force=True, v=True)
            raise
    pid = int(handle.attrs["State"]["Pid"])
    return Container(
        name=name,
        port=port,
        url=f"http://{local.HOST}:{port}",
        log=logs / f"{name}.log",
        handle=handle,
        pid=pid,
        group=cgroup.find(handle.id, pid),
        nonce=nonce,
        memory=target.options.get("memory"),
    )


def arguments(
    target: Target,
    app: App,
    port: int,
    *,
    root: Path,
    session: processes.Session,
    cores: Sequence[int] | None,
    lent: Mapping[str, str] | None,
    nonce: str | None,
    uid: int | None = None,
) -> dict[str, Any]:
    """How the engine is told to run it: the server's argv, its environment, and no more rights than it needs.

    A harness that is not root gives the container its own account, so that it may look at its sockets and memory.
    """
    argv = local.command(target, app, port, root, python=PYTHON)
    who = os.getuid() if uid is None else uid
    memory = target.options.get("memory")
    return {
        **HARDENED,
        "entrypoint": argv[:1],
        "command": argv[1:],
        "environment": {
            "PYTHONUNBUFFERED": "1",
            **({"SERVICE_SERIALIZER": target.serializer} if target.serializer else {}),
            **({"SERVICE_NONCE": nonce} if nonce else {}),
            **(lent or {}),
            **target.environment,
            # By this the supervisor finds the processes even where the engine hangs.
            supervisor.LABEL: session.label,
        },
        **({"user": f"{who}:{os.getgid()}"} if who else {}),
        **({"cpuset_cpus": ",".join(map(str, cores))} if cores else {}),
        # As much swap as memory would hide what the limit does.
        **({"mem_limit": memory, "memswap_limit": memory} if memory else {}),
    }


def folders(written: Path | None, disk: Disk | None) -> dict[str, Any]:
    """How the engine is told what else the container may write to, under the names that it has here.

    The image's account is nobody of this machine: ``written`` is opened to all, and its path alone to the container.
    """
    from docker.types import Mount  # noqa: PLC0415  (only sessions with containers need it)

    found: dict[str, Any] = {}
    if written is not None:
        written.chmod(0o1777)
        found["mounts"] = [Mount(str(written), str(written), type="bind")]
    if disk is not None:
        found["tmpfs"] = {**HARDENED["tmpfs"], str(disk.folder): f"size={disk.size_mib}m,mode=1777"}
    return found


def signed(status: int) -> int:
    """Exit status of a process from the engine's: −n where signal n ended it, which the engine tells as 128 + n.

    A program that itself exits with 128 + n cannot be told from one that the signal ended.
    """
    number = status - SIGNALLED
    return -number if number in set(signal.Signals) else status


def _state(handle: Any) -> dict[str, Any]:
    """What the engine says of a container's end; raises CannotMeasure where it does not answer."""
    with _asking():
        handle.reload()
    state: dict[str, Any] = handle.attrs["State"]
    return state


def _words(handle: Any, lines: int | str = 12) -> str:
    """Last lines of a container's output; empty where the engine does not give them."""
    with contextlib.suppress(CannotMeasure), _asking():
        return str(handle.logs(tail=lines).decode(errors="replace").rstrip())
    return ""


@contextlib.contextmanager
def _asking() -> Iterator[None]:
    """Whatever the SDK and its HTTP client raise becomes one error with a mend, here and nowhere else."""
    from docker.errors import APIError, DockerException  # noqa: PLC0415  (only sessions with containers need them)
    from requests.exceptions import RequestException  # noqa: PLC0415

    try:
        yield
    except APIError as error:
        raise CannotMeasure(
            f"The container engine refuses: {error.explanation or error}", "Mend what it names, then run again."
        ) from error
    except (DockerException, RequestException, OSError) as error:
        raise EngineGone(
            f"In the middle of the session {GONE}.", "Start it again, then go on with `harness resume RUN`."
        ) from error
