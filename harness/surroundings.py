"""What stands around one subject of a course: the services behind it, proxies between, places where faults strike."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from harness.backends import network, toxiproxy
from harness.backends.backing import DATABASE_URL, REDIS_URL, lending
from harness.block import Rig
from harness.course import Course, Subject
from harness.faults.fault import Place
from harness.model import App, Behind, Target
from harness.runtimes import local
from harness.runtimes.private_disk import Disk
from harness.runtimes.runtime import Server, stop

UPSTREAM_APP = "targets.upstream.app:app"
UPSTREAM_URL = "UPSTREAM_URL"


class Setting(Struct, frozen=True):
    """What stands around one subject: its environment, its places for faults, and what to ask afterwards."""

    environment: dict[str, str]
    places: dict[str, Place]
    upstream: Server | None
    proxies: toxiproxy.Toxiproxy | None
    ledger: Path
    """Where the target writes down what it got."""
    disk: Disk | None
    """What the target has of a disk of its own."""


@contextlib.contextmanager
def around(course: Course, subject: Subject, rig: Rig, place: Path, seed: int) -> Iterator[Setting]:
    """Start everything that stands behind the subject, with Toxiproxy between where the course says so."""
    ledger = (place / "ledger").resolve()
    ledger.mkdir()
    environment = {"LEDGER_DIR": str(ledger)}
    if course.app is None:
        environment["SERVICE_LEDGER__KIND"] = "on"
    behind = Behind(backends=course.behind, rows=course.rows, seed=seed, own=True) if course.behind else None
    cores = rig.layout.arms if rig.layout.pinned else None
    with contextlib.ExitStack() as stack:
        lent = stack.enter_context(lending(rig.backing, behind, ["target"]))
        environment |= lent.environments.get("target", {})
        upstream = None
        if course.upstream is not None:
            upstream = _dependency(course.upstream, rig, place)
            stack.callback(stop, [upstream])
            upstream.wait_ready(["/quote/1"], (200,))
            environment[UPSTREAM_URL] = upstream.url
        proxies = None
        if course.proxied and not subject.direct:
            proxies = stack.enter_context(toxiproxy.embedded(rig.root, rig.session, cores))
        places = _places(course, environment, proxies, upstream, rig)
        disk = _disk(course, place, environment)
        yield Setting(environment, places, upstream, proxies, ledger, disk)


def _disk(course: Course, place: Path, environment: dict[str, str]) -> Disk | None:
    """A folder that only the target will see as a disk of its own; ``environment`` learns of it."""
    if course.disk_mib is None:
        return None
    folder = (place / "disk").resolve()
    folder.mkdir()
    environment["TMPDIR"] = str(folder)
    return Disk(folder, course.disk_mib)


ADDRESSES = {"postgres": DATABASE_URL, "valkey": REDIS_URL, "upstream": UPSTREAM_URL}
"""Where a target reads the address of each thing behind it."""


def _places(
    course: Course,
    environment: dict[str, str],
    proxies: toxiproxy.Toxiproxy | None,
    upstream: Server | None,
    rig: Rig,
) -> dict[str, Place]:
    """Where faults can strike; addresses in ``environment`` are led through their proxies."""
    cores = rig.layout.arms if rig.layout.pinned else None
    places = {}
    if upstream is not None:
        places["upstream"] = Place(server=upstream, session=rig.session, cores=cores)
    if proxies is None:
        return places
    for name in course.proxied:
        if name == "client":
            continue
        variable = ADDRESSES[name]
        proxy, environment[variable] = network.through(proxies, name, environment[variable], rig.session)
        places[name] = Place(
            proxies=proxies, proxy=proxy, server=upstream if name == "upstream" else None,
            session=rig.session, cores=cores,
        )  # fmt: skip
    return places


def launch(target: Target, course: Course, rig: Rig, place: Path, setting: Setting) -> Server:
    """Start the subject on the arms' core, where the session's targets run; its log lies beside the samples."""
    return rig.runtime.launch(
        "target",
        target,
        App(module=course.app),
        root=rig.root,
        session=rig.session,
        logs=place / "logs",
        cores=rig.layout.arms if rig.layout.pinned else None,
        lent=setting.environment,
        written=setting.ledger,
        disk=setting.disk,
    )


def _dependency(settings: Mapping[str, str], rig: Rig, place: Path) -> Server:
    """The service behind the subject, a process of this machine wherever the subject runs."""
    return local.launch(
        "upstream",
        Target(spec="uvicorn", server="uvicorn"),
        App(module=UPSTREAM_APP),
        root=rig.root,
        session=rig.session,
        logs=place / "logs",
        cores=rig.layout.arms if rig.layout.pinned else None,
        lent=settings,
    )


def address(course: Course, server: Server, setting: Setting, rig: Rig) -> str:
    """Where the clients send to: the server, or a proxy before it; the places learn of both."""
    cores = rig.layout.arms if rig.layout.pinned else None
    disk = setting.disk.folder if setting.disk is not None else None
    setting.places["target"] = Place(server=server, session=rig.session, cores=cores, disk=disk)
    if "client" not in course.proxied or setting.proxies is None:
        return server.url
    proxy = toxiproxy.proxy(setting.proxies, "client", f"127.0.0.1:{server.port}", rig.session)
    setting.places["client"] = Place(
        proxies=setting.proxies, proxy=proxy, server=server, session=rig.session, cores=cores
    )
    return f"http://127.0.0.1:{proxy.port}"
