"""Experiments of the claims about starting and ending in a container that need no engine."""

from __future__ import annotations

from harness.claims.claim import AtMost, Condition, Duet, Faster, Outdoes, Probe, Some, Within, Zero
from harness.model import Load

SERVERS = ("uvicorn", "granian", "gunicorn", "gunicorn_asgi")

BYTECODE = "targets.probes.bytecode_start"
SOONER = Faster(threshold=0.10, margin=0.05)
"""Ours: a tenth of a second or two is the least of a start that anybody would notice."""


def starts() -> tuple[Condition, ...]:
    """Pairs of starts that differ only by the byte code of what was installed."""
    pairs = {
        "every start of a container": ("not compiled", "compiled"),
        "every start, Python's own library not compiled either": ("nothing compiled", "compiled, library from source"),
        "first start, which keeps what it compiles": ("not compiled, first start that writes", "compiled"),
        "second start, which finds that": ("not compiled, second start", "compiled"),
    }
    figures = {"first_s": "time to the first answer", "cpu_s": "CPU time to the first answer"}
    return tuple(
        Probe(
            name=name if value == "first_s" else f"{name}: CPU time",
            module=BYTECODE,
            rule=SOONER,
            value=value,
            where={},
            baseline=baseline,
            candidate=candidate,
            spoken=spoken,
            unit="s",
            wall_s=110.0,
        )
        for name, (baseline, candidate) in pairs.items()
        for value, spoken in figures.items()
    )


LOG_LOSS = "targets.probes.log_loss"
LOGS_S = 60.0
LOGGING = ("print", "print to stderr", "logging", "structlog")
LINE_MARGIN = AtMost(margin=0.05)
"""Ours: a line of log is a small part of a request, so that 5 % of it is not seen in any bill."""
REQUEST_MARGIN = AtMost(margin=0.02)
"""Ours: what a duel of this length tells from nothing."""


def kept_logs() -> tuple[Condition, ...]:
    """What is lost with it and without it, and what it costs for each line and each request."""
    kept = (
        Probe(
            name=f"with it: {way}",
            module=LOG_LOSS,
            rule=Zero(unit="crashes"),
            value="lossy",
            where={"kind": "kill", "subject": "unbuffered", "way": way},
            spoken="lost lines",
            wall_s=LOGS_S,
        )
        for way in LOGGING
    )
    needed = (
        Probe(
            name=f"without it lines are lost: {way}",
            module=LOG_LOSS,
            rule=Some(unit="outputs", event="short of lines after a crash without it"),
            value="lossy",
            where={"kind": "without", "way": way},
            wall_s=LOGS_S,
        )
        for way in LOGGING
    )
    costs = (
        Probe(
            name=f"CPU of a line: {way}",
            module=LOG_LOSS,
            rule=LINE_MARGIN,
            value="cpu_us",
            where={"kind": "cost", "way": way},
            baseline="buffered",
            candidate="unbuffered",
            spoken="CPU time of a line",
            wall_s=LOGS_S,
        )
        for way in ("print", "logging")
    )
    log = "SERVICE_LOGGING__KIND=stdlib,SERVICE_ENVIRONMENT=production"
    request = Duet(
        name="CPU of a request: logging",
        # The harness sets the variable for every target: empty is as good as not set.
        baseline=f'uvicorn,{log},PYTHONUNBUFFERED=""',
        candidate=f"uvicorn,{log},PYTHONUNBUFFERED=1",
        paths=("/api/v1/items?limit=1",),
        regime="open",
        load=Load(model="open"),
        rule=REQUEST_MARGIN,
    )
    return (*kept, *needed, *costs, request)


ENTRY = "targets.probes.entry_forms"
FORMS_S = 95.0
EXEC, SHELL = "exec form", "shell form (sh -c)"
EXITS_SOONER = Faster(threshold=0.5, margin=0.3)
"""Ours: an exit takes as long as the last request, 0.5 s, or else until SIGKILL; between them lies nothing."""


def entry_forms() -> tuple[Condition, ...]:
    """Whether SIGTERM arrives, what it does to requests, and how long the end takes."""
    heard = (
        Probe(
            name=f"SIGTERM ends it: {server}",
            module=ENTRY,
            rule=Zero(unit="signals to the exec form"),
            value="unheard",
            where={"subject": EXEC, "server": server},
            spoken="a SIGKILL 5 s later",
            wall_s=FORMS_S,
        )
        for server in SERVERS
    )
    requests = Probe(
        name="requests in progress: exec form and sh -c",
        module=ENTRY,
        rule=Outdoes(subject=EXEC, reference=SHELL, unit="signals"),
        value="harmless",
        where={},
        wall_s=FORMS_S,
    )
    exits = (
        Probe(
            name=f"time to exit: exec form and {name}",
            module=ENTRY,
            rule=EXITS_SOONER,
            value="exit_s",
            where={},
            baseline=form,
            candidate=EXEC,
            spoken="time to exit, cut at 5 s",
            unit="s",
            wall_s=FORMS_S,
        )
        for name, form in {
            "sh -c": SHELL,
            "sh -c with exec": "shell form with exec",
            "bash -c": "shell form of bash",
        }.items()
    )
    return (*heard, requests, *exits)


MEMORY = "targets.probes.memory_limit"
MEMORY_S = 120.0
FITS = Within(low=0.0, high=256.0)
"""MiB: the lower end of Cloud Run's range, as the standard gives it."""


def memory() -> tuple[Condition, ...]:
    """The most memory of each server, and what a limit of the kernel does."""
    peaks = (
        Probe(
            name=f"{server}, {workers} worker{'s' if workers > 1 else ''}",
            module=MEMORY,
            rule=FITS,
            value="peak_mib",
            where={"kind": "start", "server": server, "workers": workers},
            spoken="peak memory under load",
            unit="MiB",
            wall_s=MEMORY_S,
        )
        for workers in (1, 2, 4)
        for server in SERVERS
    )
    alone = Probe(
        name="kills for memory in 256 MiB, 1 worker",
        module=MEMORY,
        rule=Zero(unit="starts"),
        value="killed",
        where={"kind": "start", "limited": 1, "workers": 1},
        spoken="a kill for memory",
        wall_s=MEMORY_S,
    )
    more = (
        Probe(
            name=f"servers that survive 256 MiB, {workers} workers",
            module=MEMORY,
            rule=Some(unit="servers", event="never killed for memory"),
            value="survived",
            where={"kind": "servers", "workers": workers},
            wall_s=MEMORY_S,
        )
        for workers in (2, 4)
    )
    return (*peaks, alone, *more)


CRASHES = "targets.probes.crash_traces"
CRASHES_S = 25.0


def crashes() -> tuple[Condition, ...]:
    """What a crash leaves in the log; crashes without the fault handler are the twin: they must leave nothing."""
    segfaults = (
        Probe(
            name=server,
            module=CRASHES,
            rule=Zero(unit="segmentation faults"),
            value="unnamed",
            where={"kind": "segfault", "subject": server, "handler": "on"},
            spoken="a log that does not name the line",
            wall_s=CRASHES_S,
        )
        for server in SERVERS
    )
    aborts = Probe(
        name="abort(), of which the standard does not speak",
        module=CRASHES,
        rule=Some(unit="servers", event="named with their line when they called abort()"),
        value="named",
        where={"kind": "aborts"},
        wall_s=CRASHES_S,
    )
    return (*segfaults, aborts)
