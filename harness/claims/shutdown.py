"""Graceful shutdown."""

from __future__ import annotations

from harness.claims.claim import Claim, Condition, Probe, Zero
from harness.course import Alike, Course, Never, Subject, Timeline
from harness.model import Fault, Load

APP = "targets.truth.slow:app"

AT_S = 0.5
"""When the signal comes: half a second of requests tells what works without it, and as long ones are in flight."""

LOST = ("rst", "eof", "timeout", "protocol", "5xx", "unsent")
"""A refused connection is none of them: nothing was taken on, and another replica may be asked at no risk."""

UVICORN = "uvicorn,loop=uvloop,http=httptools"

SERVERS = {
    "uvicorn": UVICORN,
    "uvicorn, 2 workers": f"{UVICORN},workers=2",
    "granian": "granian",
    "gunicorn with uvicorn workers": "gunicorn",
    "gunicorn's own ASGI worker": "gunicorn_asgi",
}
"""As they come out of the box; one worker where nothing else is said."""

DRAIN_S = 0.6
"""Longer than anything in flight: whoever keeps a connection uses it once more, and is told to leave."""

BEST = f",DRAIN_S={DRAIN_S}"
"""The service's own drain: no server has an option that does the same."""

LIMITS = {
    "uvicorn": "graceful_timeout",
    "granian": "kill_timeout",
    "gunicorn": "graceful_timeout",
    "gunicorn_asgi": "graceful_timeout",
}
"""Each server's own option that limits a shutdown: without one uvicorn and granian may wait for ever."""

LIMIT_S = 10
"""Far beyond what is in flight."""

POLICIES = {
    "careful": "a client that looks for the server's end before it uses a connection again",
    "naive": "a client that does not",
}

MIX = {
    "kinds": {"quick": 0.7, "slow": 0.12, "stream": 0.06, "half": 0.06, "byteless": 0.06},
    "policies": {"fresh": 1.0, "careful": 1.0, "naive": 1.0, "retry_once": 1.0},
    "slow_ms": 400,
    "stream_ms": 400,
    "half_ms": 300,
    "byteless_ms": 300,
}
"""Everything in flight ends by itself within 400 ms, far below any limit of a shutdown."""

LOAD = Load(model="open", rate_rps=200.0, warmup_s=0.3, measure_s=1.6)
"""What is in flight at the signal has ended half a second before the load does."""

SHIPPED, AT_BEST = "as shipped", "limit, drain"


SIGINT = ", SIGINT"
"""How the names of those end that get SIGINT."""


def _limited(target: str, limit_s: int) -> str:
    return f"{target},{LIMITS[target.partition(',')[0]]}={limit_s}"


def _best(target: str) -> str:
    return f"{_limited(target, LIMIT_S)}{BEST}"


def _signal(fault: str) -> tuple[Fault, ...]:
    return (Fault(fault=fault, on="target", start_s=AT_S, end_s=None),)


def _stopped(options: str, suffixes: tuple[str, ...]) -> tuple[Subject, ...]:
    """Every server under SIGTERM, or under SIGINT where its name ends so."""
    best = options == AT_BEST
    return tuple(
        Subject(
            f"{name}{suffix}",
            _best(target) if best else target,
            faults=_signal("interrupt") if suffix else None,
            row=(name, "SIGINT" if suffix else "SIGTERM", options),
        )
        for suffix in suffixes
        for name, target in SERVERS.items()
    )


SHUTDOWN = Course(
    id="shutdown",
    subjects=_stopped(SHIPPED, ("", SIGINT)),
    faults=_signal("terminate"),
    load=LOAD,
    paths=("/quick",),
    what=f"the server gets SIGTERM, or SIGINT where its name says so, at {AT_S} s",
    scenario="shutdown",
    parameters=MIX,
    app=APP,
)


def _at_best(name: str, suffix: str, what: str) -> Course:
    return Course(
        id=name,
        subjects=_stopped(AT_BEST, (suffix,)),
        faults=_signal("terminate"),
        load=Load(model="open", rate_rps=200.0, warmup_s=0.3, measure_s=1.6 + DRAIN_S),
        paths=("/quick",),
        what=f"the server has a limit of 10 s and the service a drain of {DRAIN_S} s, and {what} at {AT_S} s",
        scenario="shutdown",
        parameters=MIX,
        app=APP,
    )


AT_THEIR_BEST = _at_best("shutdown-at-best", "", "the server gets SIGTERM")
SIGINT_AT_BEST = _at_best("sigint-at-best", SIGINT, "the server gets SIGINT, which the drain does not hold back,")
"""A course of its own, and the last: where time is short it is the one to be left out."""

SHORT_S, LONG_S = 1, 2.5
"""A limit, and requests that take longer."""

LONGER = Course(
    id="longer-than-the-limit",
    subjects=tuple(
        Subject(
            name,
            _limited(target, SHORT_S),
            row=(name, "SIGTERM", f"limit {SHORT_S} s, requests of {LONG_S} s"),
        )
        for name, target in SERVERS.items()
    ),
    faults=_signal("terminate"),
    load=Load(model="open", rate_rps=60.0, warmup_s=0.3, measure_s=1.6),
    paths=("/quick",),
    what=f"every request takes {LONG_S} s, the server's limit is {SHORT_S} s, and it gets SIGTERM at {AT_S} s",
    scenario="shutdown",
    parameters={**MIX, "kinds": {"long": 1.0}, "long_ms": round(LONG_S * 1000)},
    app=APP,
)
"""What is in flight at the signal cannot end within the limit: the standard asks for both."""

ROLLED = {
    "uvicorn, 2 workers": SERVERS["uvicorn, 2 workers"],
    "granian, 2 workers": "granian,workers=2",
    "gunicorn with 2 uvicorn workers": "gunicorn,workers=2",
    "gunicorn's own ASGI worker, 2 workers": "gunicorn_asgi,workers=2",
}

GRANIAN = "granian, 2 workers"
"""It starts a new worker, and ends the old one 3.5 s later; then the next."""


def _rolled(options: str) -> tuple[Subject, ...]:
    best = options == AT_BEST
    return tuple(
        Subject(
            name,
            f"{_best(target)}{',respawn_interval=1' if name == GRANIAN else ''}" if best else target,
            measure_s=9.6 if name == GRANIAN and not best else None,
            row=(name, "SIGHUP", options),
        )
        for name, target in ROLLED.items()
    )


def _rolling(name: str, options: str, measure_s: float) -> Course:
    return Course(
        id=name,
        subjects=_rolled(options),
        faults=_signal("rolling_restart"),
        load=Load(model="open", rate_rps=200.0, warmup_s=0.3, measure_s=measure_s),
        paths=("/quick",),
        what=f"the supervisor gets SIGHUP, the order to replace its workers, at {AT_S} s; options {options}",
        scenario="shutdown",
        parameters=MIX,
        app=APP,
    )


ROLLING = _rolling("rolling-restart", SHIPPED, 4.5)
ROLLING_AT_BEST = _rolling("rolling-restart-at-best", AT_BEST, 6.0)
"""Uvicorn starts a worker, waits until it is ready and ends the old one, then the next: about 3 s, and two drains."""

REPLICAS = ("uvicorn", "granian", "gunicorn", "gunicorn_asgi")
"""Servers of targets.probes.replica_roll, a worker each."""


def _dropped(course: Course, group: str, suffix: str = "") -> tuple[Condition, ...]:
    return tuple(
        Timeline(
            name=f"{group}: {server}, {policy} client" if group != "SIGTERM" else f"{server}, {policy} client",
            course=course,
            rule=Never(subject=f"{server}{suffix}", classes=LOST, names=policy),
            group=group,
        )
        for server in SERVERS
        for policy in POLICIES
    )


def _replaced(course: Course, group: str) -> tuple[Condition, ...]:
    return tuple(
        Timeline(
            name=f"{group}: {server}, careful client",
            course=course,
            rule=Never(subject=server, classes=("refused", *LOST), names="careful"),
            group=group,
        )
        for server in ROLLED
    )


CLAIMS = (
    Claim(
        number=40,
        id="sigterm-graceful",
        section="Graceful Shutdown",
        statement="SIGTERM starts a graceful shutdown.",
        hypothesis=(
            "No request that a connection was had for is dropped (reset, cut off, timed out or 5xx), whatever the "
            "server and the client's habit, as shipped and with a limit and a drain; counted by class. While "
            "workers, or two replicas behind a client that knows both, are replaced in turn, none is refused either."
        ),
        experiment="timeline",
        needs=("RAW",),
        conditions=(
            *_dropped(SHUTDOWN, "SIGTERM"),
            *_replaced(ROLLING, "SIGHUP"),
            *_dropped(AT_THEIR_BEST, "SIGTERM with limit and drain"),
            *_replaced(ROLLING_AT_BEST, "SIGHUP with limit and drain"),
            *_dropped(SIGINT_AT_BEST, "SIGINT with limit and drain", SIGINT),
            *(
                Probe(
                    name=f"two replicas, drained: {server}",
                    module="targets.probes.replica_roll",
                    rule=Zero(unit="replacements of a replica"),
                    value="struck",
                    where={"subject": f"{server}, drained"},
                    spoken="a request that failed",
                    group="roll of two replicas",
                )
                for server in REPLICAS
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
        hypothesis=(
            "All that were sent before SIGTERM are completed: those of at most 0.4 s, below any limit, and those that "
            "take longer than the server's own limit."
        ),
        experiment="timeline",
        needs=("RAW",),
        conditions=tuple(
            Timeline(
                name=f"{group}: {server}",
                course=course,
                # A connection that has said nothing yet is no request in progress.
                rule=Never(subject=server, classes=("refused", *LOST), moments=("before",), but="byteless"),
                group=group,
            )
            for group, course in (("within the limit", SHUTDOWN), ("longer than the limit", LONGER))
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
