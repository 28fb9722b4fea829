"""What a claim of the standard is, and the experiments that can decide it: frozen data only.

Thresholds stand in the files of the sections, beside their reasons.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from harness.course import Timeline
from harness.model import Backend, Load, Regime

Origin = Literal["ours", "the standard's"]
"""Whose threshold it is; every verdict says so."""

Signal = Literal["kill-worker", "kill-all", "hang-up"]
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


class Some(Struct, frozen=True, tag="some"):
    """Something does happen: one case shows it, and the cases are named."""

    unit: str
    """Plural of what is tried."""
    event: str
    """What happens to a case, as a verb: "missed"."""


class Outdoes(Struct, frozen=True, tag="outdoes"):
    """``subject`` succeeds in more cases than ``reference``; the same cases for both (McNemar's exact test)."""

    subject: str
    reference: str
    unit: str
    """Plural of the cases."""


class Counted(Struct, frozen=True, tag="counted"):
    """An exact figure, which needs no repeats, lies between two bounds: bytes of an image, packages in it."""

    subject: str
    low: float
    high: float
    reference: str | None = None
    """The bounds are for subject ÷ reference; None: for the subject's figure in its own unit."""


class AtMost(Struct, frozen=True, tag="at most"):
    """The candidate costs at most ``margin`` more: supported below, refuted beyond, however much it may save."""

    margin: float
    metric: str = "cpu_us_per_request"


class Grows(Struct, frozen=True, tag="grows"):
    """The subject's figure at the last place is at least ``times`` that at the first."""

    subject: str
    times: float


class Flat(Struct, frozen=True, tag="flat"):
    """The subject's figure at the last place is that at the first, within ±``margin``."""

    subject: str
    margin: float


class Beside(Struct, frozen=True, tag="beside"):
    """At every place the subject's figure is that of each reference within ±``margin``, or at most so much more."""

    subject: str
    references: tuple[str, ...]
    margin: float
    at_most: bool
    places: tuple[float, ...] = ()
    """Places of the grid that decide; empty: all."""


class Crosses(Struct, frozen=True, tag="crosses"):
    """From some place on ``upper`` is at least ``times`` the figure of ``lower``; the place has its interval."""

    upper: str
    lower: str
    times: float


class Peaks(Struct, frozen=True, tag="peaks"):
    """The figure, of which more is better, is best inside the grid: both ends are worse by more than ``margin``."""

    subject: str
    margin: float


class Bounded(Struct, frozen=True, tag="bounded"):
    """The subject's figure is at most ``most`` at every place, in the figure's own unit."""

    subject: str
    most: float
    what: str
    """The bound in words: "1.5 loads per expiry"."""


Rule = Faster | Equivalent | Within | Zero | Recovers | AtMost | Some | Outdoes | Counted
SweepRule = Grows | Flat | Beside | Crosses | Peaks | Bounded

Figure = Literal["p50_ms", "p95_ms", "cpu_us", "backend_us", "rate_rps", "tally"]
"""Median and p95 of the response time; CPU time per request of the service and of what stands behind it; answers
per second while loaded; what the service itself counted per second while loaded.  All but the first two belong to a
process: its cell is the only one that it serves."""

FIGURES: dict[Figure, str] = {
    "p50_ms": "median response time",
    "p95_ms": "95th percentile of the response time",
    "cpu_us": "CPU time per request",
    "backend_us": "CPU time per request in the database",
    "rate_rps": "capacity",
    "tally": "count per second",
}
"""Each as it is said aloud."""


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
    rows: int | None = None
    """Seeded orders where the arms ask for a database; None: the harness's default."""
    own_data: bool = False
    """Whether each process has a copy of its own: where the load writes."""
    requests: tuple[dict[str, Any], ...] = ()
    """Requests with bodies (as the scenario ``paths`` takes them), where ``paths`` alone do not do."""
    expect: tuple[int, ...] = (200,)


class Restart(Struct, frozen=True, tag="restart"):
    """An open load while something happens to the target; what is observed afterwards decides."""

    name: str
    target: str
    fault: Signal
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
    where: dict[str, str | float]
    """Only lines with these fields count."""
    baseline: str | None = None
    """For ratios: value of ``subject`` in the lines of the baseline (None: the figure stands by itself) …"""
    candidate: str | None = None
    """… and of the candidate."""
    arguments: tuple[str, ...] = ()
    group: str = ""
    behind: tuple[Backend, ...] = ()
    """What the probe needs: its address is in DATABASE_URL or REDIS_URL."""
    rows: int | None = None
    """Seeded orders of its database, a copy of its own; None: a bare one."""
    spoken: str = ""
    """The figure as it is said aloud; empty: its field's name."""
    unit: str = ""
    wall_s: float | None = None
    """How long the whole module takes on a quiet machine, for the plan; None: under two minutes."""


class Cell(Struct, frozen=True):
    """One point of a grid: who answers what, and where on the axis it lies."""

    subject: str
    at: float
    target: str
    """Cells with one target and one number of rows share a process."""
    path: str
    """May name fields in braces, which the answer to ``ask`` fills."""
    ask: str | None = None
    """Asked once before the load: gives, for example, the cursor of a place deep in the table."""
    rows: int | None = None
    also: tuple[str, ...] = ()
    """More paths, asked in turn after ``path``, where the cell is a mix; such a cell has its process to itself."""
    hits: tuple[str, str, str] | None = None
    """Path, and the dotted fields of the hits and misses that the process counts: its hit ratio over the load."""


class Grid(Struct, frozen=True):
    """One experiment: all its cells are measured side by side in every block; several sweeps may read it."""

    id: str
    axis: str
    """What the cells differ by, with its unit."""
    cells: tuple[Cell, ...]
    users: int = 1
    """Connections of each process, closed model; 1: a request alone, without a queue."""
    measure_s: float = 5.0
    slice_s: float = 0.25
    counter: str | None = None
    """Path that tells how many statements the process has executed: read around one request of each cell."""
    tally: tuple[str, str] | None = None
    """Path and field of a count that the process keeps: read before and after the load."""
    tally_s: float = 1.0
    """The count is told for so many seconds of load …"""
    tally_name: str = ""
    """… under this name; empty: "count per second"."""
    rtt_ms: int | None = None
    """What a round trip to the database takes more, both ways together, through Toxiproxy (0: through it without a
    delay, the control); None: nothing stands between."""
    note: str = ""
    """What a reader must know of the load, as the end of a caption."""


class Sweep(Struct, frozen=True, tag="sweep"):
    """One arm over a grid, and what the shape of its curve decides."""

    name: str
    grid: Grid
    figure: Figure
    rule: SweepRule
    group: str = ""


class Waiting(Struct, frozen=True):
    """A part of the claim's grid that cannot be measured yet."""

    name: str
    reason: str


Condition = Duet | Restart | Timeline | Probe | Sweep


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
    parts: bool = False
    """Whether the conditions are parts of one statement, all of which must hold, and not points of a grid."""
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
