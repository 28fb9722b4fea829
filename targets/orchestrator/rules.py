"""What an orchestrator concludes from its probes: Kubernetes' rules as pure functions.

After ``pkg/kubelet/prober/worker.go`` and the section "Configure Liveness, Readiness and Startup Probes" of its manual:
a result counts once it has come ``failure_threshold`` (or ``success_threshold``) times in a row; a start-up probe holds
back the other two until it has succeeded; where it or liveness fails, the container is restarted; where readiness
fails, the replica gets no requests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal

Kind = Literal["startup", "liveness", "readiness"]

KINDS: tuple[Kind, ...] = ("startup", "liveness", "readiness")

TIMEOUT_MIN_S = 0.25
"""Scaled time-outs do not go below this: the service's answers are not scaled, nor are the machine's pauses."""


@dataclass(frozen=True, slots=True)
class Check:
    """One probe; the defaults are Kubernetes'."""

    path: str
    period_s: float = 10.0
    timeout_s: float = 1.0
    failure_threshold: int = 3
    success_threshold: int = 1
    """For readiness only; the others must have 1."""
    initial_delay_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Rules:
    """How a replica is watched; the defaults are Kubernetes'."""

    checks: Mapping[Kind, Check]
    """A kind that is missing is not asked."""
    grace_s: float = 30.0
    """From SIGTERM to SIGKILL."""
    back_off_s: float = 10.0
    """Before the second restart; doubled from one to the next."""
    back_off_max_s: float = 300.0
    settled_s: float = 600.0
    """A replica that ran for so long begins anew with the first restart."""


def kubernetes(factor: float = 1.0, *, startup_failures: int | None = 30) -> Rules:
    """Kubernetes' defaults on the service's routes, ``factor`` times as fast.

    ``startup_failures`` is the start-up probe's failure threshold; None: there is no such probe.
    """
    checks: dict[Kind, Check] = {"liveness": Check("/health/live"), "readiness": Check("/health/ready")}
    if startup_failures is not None:
        checks["startup"] = Check("/health/startup", failure_threshold=startup_failures)
    return scaled(Rules(checks), factor)


def scaled(rules: Rules, factor: float) -> Rules:
    """Divide every time by the factor; time-outs stop at TIMEOUT_MIN_S."""
    return Rules(
        MappingProxyType({kind: _faster(check, factor) for kind, check in rules.checks.items()}),
        rules.grace_s / factor,
        rules.back_off_s / factor,
        rules.back_off_max_s / factor,
        rules.settled_s / factor,
    )


def _faster(check: Check, factor: float) -> Check:
    return replace(
        check,
        period_s=check.period_s / factor,
        timeout_s=min(check.timeout_s, max(TIMEOUT_MIN_S, check.timeout_s / factor)),
        initial_delay_s=check.initial_delay_s / factor,
    )


@dataclass(frozen=True, slots=True)
class Run:
    """How the last results of one probe came."""

    last: bool | None = None
    length: int = 0


@dataclass(frozen=True, slots=True)
class Watch:
    """What is known of one process since it was started."""

    started: bool
    ready: bool
    condemned: bool = False
    """To be restarted: it is no longer asked whether it lives, but until its end whether it is ready."""
    runs: Mapping[Kind, Run] = field(default_factory=lambda: MappingProxyType({}))


def begun(rules: Rules) -> Watch:
    """Give what is known of a new process: not ready where there is a probe that may say so."""
    started = "startup" not in rules.checks
    return Watch(started=started, ready=started and "readiness" not in rules.checks)


def asked(rules: Rules, watch: Watch, kind: Kind, age_s: float) -> bool:
    """Tell whether a probe of this kind is due at a process of this age."""
    check = rules.checks.get(kind)
    if check is None or age_s < check.initial_delay_s or (watch.condemned and kind != "readiness"):
        return False
    return watch.started == (kind != "startup")


def told(rules: Rules, watch: Watch, kind: Kind, *, good: bool) -> Watch:
    """Take in one result; results that were not asked for (any more) change nothing but their run."""
    check, before = rules.checks[kind], watch.runs.get(kind, Run())
    run = Run(good, before.length + 1 if before.last is good else 1)
    watch = replace(watch, runs=MappingProxyType({**watch.runs, kind: run}))
    if run.length < (check.success_threshold if good else check.failure_threshold):
        return watch
    if kind == "readiness":
        return replace(watch, ready=good and watch.started)
    if not good:
        return replace(watch, condemned=True)
    if kind == "startup" and not watch.condemned:
        return replace(watch, started=True, ready=watch.ready or "readiness" not in rules.checks)
    return watch


def back_off_s(rules: Rules, restarts: int) -> float:
    """Seconds to wait before a restart: none for the first, then the first step, doubled up to the most."""
    if restarts == 0:
        return 0.0
    doublings = min(restarts - 1, 60)
    return float(min(rules.back_off_max_s, rules.back_off_s * 2**doublings))
