"""The report of ``harness run``: one section per claim, its verdict first."""

from __future__ import annotations

from collections import Counter
from typing import Any

from harness.report import courses, sections, sweeps, words
from harness.report.behind import behind
from harness.report.charts import forest as forest_chart
from harness.report.page import Figure, Page, Section, Table, badge
from harness.report.read import Material
from harness.store.folder import slugify

_RATIO_UNITS = frozenset({"ratio", "×", "1"})

SPEED = "times as fast"
"""The metric of probes: how many times as fast, so more is better."""


def claims(material: Material, document: dict[str, Any]) -> Page:
    """Return the page of a session of claims; ``document`` is its verdict document."""
    decided: list[dict[str, Any]] = document.get("claims") or []
    counts = Counter(str(claim.get("verdict")) for claim in decided)
    spoken = ", ".join(f"{count} {word}" for word, count in counts.most_common())
    return Page(
        title="Verdicts on claims",
        run=material.folder.name,
        verdict=None,
        sentence=f"{words.plural(len(decided), 'claim')}: {spoken}." if decided else "No claim was decided.",
        facts=(("blocks", words.plural(len(material.blocks), "block")),),
        sections=(
            _overview(decided),
            *(_claim(claim, material) for claim in decided),
            sections.block_by_block(material, "cpu_us_per_request"),
            sections.latency(material),
            *behind(material),
            sections.over_time(material),
            sections.validity(material, "cpu_us_per_request"),
            sections.environment(material),
            sections.repeat(material),
        ),
    )


def _overview(decided: list[dict[str, Any]]) -> Section:
    rows = tuple(
        (
            f"{claim.get('number')} {claim.get('id')}",
            str(claim.get("verdict")),
            str(claim.get("sentence") or ""),
        )
        for claim in decided
    )
    tables = (Table(caption="Every claim with its verdict", header=("claim", "verdict", "in words"), rows=rows),)
    return Section(id="overview", title="Overview", tables=tables if rows else ())


def _claim(claim: dict[str, Any], material: Material) -> Section:
    margin, number, folder = material.run.plan.margin, int(claim["number"]), material.folder
    identity = str(claim.get("id"))
    estimates: list[dict[str, Any]] = claim.get("estimates") or []
    ratios = [each for each in estimates if each.get("unit") in _RATIO_UNITS and _drawable(each)]
    said = [f"The claim (section {claim.get('section')}): {claim.get('statement')}"]
    if claim.get("reason"):
        said.append(f"Reason: {claim['reason']}")
    return Section(
        id=f"claim-{slugify(identity)}",
        title=f"{claim.get('number')} · {identity}",
        verdict=badge(str(claim.get("verdict"))),
        lead=str(claim.get("sentence") or ""),
        paragraphs=tuple(said),
        figures=(
            *courses.pictures(number, folder),
            *sweeps.pictures(number, folder, estimates),
            *_forests(identity, ratios, margin),
        ),
        tables=(
            *_conditions(claim),
            *((_table(estimates),) if estimates else ()),
            *sweeps.tables(number, folder),
            *courses.tables(number, folder),
        ),
        command=claim.get("rerun"),
    )


def _conditions(claim: dict[str, Any]) -> tuple[Table, ...]:
    """Every condition with its own verdict, where there are several."""
    found: list[dict[str, Any]] = claim.get("conditions") or []
    rows = tuple((str(one["name"]), str(one["verdict"]), str(one["sentence"])) for one in found)
    header = ("condition", "verdict", "in words")
    return (Table(caption="Each condition by itself", header=header, rows=rows),) if len(rows) > 1 else ()


def _drawable(estimate: dict[str, Any]) -> bool:
    return all((estimate.get(key) or 0) > 0 for key in ("value", "low", "high"))


def _forests(identity: str, estimates: list[dict[str, Any]], margin: float) -> tuple[Figure, ...]:
    """One chart per metric: a cost and a speed point in opposite directions and never share an axis."""
    metrics = dict.fromkeys(str(each.get("metric")) for each in estimates)
    return tuple(
        _forest(
            identity if len(metrics) == 1 else f"{identity} {metric}",
            [each for each in estimates if str(each.get("metric")) == metric],
            margin,
            metric,
        )
        for metric in metrics
    )


def _forest(identity: str, estimates: list[dict[str, Any]], margin: float, metric: str) -> Figure:
    effects = [
        forest_chart.Effect(_name(each), each["value"], each["low"], each["high"], int(each.get("n") or 0))
        for each in estimates
    ]
    alt = "; ".join(f"{e.label}: {e.ratio:.3f}, {e.low:.3f} to {e.high:.3f}, n = {e.n}" for e in effects)
    ratio = "baseline ÷ candidate" if metric == SPEED else "candidate ÷ baseline"
    return Figure(
        name=f"effect-{slugify(identity)}",
        svg=forest_chart.forest(effects, margin=margin, what=words.metric(metric), ratio=ratio),
        alt=f"Effects of {identity}. {alt}.",
        caption="Ratios with their 95 % intervals; n counts blocks.",
    )


def _name(estimate: dict[str, Any]) -> str:
    parts = [estimate.get("condition"), f"{estimate['grain']} grain" if estimate.get("grain") else None]
    return ", ".join(part for part in parts if part) or words.metric(str(estimate.get("metric")))


def _table(estimates: list[dict[str, Any]]) -> Table:
    rows = tuple(
        (
            _name(each),
            words.metric(str(each.get("metric"))),
            _figure(each.get("value"), each),
            _between(each.get("low"), each.get("high"), each),
            _between(each.get("verdict_low"), each.get("verdict_high"), each),
            words.MISSING if each.get("n") is None else str(each["n"]),
            words.percent(each.get("noise_floor")),
        )
        for each in estimates
    )
    header = ("condition", "metric", "value", "95 % interval", "99 % interval", "n", "noise floor")
    return Table(caption="Estimates; verdicts use the 99 % interval", header=header, rows=rows)


def _figure(value: float | None, estimate: dict[str, Any]) -> str:
    unit = str(estimate.get("unit") or "")
    if value is None:
        return words.MISSING
    if unit in _RATIO_UNITS:
        return words.ratio(value)
    if unit == "share":
        return words.percent(value, 0)
    return words.size(value) if unit == "bytes" else f"{words.number(value)} {unit}".strip()


def _between(low: float | None, high: float | None, estimate: dict[str, Any]) -> str:
    if low is None and high is None:
        return words.MISSING
    return f"{_figure(low, estimate)} to {_figure(high, estimate)}"
