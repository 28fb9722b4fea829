"""Graceful shutdown."""

from __future__ import annotations

from harness.claims.claim import Claim, Probe, Zero
from harness.course import Alike, Course, Never, Subject, Timeline
from harness.model import Fault, Load

APP = "targets.truth.slow:app"

AT_S = 1.0
"""When the signal comes: a second of requests tells what works without it, and as long ones are in flight."""

LOST = ("rst", "eof", "timeout", "protocol", "5xx", "unsent")
"""A refused connection is none of them: nothing was taken on, and another replica may be asked at no risk."""

SERVERS = {
    "uvicorn": "uvicorn,loop=uvloop,http=httptools",
    "uvicorn, 2 workers": "uvicorn,loop=uvloop,http=httptools,workers=2",
    "granian": "granian",
    "gunicorn with uvicorn workers": "gunicorn",
    "gunicorn's own ASGI worker": "gunicorn_asgi",
}
"""As they come out of the box; one worker where nothing else is said."""

POLICIES = {
    "careful": "a client that looks for the server's end before it uses a connection again",
    "naive": "a client that does not",
}

MIX = {
    "kinds": {"quick": 0.7, "slow": 0.12, "stream": 0.06, "half": 0.06, "byteless": 0.06},
    "policies": {"fresh": 1.0, "careful": 1.0, "naive": 1.0},
    "slow_ms": 600,
    "stream_ms": 600,
    "half_ms": 400,
    "byteless_ms": 400,
}
"""Everything in flight ends by itself within 600 ms, far below any limit of a shutdown."""

LOAD = Load(model="open", rate_rps=150.0, warmup_s=0.5, measure_s=3.0)


def _signal(fault: str) -> tuple[Fault, ...]:
    return (Fault(fault=fault, on="target", start_s=AT_S, end_s=None),)


SHUTDOWN = Course(
    id="shutdown",
    subjects=(
        *(Subject(name, target) for name, target in SERVERS.items()),
        *(Subject(f"{name}, SIGINT", target, faults=_signal("interrupt")) for name, target in SERVERS.items()),
    ),
    faults=_signal("terminate"),
    load=LOAD,
    paths=("/quick",),
    what="the server gets SIGTERM, or SIGINT where its name says so, at 1 s",
    scenario="shutdown",
    parameters=MIX,
    app=APP,
)

ROLLED = {
    "uvicorn, 2 workers": SERVERS["uvicorn, 2 workers"],
    "granian, 2 workers": "granian,workers=2",
    "gunicorn with 2 uvicorn workers": "gunicorn,workers=2",
    "gunicorn's own ASGI worker, 2 workers": "gunicorn_asgi,workers=2",
}

ROLLING = Course(
    id="rolling-restart",
    subjects=tuple(Subject(name, target) for name, target in ROLLED.items()),
    faults=_signal("rolling_restart"),
    load=LOAD,
    paths=("/quick",),
    what="the supervisor gets SIGHUP, the order to replace its workers, at 1 s",
    scenario="shutdown",
    parameters=MIX,
    app=APP,
)

CLAIMS = (
    Claim(
        number=40,
        id="sigterm-graceful",
        section="Graceful Shutdown",
        statement="SIGTERM starts a graceful shutdown.",
        hypothesis=(
            "No request that a connection was had for is dropped (reset, cut off, timed out or 5xx), whatever the "
            "server and the client's habit; counted by class. During a rolling restart none is refused either."
        ),
        experiment="timeline",
        needs=("RAW",),
        conditions=(
            *(
                Timeline(
                    name=f"{server}, {policy} client",
                    course=SHUTDOWN,
                    rule=Never(subject=server, classes=LOST, names=policy),
                    group="SIGTERM",
                )
                for server in SERVERS
                for policy in POLICIES
            ),
            *(
                Timeline(
                    name=f"SIGHUP: {server}, careful client",
                    course=ROLLING,
                    rule=Never(subject=server, classes=("refused", *LOST), names="careful"),
                    group="SIGHUP",
                )
                for server in ROLLED
            ),
        ),
    ),
    Claim(
        number=41,
        id="sigint-like-sigterm",
        section="Graceful Shutdown",
        statement="SIGINT does the same as SIGTERM.",
        hypothesis="The share of requests lost and the time to exit do not differ.",
        experiment="timeline",
        needs=("RAW",),
        parts=True,
        conditions=(
            *(
                Timeline(
                    name=f"requests lost: {server}",
                    course=SHUTDOWN,
                    # A hundredth: one request in three of what is in flight at the signal.
                    rule=Alike(subject=f"{server}, SIGINT", reference=server, margin=0.01),
                    figure="lost",
                )
                for server in SERVERS
            ),
            *(
                Timeline(
                    name=f"time to exit: {server}",
                    course=SHUTDOWN,
                    rule=Alike(subject=f"{server}, SIGINT", reference=server, margin=0.5),
                    figure="exit_s",
                )
                for server in SERVERS
            ),
        ),
    ),
    Claim(
        number=42,
        id="in-flight-finish",
        section="Graceful Shutdown",
        statement="Requests in progress are finished.",
        hypothesis="All that were sent before SIGTERM are completed: each takes at most 0.6 s, below any limit.",
        experiment="timeline",
        needs=("RAW",),
        conditions=tuple(
            Timeline(
                name=server,
                course=SHUTDOWN,
                # A connection that has said nothing yet is no request in progress.
                rule=Never(subject=server, classes=("refused", *LOST), moments=("before",), but="byteless"),
            )
            for server in SERVERS
        ),
    ),
    Claim(
        number=43,
        id="database-connections-close",
        section="Graceful Shutdown",
        statement="Database connections are closed.",
        hypothesis=(
            "Half a second after the exit under load PostgreSQL counts 0 connections of the service, whatever the "
            "server; with a statement that hangs beyond the server's limit, too. After SIGKILL it notices by itself."
        ),
        experiment="probe",
        needs=("PG",),
        conditions=tuple(
            Probe(
                name=name,
                module="targets.probes.connections_left",
                rule=Zero("ends"),
                value="left",
                where={"subject": subject},
                behind=("postgres",),
                rows=10_000,
                spoken="a connection left behind",
            )
            for name, subject in (
                ("SIGTERM under load", "SIGTERM"),
                ("SIGTERM while a statement hangs", "SIGTERM, hung"),
                ("SIGKILL under load", "SIGKILL"),
            )
        ),
    ),
    Claim(
        number=44,
        id="logs-flushed",
        section="Graceful Shutdown",
        statement="Logs and metrics are flushed.",
        hypothesis="The last spans and lines before SIGTERM all arrive.",
        experiment="timeline",
        needs=("OT",),
    ),
    Claim(
        number=45,
        id="shutdown-limit",
        section="Graceful Shutdown",
        statement="Shutting down takes no longer than a limit, such as 30 s.",
        hypothesis=(
            "With an endless stream open the server exits within 30 s as shipped, and within its own limit where one "
            "is configured; a second more is allowed."
        ),
        experiment="probe",
        origin="the standard's",
        needs=("RAW",),
        conditions=tuple(
            Probe(
                name=name,
                module="targets.probes.shutdown_limit",
                rule=Zero("shutdowns"),
                value="over",
                where={"subject": name},
                spoken="a shutdown beyond its limit",
            )
            for name in (
                "uvicorn, as shipped",
                "granian, as shipped",
                "gunicorn, as shipped",
                "gunicorn_asgi, as shipped",
                "uvicorn, limit 2 s",
                "granian, limit 2 s",
                "gunicorn, limit 2 s",
                "gunicorn_asgi, limit 2 s",
            )
        ),
    ),
)
