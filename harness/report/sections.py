"""The sections that every kind of report shares: blocks, latency, time, validity, environment, repetition."""

from __future__ import annotations

import math
import shlex
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.errors import UsageError
from harness.latency import STALLS_IN_SLICE, tail_grain
from harness.model import Block, Check, Condition
from harness.report import latency_ratios, words
from harness.report.charts import blocks as blocks_chart
from harness.report.charts import latency as latency_chart
from harness.report.charts import timeline as timeline_chart
from harness.report.page import Figure, Section, Table
from harness.report.read import Kept, Material, log_ratio, of_condition, simple_interval
from harness.stats.intervals import bca_interval
from harness.stats.quantiles import printed_quantiles
from harness.store.blocks import METERS_FILE, REQUESTS_FILE
from harness.store.folder import slugify
from harness.store.meters import read_meters
from harness.store.samples import latencies_ns

_PERCENTILES = (0.5, 0.95, 0.99, 0.999, 0.9999)
_ROLES = ("baseline", "candidate")


def labels(condition: Condition) -> dict[str, str]:
    """Return what the arms are called: what tells their specs apart, with the role where they are equal."""
    baseline, candidate = words.told_apart(condition.baseline.spec, condition.candidate.spec)
    if baseline == candidate:
        return {"baseline": f"{baseline} (baseline)", "candidate": f"{candidate} (candidate)"}
    return {"baseline": baseline, "candidate": candidate}


def block_by_block(material: Material, metric: str) -> Section:
    """Show the ratio of every block, void ones hollow."""
    figures = []
    for condition in material.run.plan.conditions:
        points, valid = [], []
        for kept in of_condition(material, condition):
            log = log_ratio(kept, metric, condition.load.model)
            if log is None:
                continue
            reason = kept.block.voids[0].check if kept.void else None
            points.append(blocks_chart.Point(kept.block.number, math.exp(log), kept.block.grain, reason))
            valid += [] if kept.void else [log]
        if not points:
            continue
        found = simple_interval(valid)
        span = None if found is None else (found.value, found.low, found.high)
        what = words.metric(metric)
        figures.append(
            Figure(
                name=f"blocks-{slugify(condition.name)}",
                svg=blocks_chart.blocks(points, interval=span, what=what),
                alt=_blocks_alt(condition, what, points, span),
                caption=f"{condition.name}: every block in its order. Dashed: geometric mean of the valid "
                "blocks with its plain t interval. Hollow: void, not in the estimate.",
            )
        )
    lead = None if figures else "No block of this run has a ratio to show."
    return Section(id="blocks", title="Block by block", lead=lead, figures=tuple(figures))


def _blocks_alt(
    condition: Condition, what: str, points: list[blocks_chart.Point], span: tuple[float, float, float] | None
) -> str:
    void = sum(point.void is not None for point in points)
    middle = "no interval" if span is None else f"mean {span[0]:.3f}, 95 % {span[1]:.3f} to {span[2]:.3f}"
    return (
        f"{condition.name}: ratio of {what} in {words.plural(len(points) - void, 'valid block')} "
        f"and {words.plural(void, 'void one')}, {middle}."
    )


def latency(material: Material) -> Section:
    """Show the latency percentiles of both arms, from the merged samples of the valid blocks."""
    figures, rows, notes, ratios = [], [], [], []
    for condition in material.run.plan.conditions:
        grain, kept = _for_tails(of_condition(material, condition))
        if not kept:
            continue
        samples = _samples(kept, condition)
        names = labels(condition)
        rows += [_percentile_row(condition, names[role], samples[role]) for role in _ROLES]
        ratios += latency_ratios.rows(condition.name, [each.folder for each in kept], condition.load.model)
        since = "due time" if condition.load.model == "open" else "start"
        notes.append(
            f"{condition.name}: from {since}, {grain} grain, {_load_words(condition)}.{_cut(grain, condition, samples)}"
        )
        svg = latency_chart.latency(samples, names)
        if svg is not None:
            figures.append(
                Figure(
                    name=f"latency-{slugify(condition.name)}",
                    svg=svg,
                    alt=f"{condition.name}: latency by percentile of {names['baseline']} and "
                    f"{names['candidate']}; the table below has the figures.",
                    caption=notes[-1] + " A curve ends where fewer than ten samples lie beyond.",
                )
            )
    header = ("condition, arm", *(f"p{100 * q:.6g}, ms" for q in _PERCENTILES), "max, ms", "n")
    note = f"Merged samples of the valid blocks. {words.MISSING}: fewer than ten samples beyond."
    tables = [Table(caption=note, header=header, rows=tuple(rows))] if rows else []
    if ratios:
        tables.append(Table(caption=latency_ratios.CAPTION, header=latency_ratios.HEADER, rows=tuple(ratios)))
    lead = None if rows else "No valid block of this run holds latencies."
    return Section(id="latency", title="Latency", lead=lead, figures=tuple(figures), tables=tuple(tables))


def _cut(grain: str, condition: Condition, samples: dict[str, npt.NDArray[np.int64]]) -> str:
    """Say where slices are too short to show the tails."""
    longest_ms = max((int(values.max()) / 1e6 for values in samples.values() if len(values)), default=0.0)
    if grain != "slice" or longest_ms * STALLS_IN_SLICE <= condition.slice_s * 1e3:
        return ""
    return f" Slices of {condition.slice_s:g} s cut longer stalls short: these tails are lower bounds."


def _load_words(condition: Condition) -> str:
    load = condition.load
    arrivals = f", {load.arrivals} arrivals" if load.model == "open" else ", closed loop"
    return words.load(load.rate_rps, load.users) + arrivals


def _for_tails(found: tuple[Kept, ...]) -> tuple[str, list[Kept]]:
    usable = [kept for kept in found if not kept.void and (kept.folder / REQUESTS_FILE).is_file()]
    grain = tail_grain({kept.block.grain for kept in usable})
    return grain or "", [kept for kept in usable if kept.block.grain == grain]


def _samples(kept: list[Kept], condition: Condition) -> dict[str, npt.NDArray[np.int64]]:
    folders = [each.folder for each in kept]
    return {role: latencies_ns(folders, role, condition.load.model) for role in _ROLES}


def _percentile_row(condition: Condition, label: str, samples: npt.NDArray[np.int64]) -> tuple[str, ...]:
    seen = printed_quantiles(samples, _PERCENTILES)
    largest = words.milliseconds(int(samples.max()) / 1e6) if len(samples) else words.MISSING
    cells = [words.milliseconds(None if value is None else value / 1e6) for value in seen]
    return (f"{condition.name}, {label}", *cells, largest, f"{len(samples):,}")


def over_time(material: Material) -> Section:
    """Show CPU and memory over time, of the first valid block of each condition, and PSS of all of them."""
    figures, rows = [], []
    for condition in material.run.plan.conditions:
        valid = [kept for kept in of_condition(material, condition) if not kept.void]
        rows += _memory_rows(condition, valid)
        chosen = next((kept for kept in valid if (kept.folder / METERS_FILE).is_file()), None)
        svg = None
        if chosen is not None:
            svg = timeline_chart.timeline(read_meters(chosen.folder / METERS_FILE), labels(condition))
        if chosen is None or svg is None:
            continue
        block = chosen.block
        figures.append(
            Figure(
                name=f"time-{slugify(condition.name)}",
                svg=svg,
                alt=f"{condition.name}: CPU share of both arms over the time of block {block.number}, "
                "and their memory where it was metered.",
                caption=f"{condition.name}, block {block.number} ({block.grain} grain), "
                f"{_load_words(condition)}: CPU between two readings of the meters.",
            )
        )
    header = ("condition, arm", "median", "largest", "n (processes)", "threads")
    caption = "Memory (PSS) of one server's process tree at the end of a valid block"
    tables = (Table(caption=caption, header=header, rows=tuple(rows)),) if rows else ()
    lead = None if figures or rows else "No valid block of this run holds readings of the meters."
    return Section(id="time", title="CPU and memory over time", lead=lead, figures=tuple(figures), tables=tables)


def _memory_rows(condition: Condition, valid: list[Kept]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for role in _ROLES:
        costs = [cost for kept in valid for cost in kept.block.costs if cost.role == role]
        seen = [cost.pss_bytes for cost in costs if cost.pss_bytes is not None]
        if seen:
            threads = sorted({cost.threads for cost in costs})
            span = f"{threads[0]}" if len(threads) == 1 else f"{threads[0]}–{threads[-1]}"
            name = f"{condition.name}, {labels(condition)[role]}"
            rows.append((name, words.size(float(np.median(seen))), words.size(max(seen)), str(len(seen)), span))
    return rows


def validity(material: Material, metric: str) -> Section:
    """Show every check with its limit, the void blocks, and the estimate with and without them."""
    blocks = [kept.block for kept in material.blocks]
    void = [block for block in blocks if block.voids]
    lead = (
        f"{words.plural(len(blocks) - len(void), 'valid block')}, {len(void)} void. A block is void only for "
        "faults of the instrument; errors and overload of an arm are results."
    )
    tables = [
        _checks_table(blocks),
        Table(
            caption="Void blocks and why",
            header=("block", "condition", "grain", "reason"),
            rows=tuple(
                (str(block.number), block.condition, block.grain, "; ".join(v.sentence for v in block.voids))
                for block in void
            ),
        ),
        _both_estimates(material, metric),
        _errors_table(material),
    ]
    return Section(id="validity", title="Validity", lead=lead, tables=tuple(table for table in tables if table.rows))


def _checks_table(blocks: list[Block]) -> Table:
    seen: dict[str, list[Check]] = {}
    for block in blocks:
        for check in block.checks:
            seen.setdefault(check.check, []).append(check)
    rows = tuple(
        (
            name,
            _seen_words(checks),
            _limit_words(checks),
            f"{sum(not check.ok for check in checks)} of {len(checks)}",
        )
        for name, checks in seen.items()
    )
    header = ("check", "seen (lowest to highest)", "limit", "blocks that failed")
    return Table(caption="Checks of every block, void ones included", header=header, rows=rows)


def _seen_words(checks: list[Check]) -> str:
    values = [check.seen for check in checks if check.seen is not None]
    if not values:
        return "not observed here"
    numbers = [value for value in values if not isinstance(value, str)]
    texts = sorted({value for value in values if isinstance(value, str)})
    if not numbers:
        return "; ".join(texts)
    low, high = words.number(min(numbers)), words.number(max(numbers))
    span = low if low == high else f"{low} to {high}"
    return "; ".join([span, *texts])


def _limit_words(checks: list[Check]) -> str:
    return " / ".join(dict.fromkeys(words.number(check.limit) for check in checks))


def _both_estimates(material: Material, metric: str) -> Table:
    rows = []
    for condition in material.run.plan.conditions:
        kept = of_condition(material, condition)
        for grain in dict.fromkeys(each.block.grain for each in kept):
            mine = [each for each in kept if each.block.grain == grain]
            valid = [each for each in mine if not each.void]
            for name, chosen in (("valid blocks only", valid), ("every block kept", mine)):
                logs = [log_ratio(each, metric, condition.load.model) for each in chosen]
                known = [log for log in logs if log is not None]
                found = simple_interval(known)
                value = words.ratio(found.value) if found else words.MISSING
                span = words.interval(found.low, found.high) if found else words.MISSING
                rows.append((f"{condition.name}, {grain} grain", name, value, span, str(len(known))))
                second = bca_interval(known, 0.95, latency_ratios.SEED)
                if second is not None:
                    span = words.interval(math.exp(second.low), math.exp(second.high))
                    rows.append(
                        (f"{condition.name}, {grain} grain", f"{name}, BCa bootstrap", value, span, str(len(known)))
                    )
    caption = f"Would the void blocks have changed it? Ratio of {words.metric(metric)}, plain t interval"
    return Table(caption=caption, header=("condition", "blocks", "ratio", "95 % interval", "n"), rows=tuple(rows))


def _errors_table(material: Material) -> Table:
    rows = []
    for condition in material.run.plan.conditions:
        valid = [kept.block for kept in of_condition(material, condition) if not kept.void]
        errors: Counter[str] = Counter()
        for block in valid:
            errors.update(block.errors)
        due, done = sum(block.due for block in valid), sum(block.completed for block in valid)
        spoken = ", ".join(f"{name} {count:,}" for name, count in sorted(errors.items())) or "none"
        if valid:
            rows.append((condition.name, f"{due:,}", f"{done:,}", spoken))
    header = ("condition", "due", "completed", "errors")
    return Table(caption="Requests of both arms in the valid blocks", header=header, rows=tuple(rows))


def environment(material: Material) -> Section:
    """Show the machine's record: what the figures were taken on."""
    machine = dict(material.run.machine)
    packages = machine.pop("packages", None)
    tables = [
        Table(caption="The machine", header=("field", "value"), rows=tuple(_flat(machine))),
        Table(
            caption="Versions",
            header=("package", "version"),
            rows=tuple(_flat(packages)) if isinstance(packages, Mapping) else (),
        ),
    ]
    return Section(id="environment", title="Environment", tables=tuple(table for table in tables if table.rows))


def _flat(record: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for key, value in record.items():
        name = f"{prefix}{str(key).replace('_', ' ')}"
        if isinstance(value, Mapping):
            rows += _flat(value, f"{name} · ")
        else:
            rows.append((name, _value(str(key), value)))
    return rows


def _value(key: str, value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(_value(key, each) for each in value) or words.MISSING
    if key.endswith("_bytes") and isinstance(value, (int, float)) and not isinstance(value, bool):
        return words.size(value)
    return words.number(value)


def repeat(material: Material) -> Section:
    """Show the command that repeats the run, and what was fixed before its first block."""
    run = material.run
    rows = (
        ("run", material.folder.name),
        ("state", run.state),
        ("started (UTC)", run.started_utc),
        ("finished (UTC)", run.finished_utc or words.MISSING),
        ("seed", str(run.seed)),
        ("plan hash (SHA-256)", run.plan_hash),
        ("looks at the data after", ", ".join(map(str, run.plan.looks)) + " blocks"),
        ("margin", f"±{words.percent(run.plan.margin)}"),
        ("harness", run.harness_version or words.MISSING),
    )
    table = Table(caption="Fixed before the first block", header=("field", "value"), rows=rows)
    return Section(
        id="repeat",
        title="Repeat it",
        lead="The command that was run:",
        command=command(material),
        tables=(table,),
    )


def command(material: Material) -> str:
    """Return the command line that repeats the run, ready to paste; the interpreter's path is left out."""
    argv = list(material.run.argv)
    if not argv:
        raise UsageError(f"{material.folder} does not say its command line.", "Restore run.json from a copy.")
    return shlex.join([argv[0].rsplit("/", 1)[-1], *argv[1:]])
