"""What a claim of the standard is, and the experiments that can decide it: frozen data only.

Thresholds stand in the files of the sections, beside their reasons.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from harness.model import Load, Regime

Origin = Literal["ours", "the standard's"]
"""Whose threshold it is; every verdict says so."""

Fault = Literal["kill-worker", "kill-all", "hang-up"]
"""SIGKILL to one worker, SIGKILL to every process of the target, SIGHUP to its supervisor."""

Control = Literal["must recover", "must not recover"]
"""The known outcome of a twin."""

Experiment = Literal["duet", "sweep", "timeline", "probe"]

Need = Literal["PG", "TP", "KV", "D", "RAW", "OT", "TLS", "GRPC", "BROWSER"]

NEEDS: dict[Need, str] = {
    "PG": "PostgreSQL",
    "TP": "Toxiproxy",
    "KV": "Valkey or Redis",
    "D": "a container engine",
    "RAW": "a raw-socket client, which hides no dropped request behind a retry",
    "OT": "an OpenTelemetry collector",
    "TLS": "TLS between client and service",
    "GRPC": "grpcio",
    "BROWSER": "Chromium",
}
"""What an experiment needs besides two cores and Python."""

NOT_YET = "this version has no experiment for it"


class Faster(Struct, frozen=True, tag="faster"):
    """The candidate costs less: supported beyond ``threshold``, no difference inside ±``margin``."""

    threshold: float
    margin: float
    metric: str = "cpu_us_per_request"


class Equivalent(Struct, frozen=True, tag="equivalent"):
    """The arms cost the same: supported inside ±``margin``, refuted outside."""

    margin: float
    metric: str = "cpu_us_per_request"


class Within(Struct, frozen=True, tag="within"):
    """A ratio, baseline ÷ candidate ("times as fast"), lies between two bounds."""

    low: float
    high: float


class Zero(Struct, frozen=True, tag="zero"):
    """Something never happens; one event refutes, and none proves at most 3 ÷ n."""

    unit: str
    """Plural of what is tried: crashes, signals, values."""


class Recovers(Struct, frozen=True, tag="recovers"):
    """Whether the service has all its workers again, and answers, within ``within_s`` of the fault."""

    within_s: float
    supports: bool
    """True: recovery supports the claim; False: recovery refutes it."""


Rule = Faster | Equivalent | Within | Zero | Recovers


class Duet(Struct, frozen=True, tag="duet"):
    """Two arms interleaved; an open load without a rate gets the rate that the harness finds."""

    name: str
    baseline: str
    """A target as people write it; ratios are candidate ÷ baseline."""
    candidate: str
    paths: tuple[str, ...]
    regime: Regime
    load: Load
    rule: Rule
    scenario: str | None = None
    """None: the harness's scenario for paths."""
    group: str = ""
    """Conditions of one group share a verdict; groups are reported apart."""


class Timeline(Struct, frozen=True, tag="timeline"):
    """An open load while something happens to the target; what is observed afterwards decides."""

    name: str
    target: str
    fault: Fault
    at_s: float
    """Seconds into the measured phase."""
    load: Load
    paths: tuple[str, ...]
    rule: Recovers
    control: Control | None = None
    """A twin with a known outcome: if it comes out otherwise, the session decides nothing."""


class Probe(Struct, frozen=True, tag="probe"):
    """A subprocess that prints one JSON object per line; some of the lines decide."""

    name: str
    module: str
    """Started as ``python -m``."""
    rule: Rule
    value: str
    """Field of a line that holds the figure: a count for Zero, a cost for Within."""
    where: dict[str, str]
    """Only lines with these fields count."""
    baseline: str | None = None
    """For ratios: value of ``subject`` in the lines of the baseline …"""
    candidate: str | None = None
    """… and of the candidate."""
    arguments: tuple[str, ...] = ()
    group: str = ""


class Waiting(Struct, frozen=True):
    """A part of the claim's grid that cannot be measured yet."""

    name: str
    reason: str


Condition = Duet | Timeline | Probe


class Claim(Struct, frozen=True, kw_only=True):
    """One recommendation of the standard in measurable form."""

    number: int
    id: str
    section: str
    """Heading of the standard under which it stands."""
    statement: str
    hypothesis: str
    """What is measured and when the statement holds."""
    experiment: Experiment
    origin: Origin = "ours"
    needs: tuple[Need, ...] = ()
    cores: int = 2
    """Physical cores for an undisturbed figure: one for the arms, one for the generator."""
    conditions: tuple[Condition, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    """While a part waits, the claim may be refuted but not supported as a whole."""
    reason: str | None = None
    """Why nothing of it is measured; None where ``conditions`` decide."""

    @property
    def untested_reason(self) -> str | None:
        """Why it stays untested, without a full stop; None where it is measured."""
        if self.conditions:
            return None
        services = [NEEDS[need] for need in self.needs]
        needed = f"{NOT_YET}; it needs {', '.join(services)}" if services else NOT_YET
        return self.reason or needed
