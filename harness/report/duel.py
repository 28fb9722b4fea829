"""The report of a duel: which of two arms costs less, by how much, and how far to trust it."""

from __future__ import annotations

from typing import Any

from harness.report import sections, words
from harness.report.behind import behind
from harness.report.charts import forest as forest_chart
from harness.report.page import Figure, Page, Section, Table, badge
from harness.report.read import Material, of_condition


def duel(material: Material, document: dict[str, Any]) -> Page:
    """Return the page of a duel; ``document`` is its verdict document."""
    metric = str(document.get("metric") or "cpu_us_per_request")
    baseline, candidate = _arm(document, "baseline"), _arm(document, "candidate")
    return Page(
        title=f"{candidate} against {baseline}",
        run=material.folder.name,
        verdict=badge(str(document.get("verdict") or "inconclusive")),
        sentence=str(document.get("sentence") or "This duel has no verdict."),
        facts=_facts(document, metric),
        sections=(
            _effect(material, document, metric),
            _regimes(material, document, metric),
            sections.block_by_block(material, metric),
            sections.latency(material),
            *behind(material),
            sections.over_time(material),
            sections.validity(material, metric),
            sections.environment(material),
            sections.repeat(material),
        ),
    )


def _arm(document: dict[str, Any], role: str) -> str:
    return str((document.get(role) or {}).get("label") or role)


def _facts(document: dict[str, Any], metric: str) -> tuple[tuple[str, str], ...]:
    blocks = document.get("blocks") or {}
    unit = {"cpu_us_per_request": " µs"}.get(metric, " ms" if metric.endswith("_ms") else "")
    facts = [
        (f"{_arm(document, role)} ({role})", words.number(value) + unit)
        for role in ("baseline", "candidate")
        if (value := (document.get(role) or {}).get("value")) is not None
    ]
    facts.append(("ratio", words.ratio(document.get("ratio"))))
    facts.append((f"{words.percent(document.get('confidence') or 0.95, 0)} interval", _span(document)))
    facts.append(("noise floor", words.percent(document.get("noise_floor"))))
    facts.append(("blocks", f"{blocks.get('valid', 0)} valid, {blocks.get('invalid', 0)} void"))
    return tuple(facts)


def _span(record: dict[str, Any]) -> str:
    return words.interval(record.get("low"), record.get("high"))


def _known(record: Any) -> bool:
    return isinstance(record, dict) and all(record.get(key) for key in ("ratio", "low", "high"))


def _valid(material: Material, regime: str, grain: str | None = None) -> int:
    return sum(
        not kept.void and grain in (None, kept.block.grain)
        for condition in material.run.plan.conditions
        if condition.regime == regime
        for kept in of_condition(material, condition)
    )


def _effect(material: Material, document: dict[str, Any], metric: str) -> Section:
    effects = []
    for regime in document.get("regimes") or []:
        if not _known(regime):
            continue
        name = str(regime["name"])
        load = words.load(regime.get("rate_rps"), regime.get("users"))
        effects.append(_row(f"{name}, {load}", regime, _valid(material, name)))
        grains = {grain: each for grain, each in (regime.get("grains") or {}).items() if _known(each)}
        if len(grains) > 1:
            effects += [
                _row(f"  {grain} grain", each, int(each.get("n") or _valid(material, name, grain)), main=False)
                for grain, each in grains.items()
            ]
        effects += [
            _row(f"  {grain} grain, as metered", each["as_metered"], int(each.get("n") or 0), main=False)
            for grain, each in grains.items()
            if each.get("as_metered")
        ]
    if not effects:
        return Section(id="effect", title="Effect", lead="No regime of this duel has an interval: nothing to draw.")
    what = words.metric(metric)
    svg = forest_chart.forest(
        effects, margin=material.run.plan.margin, what=what, confidence=document.get("confidence") or 0.95
    )
    alt = "; ".join(f"{e.label.strip()}: {e.ratio:.3f}, {e.low:.3f} to {e.high:.3f}, n = {e.n}" for e in effects)
    caption = (
        f"Left of 1 {_arm(document, 'candidate')} costs less, right of 1 more than "
        f"{_arm(document, 'baseline')}. n counts blocks. "
        "Where a regime was measured in several grains, its bar is their envelope. As metered: before every "
        "stretch was taken to one pace of the core, which on a shared machine changes while the arms run."
    )
    figure = Figure(name="effect", svg=svg, alt=f"Ratio of {what} with intervals. {alt}.", caption=caption)
    return Section(id="effect", title="Effect", figures=(figure,))


def _row(label: str, record: dict[str, Any], n: int, *, main: bool = True) -> forest_chart.Effect:
    return forest_chart.Effect(
        label=label, ratio=record["ratio"], low=record["low"], high=record["high"], n=n, main=main
    )


def _regimes(material: Material, document: dict[str, Any], metric: str) -> Section:
    rows = []
    for index, regime in enumerate(document.get("regimes") or []):
        floor = regime.get("noise_floor", document.get("noise_floor") if index == 0 else None)
        name = str(regime.get("name"))
        rows.append(
            (
                name,
                words.ratio(regime.get("ratio")),
                words.interval(regime.get("low"), regime.get("high")),
                str(_valid(material, name)),
                words.percent(floor),
                words.load(regime.get("rate_rps"), regime.get("users")),
                str(regime.get("arrivals") or ("closed loop" if regime.get("users") else words.MISSING)),
                words.percent(regime.get("utilisation"), 0),
                words.percent(regime.get("behind_utilisation"), 0),
                ", ".join(regime.get("grains") or ()) or words.MISSING,
                words.percent(regime.get("grain_spread")),
            )
        )
    confidence = f"{words.percent(document.get('confidence') or 0.95, 0)} interval"
    header = (
        *("regime", "ratio", confidence, "n (blocks)", "noise floor"),
        *("load", "arrivals", "utilisation", "behind", "grains", "grain spread"),
    )
    caption = (
        f"Ratio of {words.metric(metric)}, candidate ÷ baseline. Noise floor: smallest effect that this "
        "session finds with 95 % power. Utilisation: share of the arms' core; behind: that of the database and cache."
    )
    tables = (Table(caption=caption, header=header, rows=tuple(rows)),) if rows else ()
    return Section(id="regimes", title="Regimes", lead=None if rows else "No regime was finished.", tables=tables)
