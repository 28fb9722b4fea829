"""The nouns of the harness: frozen plain data, no behaviour.

Every other module speaks in these words.  Times are nanoseconds on CLOCK_MONOTONIC unless the
name says otherwise; a missing value is ``None``, never zero.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct, field

SCHEMA = 1
"""Version of every JSON document that the harness writes."""

Grain = Literal["request", "slice", "block"]
Regime = Literal["open", "saturated"]
Role = Literal["baseline", "candidate"]
Backend = Literal["postgres", "valkey", "toxiproxy"]
RuntimeName = Literal["local", "compose"]


class Target(Struct, frozen=True):
    """What runs: ``SERVER[+SERIALIZER][,key=value]…`` or the URL of a running service."""

    spec: str
    server: str | None = None
    serializer: str | None = None
    options: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    url: str | None = None


class App(Struct, frozen=True):
    """The ASGI application behind the server; ``module`` None is the reference service."""

    module: str | None = None
    directory: str | None = None


class Load(Struct, frozen=True):
    """Open model: ``rate_rps`` per arm.  Closed model: ``users`` (connections) per arm."""

    model: Literal["open", "closed"]
    rate_rps: float | None = None
    users: int | None = None
    arrivals: Literal["poisson", "constant"] = "poisson"
    connections_max: int = 4096
    warmup_s: float = 1.0
    measure_s: float = 5.0


class Behind(Struct, frozen=True):
    """The services behind the arms, and what their database holds."""

    backends: tuple[Backend, ...]
    rows: int | None = None
    """Orders that the reference service's database is seeded with (0: migrated and empty); None: a bare database."""
    seed: int = 7
    own: bool = False
    """Whether each process has a copy of the database of its own: needed where arms write."""
    rtt_ms: int | None = None
    """What a round trip to PostgreSQL takes more, both ways together: Toxiproxy stands between (0: and delays nothing).
    None: nothing stands between."""


class Fault(Struct, frozen=True):
    """Something that happens to a target, or on its way to what is behind it, at a planned moment of a trial."""

    fault: str
    """Name of a file in ``harness/faults``."""
    on: str
    """``target``, or what a proxy stands before: ``postgres``, ``valkey``, ``upstream``, ``client``."""
    start_s: float
    """From the start of the measured phase."""
    end_s: float | None
    """None: an instant; for what lasts, the end of the trial."""
    values: dict[str, float] = {}
    """Parameters that are not left as the fault's file has them, by name; their units are in the names."""


class Condition(Struct, frozen=True):
    """One point of a comparison's grid: two arms, a scenario, a load, the grains that measure it."""

    name: str
    regime: Regime
    baseline: Target
    candidate: Target
    app: App
    scenario: str
    parameters: dict[str, Any]
    load: Load
    grains: tuple[Grain, ...]
    expect: tuple[int, ...] = (200,)
    slice_s: float = 0.1
    """Length of a slice, in the slice grain; longer where answers are slow or rare (``pilot``)."""
    behind: Behind | None = None
    """None: nothing stands behind the arms."""


class Plan(Struct, frozen=True):
    """Everything that is decided before the first block; its hash is stored before it, too."""

    command: str
    seed: int
    conditions: tuple[Condition, ...]
    blocks_max: int
    """Blocks per condition and grain at the last look."""
    looks: tuple[int, ...]
    """Numbers of blocks per condition and grain at which the session looks at the data."""
    rerun_max: int
    """How many void blocks may be repeated, per condition and grain."""
    load_workers: int = 1
    margin: float = 0.01
    claims: tuple[str, ...] = ()
    sweeps: dict[str, int] = field(default_factory=dict)
    """Grids of the claims' sweeps, and how many valid blocks each gets."""
    courses: dict[str, int] = field(default_factory=dict)
    """Courses of faults of the claims' timelines, and how many rounds each gets."""
    runtime: RuntimeName = "local"
    """Where the arms run: as processes of this machine, or as containers of the service's image."""


class Cost(Struct, frozen=True):
    """CPU time of one server process tree over the slices in which it was loaded."""

    role: Role
    instance: int
    cpu_ns: int | None
    """None where the process of the arm cannot be read (an attached URL)."""
    requests: int
    pss_bytes: int | None = None
    processes: int = 0
    threads: int = 0
    peak_bytes: int | None = None
    """Most memory that its container ever held, page cache included; None outside containers."""


class Window(Struct, frozen=True):
    """One slice of one server process: what it cost and answered."""

    role: Role
    instance: int
    slice: int
    start_ns: int
    end_ns: int
    cpu_ns: int | None
    requests: int
    slow: float | None = None
    """Share of the window in which the arms' core was slow, 0–1; None where nobody watched (``meters.watcher``)."""
    backend_ns: int | None = None
    """CPU time of the services behind the arms in this window; None where there are none, or where arms share it."""


class Void(Struct, frozen=True):
    """A fault of the instrument that makes a block void: which check, what it saw, the limit."""

    check: str
    seen: float | str
    limit: float | str
    sentence: str


class Check(Struct, frozen=True):
    """A validity check as it was applied to one block, passed or not."""

    check: str
    seen: float | str | None
    limit: float | str
    ok: bool


class Block(Struct, frozen=True):
    """One execution of a trial in fresh processes: the unit of replication (``block.json``)."""

    number: int
    condition: str
    grain: Grain
    seed: int
    started_utc: str
    start_order: tuple[str, ...]
    costs: tuple[Cost, ...]
    windows: tuple[Window, ...]
    checks: tuple[Check, ...]
    voids: tuple[Void, ...]
    sent: int
    due: int
    completed: int
    errors: dict[str, int]
    """Failed requests of the measured phase by class: refused, rst, eof, timeout, unsent, status-NNN."""
    utilisation: float | None
    """Share of the arms' core that the arms used during the measured phase, 0–1."""
    generator_work: float | None
    """CPU share of the generator without its busy waiting, 0–1."""
    send_lag_p99_ms: float | None
    wall_s: float
    pinned: bool = True
    backend_share: float | None = None
    """CPU time of the services behind the arms ÷ time, over the measured phase; None where there are none."""
    schema: int = SCHEMA
    kind: str = "block"
    harness_version: str = ""


class Interval(Struct, frozen=True):
    """A point and its two-sided interval at a stated confidence."""

    value: float
    low: float
    high: float
    confidence: float


class Estimate(Struct, frozen=True):
    """A measured figure with its uncertainty."""

    metric: str
    unit: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    """Number of blocks (the unit of replication) behind it."""
    noise_floor: float | None = None
    """Smallest relative effect that this session finds with 95 % power."""
    verdict_low: float | None = None
    verdict_high: float | None = None
    """The same interval at 99 %, which verdicts use."""
    condition: str = ""
    grain: str = ""


VerdictWord = Literal[
    "supported",
    "refuted",
    "no difference",
    "conditional",
    "inconclusive",
    "untested",
    "cheaper",
    "dearer",
]


class Verdict(Struct, frozen=True):
    """What the estimates mean: one word and a sentence that an engineer would say aloud."""

    verdict: VerdictWord
    sentence: str
    reason: str | None = None
