"""``duel``: a question in the user's words becomes a plan, a run, a document."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from harness import catalog, duel, plan, settings, target
from harness.backends.needs import behind_of
from harness.commands.measured import measured
from harness.errors import UsageError
from harness.model import App, Backend, Plan, Regime, RuntimeName, Target
from harness.runtimes import choice

REFERENCE_PATH = "/api/v1/items/00000000-0000-4000-8000-000000000001"
"""The reference service's single item of about 1 KB."""

ROWS_MAX = 10_000_000
"""Orders that a seeded database may hold: more take longer to make than anybody waits."""

RANGES: dict[str, tuple[float, float]] = {
    "--rate": (0.1, 1e6),
    "--users": (1, 10_000),
    "--seconds": (0.5, 3600.0),
    "--load-workers": (1, 64),
}
"""Ten times beyond what one machine can send or hold, and no block that is shorter than its own edges."""

BLOCKS_MAX = 10_000
"""Of one cell: eight hours and more where nobody chose shorter ones."""

_MEMORY = re.compile(r"[1-9]\d{0,8}[kmg]")

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


class Question(Struct, frozen=True):
    """What the user asked, as written."""

    baseline: str
    candidate: str
    app: str | None
    app_dir: str | None
    paths: tuple[str, ...]
    scenario: str
    rate_rps: float | None
    users: int | None
    budget: str
    seconds: float | None
    seed: int
    load_workers: int
    allow_hosts: tuple[str, ...]
    whole_budget: bool = False
    """Whether to measure on where a look has decided."""
    behind: tuple[Backend, ...] = ()
    """What the user wants to stand behind an app of his own."""
    rows: int | None = None
    runtime: RuntimeName = "local"


def runtime(name: str) -> RuntimeName:
    """Parse where the arms run; raises UsageError for anything else."""
    known: dict[str, RuntimeName] = {one: one for one in choice.NAMES}
    return known[target.choose("runtime", name, known)]


def seconds(text: str) -> float:
    """``60``, ``60s``, ``5m`` or ``1h`` as seconds; raises UsageError for anything else or less than 1 s."""
    number, unit = (text[:-1], text[-1]) if text[-1:] in _UNITS else (text, "s")
    try:
        value = float(number) * _UNITS[unit]
    except ValueError:
        value = 0.0
    if not 1.0 <= value < 7 * 24 * 3600:
        raise UsageError(f"{text!r} is no budget.", "Write seconds, minutes or hours: 60s, 5m, 1h.")
    return value


def backends(names: Sequence[str]) -> tuple[Backend, ...]:
    """Parse what shall stand behind an app; raises UsageError for anything else."""
    known: dict[str, Backend] = {"postgres": "postgres", "valkey": "valkey"}
    return tuple(known[target.choose("service", name, known)] for name in names)


def _targets(question: Question, where: settings.Settings) -> tuple[Target, Target]:
    found = []
    for text in (question.baseline, question.candidate):
        parsed = catalog.target(text, where.root, where.plugins, question.allow_hosts)
        if parsed.serializer and question.app:
            raise UsageError(
                f"{text}: +{parsed.serializer} is a switch of the reference service.",
                "Leave it out with --app, or leave --app out.",
            )
        _fits(parsed, question.runtime)
        found.append(parsed)
    return found[0], found[1]


def _fits(one: Target, where: RuntimeName) -> None:
    """Raises UsageError for an option that means nothing in the runtime."""
    if where == "local" and "memory" in one.options:
        raise UsageError(f"{one.spec}: memory= is the limit of a container.", "Add --runtime compose, or drop it.")
    if where == "compose" and "python" in one.options:
        raise UsageError(
            f"{one.spec}: python= names an interpreter of this machine, which a container does not see.",
            "Drop it: the image has its own. Or use --runtime local.",
        )
    if not _MEMORY.fullmatch(one.options.get("memory", "1m")):
        raise UsageError(f"{one.spec}: that is no amount of memory.", "Write it like memory=256m or memory=1g.")


def _check(question: Question) -> None:
    given = {
        "--rate": question.rate_rps,
        "--users": question.users,
        "--seconds": question.seconds,
        "--load-workers": question.load_workers,
    }
    for name, value in given.items():
        low, high = RANGES[name]
        if value is not None and not low <= value <= high:
            raise UsageError(f"{name} {value:g} is not possible.", f"Give a number from {low:g} to {high:,.10g}.")
    if question.users is not None and question.users < question.load_workers:
        raise UsageError(
            f"{question.load_workers} load workers cannot share {question.users} connections.",
            "Give at least one connection for each.",
        )
    _check_app(question)
    if question.rows is not None and not 0 <= question.rows <= ROWS_MAX:
        raise UsageError(f"--rows {question.rows} is not possible.", f"Give a number from 0 to {ROWS_MAX:,}.")
    wrong = next((path for path in question.paths if not path.startswith("/")), None)
    if wrong is not None:
        raise UsageError(f"--path {wrong!r} does not begin with a slash.", f"Write --path /{wrong}.")


def _check_app(question: Question) -> None:
    if question.app is not None and not all(question.app.partition(":")):
        raise UsageError(f"--app {question.app!r} names no module and attribute.", "Write --app MODULE:ATTRIBUTE.")
    if question.app_dir is not None and question.app is None:
        raise UsageError("--app-dir says where an app is, and none is named.", "Add --app MODULE:ATTRIBUTE.")
    if question.app_dir is not None and not Path(question.app_dir).is_dir():
        raise UsageError(f"--app-dir {question.app_dir} is no folder.", "Name the folder that holds the app's module.")
    if question.runtime == "compose" and question.app_dir is not None:
        raise UsageError(
            "--app-dir is a folder of this machine, and containers run what is in the service's image.",
            "Name an app of the image with --app alone, or use --runtime local.",
        )


def planned(question: Question, where: settings.Settings) -> Plan:
    """What the question asks for; neither rate nor users means both regimes."""
    _check(question)
    catalog.find("scenario", question.scenario, catalog.scenarios(where.root, where.plugins))
    neither = question.rate_rps is None and question.users is None
    regimes: list[Regime] = ["open"] if neither or question.rate_rps is not None else []
    if neither or question.users is not None:
        regimes.append("saturated")
    arms = _targets(question, where)
    found = plan.duel(
        *arms,
        behind=behind_of(arms, question.behind, rows=question.rows, seed=question.seed),
        app=App(module=question.app, directory=question.app_dir),
        scenario=question.scenario,
        paths=question.paths or (("/",) if question.app else (REFERENCE_PATH,)),
        regimes=regimes,
        rate_rps=question.rate_rps,
        users=question.users,
        budget_s=seconds(question.budget),
        measure_s=question.seconds,
        seed=question.seed,
        load_workers=question.load_workers,
        looks=1 if question.whole_budget else plan.LOOKS,
        runtime=question.runtime,
    )
    if found.blocks_max > BLOCKS_MAX:
        raise UsageError(
            f"--budget {question.budget} is {found.blocks_max:,} blocks.",
            f"At most {BLOCKS_MAX:,} are possible: give less, or longer blocks.",
        )
    return found


def run(question: Question, *, results: Path | None, quiet: bool) -> dict[str, Any]:
    """Measure and decide; the document of the contract."""
    where = settings.load(Path.cwd())
    draft = planned(question, where)
    duel.verify(draft, where.root)
    with duel.rigged(where, draft, results) as rig:
        the_plan = duel.resolved(draft, rig)
        slug = f"{question.baseline}-{question.candidate}"
        folder = duel.start_run(where, the_plan, slug, results, rig)
        return measured(folder, lambda: duel.measure(the_plan, rig, folder, quiet=quiet), duel.finish)


def text(document: dict[str, Any]) -> str:
    """A duel's document as a person reads it."""
    lines = []
    for regime in document["regimes"]:
        at = (
            f"{regime['rate_rps']:g} requests/s per arm"
            if regime["rate_rps"]
            else f"{regime['users']} connections per arm"
        )
        lines += [f"{regime['name']} ({at}): {regime['verdict']}", f"  {regime['sentence']}"]
        if regime["noise_floor"]:
            lines.append(f"  Smallest effect this session finds with 95 % power: {regime['noise_floor']:.2%}")
        lines += _behind(regime.get("behind"))
    blocks = document["blocks"]
    void = ", ".join(f"{name} ×{count}" for name, count in blocks["reasons"].items())
    lines.append(f"{blocks['valid']} valid blocks, {blocks['invalid']} void{f' ({void})' if void else ''}.")
    lines.append(f"Report: {document['run']}/report/index.html")
    return "\n".join(lines)


def _behind(found: dict[str, Any] | None) -> list[str]:
    """What the database and cache cost, in a line; nothing where none stands behind the arms."""
    if found is None:
        return []
    if found["why_not"]:
        return [f"  CPU behind the arms: not told, since {found['why_not']}."]
    baseline, candidate, ratio = found["baseline"], found["candidate"], found["ratio"]
    said = f"{baseline['value']:.4g} and {candidate['value']:.4g} µs a request, the ratio is {ratio['value']:.3f}"
    span = f"95 % interval {ratio['low']:.3f} to {ratio['high']:.3f}, {found['n']} blocks"
    return [f"  CPU behind the arms: {said} ({span})."]
