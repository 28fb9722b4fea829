"""HTTP clients, resilience and communication between services."""

from __future__ import annotations

from harness.claims.claim import Claim, Probe, Some, Within, Zero
from harness.course import Beats, Course, Least, Most, Subject, Timeline
from harness.model import Fault, Load

CALLING = "uvicorn,loop=uvloop,http=httptools,SERVICE_UPSTREAM__KIND=on,SERVICE_UPSTREAM__READ_TIMEOUT_S=0.25"

POLICIES = {
    "no retry": "",
    "fixed": ",SERVICE_RETRY__KIND=fixed",
    "exponential": ",SERVICE_RETRY__KIND=exponential",
    "exponential with full jitter": ",SERVICE_RETRY__KIND=exponential_jitter",
    "jitter and a budget": ",SERVICE_RETRY__KIND=budget",
    "jitter and a breaker": ",SERVICE_RETRY__KIND=breaker",
}
"""Three retries each: four attempts at most."""

RETRYING = tuple(Subject(name, f"{CALLING}{settings}") for name, settings in POLICIES.items())

QUOTES = tuple(f"/api/v1/quotes/{number}" for number in range(1, 11))

FAILING = Course(
    id="dependency-fails-by-half",
    subjects=RETRYING,
    faults=(Fault(fault="failing", on="upstream", start_s=1.5, end_s=4.5, values={"share": 0.5}),),
    load=Load(model="open", rate_rps=60.0, warmup_s=1.0, measure_s=7.0),
    paths=QUOTES,
    what="half of the dependency's answers are 503 from 1.5 to 4.5 s",
    upstream={"UPSTREAM_WORK_MS": "10", "UPSTREAM_CAPACITY": "50"},
)

OVERLOADED = Course(
    id="dependency-overloaded",
    subjects=RETRYING,
    faults=(Fault(fault="slowing", on="upstream", start_s=1.5, end_s=4.5, values={"work_ms": 200.0, "capacity": 4.0}),),
    load=Load(model="open", rate_rps=60.0, warmup_s=1.0, measure_s=14.5),
    paths=QUOTES,
    what=(
        "the dependency can do 100 requests/s, and from 1.5 to 4.5 s only 20, while 60 come; it works to the end on "
        "what nobody waits for any more"
    ),
    upstream={"UPSTREAM_WORK_MS": "40", "UPSTREAM_CAPACITY": "4"},
)
"""The trigger goes away; whether the overload does depends on what the retries add (Bronson et al., 2021)."""

AMPLIFIED = 1.2
"""Ours: a fifth more load is what a service that struggles may be asked to bear."""

CAME_BACK = 0.95
"""Ours, and the share by which recovery is told everywhere else."""

FAN_OUTS = (16, 64)
ADDED_MS = (0, 20, 100)

A_TENTH = Within(low=1.1, high=1_000)
"""Ours: a tenth of p99 is what a change of protocol must bring; nobody minds more."""
SEVERAL = Within(low=2, high=1_000)
"""Ours: fewer connections means at most half of them."""

BOUNDED = (
    "connect time-out",
    "write time-out",
    "read time-out",
    "pool time-out",
    "read time-out, an answer that drips",
    "read time-out, HTTP/2",
    "read time-out, HTTP/2, beside a patient call",
    "pool time-out, HTTP/2, no stream free",
)
"""Each of 50 ms, with all others long; the lines that targets.probes.waits prints."""


CUT_OFF = ("calls cut off while they queue", "calls cut off, HTTP/1.1", "calls cut off, HTTP/2")
"""From outside: httpx has no time-out for a call as a whole."""


def _lowers(count: int, added_ms: int) -> Probe:
    return Probe(
        name=f"p99 of {count} at once, {added_ms} ms added",
        module="targets.probes.fan_out",
        rule=A_TENTH,
        value="p99_ms",
        where={"concurrency": count, "added_ms": added_ms},
        baseline="http/1.1",
        candidate="http/2",
        spoken="p99 of calls that begin together",
    )


def _fewer(count: int) -> Probe:
    return Probe(
        name=f"connections of {count} at once",
        module="targets.probes.fan_out",
        rule=SEVERAL,
        value="connections",
        where={"concurrency": count, "added_ms": 20},
        baseline="http/1.1",
        candidate="http/2",
        spoken="connections",
    )


def _waits(case: str, value: str, event: str) -> Probe:
    return Probe(
        name=case,
        module="targets.probes.waits",
        rule=Zero(unit="calls"),
        value=value,
        where={"case": case},
        spoken=event,
    )


CLAIMS = (
    Claim(
        number=9,
        id="httpx-http2-timeouts",
        section="HTTP Client",
        statement="httpx serves fan-out well: HTTP/2 helps, and its time-outs bound the wait.",
        hypothesis=(
            "With 16 and 64 calls at once over added latency of 0, 20 and 100 ms, HTTP/2 lowers p99 by at least 10 % "
            "and needs fewer connections; no call outlives its time-out by 100 ms, none ends before its own, and calls "
            "that are cut off from outside leave the client usable."
        ),
        experiment="probe",
        parts=True,
        conditions=(
            *(_lowers(count, added_ms) for count in FAN_OUTS for added_ms in ADDED_MS),
            *(_fewer(count) for count in FAN_OUTS),
            *(_waits(case, "outlived", "a wait beyond the time-out") for case in BOUNDED),
            _waits("beside a time-out, HTTP/2", "cut_short", "the end of a call whose own time was not up"),
            *(_waits(case, "lost", "a client that no longer reaches a server which is well") for case in CUT_OFF),
        ),
    ),
    Claim(
        number=10,
        id="tenacity-breaks-circuits",
        section="Resilience",
        statement="tenacity gives both retries and circuit breaking.",
        hypothesis=(
            "Three retries are exactly four attempts; and after 50 failed calls in a row tenacity alone sends nothing "
            "more, instead of trying again on every request."
        ),
        experiment="probe",
        parts=True,
        conditions=(
            Probe(
                name="retries",
                module="targets.probes.retry_counts",
                rule=Zero(unit="calls"),
                value="miscounted",
                where={"library": "tenacity"},
                spoken="another number of attempts",
            ),
            Probe(
                name="circuit breaking",
                module="targets.probes.retry_counts",
                rule=Some(unit="strategies of tenacity", event="failing fast"),
                value="breaks",
                where={"library": "tenacity"},
            ),
        ),
    ),
    Claim(
        number=11,
        id="exponential-backoff",
        section="Resilience",
        statement="Retrying with exponential backoff is the way to meet failures.",
        hypothesis=(
            "While half of the answers fail it gets more requests through than no retry; it adds at most a fifth to "
            "the load; and once a dependency that was overloaded is itself again, so is the service. With jitter, "
            "with a budget and with a breaker, each by itself."
        ),
        experiment="timeline",
        parts=True,
        conditions=(
            *(
                Timeline(
                    f"half fails, more gets through: {policy}",
                    FAILING,
                    Beats(policy, ("no retry",), 0.05),
                    "goodput_during",
                )
                for policy in list(POLICIES)[2:]
            ),
            *(
                Timeline(
                    f"overload, {AMPLIFIED - 1:.0%} more load at most: {policy}",
                    OVERLOADED,
                    Most(policy, AMPLIFIED),
                    "amplification_sent",
                )
                for policy in list(POLICIES)[2:]
            ),
            *(
                Timeline(f"overload, it comes back: {policy}", OVERLOADED, Least(policy, CAME_BACK), "hysteresis")
                for policy in list(POLICIES)[2:]
            ),
        ),
    ),
    Claim(
        number=12,
        id="grpc-cheaper-than-rest",
        section="Inter-Service Communication",
        statement="gRPC performs better than JSON over HTTP/1.1.",
        hypothesis=(
            "A gRPC call needs less CPU than the same call as REST, over payloads, concurrency and added latency."
        ),
        experiment="duet",
        needs=("GRPC", "TP"),
    ),
    Claim(
        number=13,
        id="grpc-streams-better",
        section="Inter-Service Communication",
        statement="gRPC streams natively where REST is limited.",
        hypothesis=("10,000 messages need less CPU over a gRPC stream than over server-sent events or a WebSocket."),
        experiment="duet",
        needs=("GRPC",),
    ),
)
