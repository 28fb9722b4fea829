"""Runs a claim's probe: a subprocess that prints one JSON object per line; some lines decide."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness import rules
from harness.claims.claim import AtMost, Counted, Faster, Outdoes, Probe, Some, Within, Zero
from harness.decided import Decided, estimated
from harness.model import App, Estimate, Target, Verdict, VerdictWord
from harness.processes import pinned, supervised
from harness.runtimes import local
from harness.stats.intervals import ratio_interval, t_interval
from harness.stats.shares import sign_p
from harness.supervisor import LABEL

PROBE_S = 120.0
"""A probe bounds itself to seconds; one that runs longer hangs, or is known to (see ``limit_s``)."""

END_S = 60.0
"""After SIGINT a probe ends what it has started: it may have to wait for a server that starts."""

SLOW_MACHINE = 3.0
"""So many times as long as on a quiet machine a probe may take on a busy one."""


def limit_s(probe: Probe) -> float:
    """After how many seconds a probe is taken to hang."""
    return max(PROBE_S, SLOW_MACHINE * (probe.wall_s or 0.0))


CANNOT = 3
"""A probe that this machine cannot run ends with this status; its last line says what is missing, and the mend."""

ENGINE = (
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CONFIG",
    "BASE_IMAGE",
    "BUILD_CA_BUNDLE",
    "PIP_CERT",
    "PIP_INDEX_URL",
)
"""Where the container engine is, and what its builds need to reach a package index: no figure depends on them."""


def observe(
    module: str,
    arguments: Sequence[str],
    root: Path,
    cores: Sequence[int] | None,
    lent: Mapping[str, str] | None = None,
    patience_s: float = PROBE_S,
) -> list[dict[str, Any]] | str:
    """Lines that the probe printed, or why it could not run, in a sentence without a full stop.

    ``lent`` are the addresses of the services that the probe needs.  Every process that it started is gone afterwards,
    also where it hung, or the harness died; an image that it had made when it was killed stays until `harness down`.
    """
    with (
        supervised() as session,
        pinned(cores),
        subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=root,
            env={
                **{name: os.environ[name] for name in ENGINE if name in os.environ},
                **local.environment(Target(spec=module), App(), root, lent),
                LABEL: session.label,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        try:
            stdout, stderr = process.communicate(timeout=patience_s)
        except subprocess.TimeoutExpired:
            return f"the probe {module} did not end within {patience_s:.0f} s"
        finally:
            _end(process)
    if "No module named " + module in stderr:
        return f"there is no probe {module}"
    if process.returncode:
        last = (stderr.strip().splitlines() or ["without a word"])[-1]
        if process.returncode == CANNOT:
            return last.rstrip(".")
        return f"the probe {module} failed: {last}"
    return [json.loads(line) for line in stdout.splitlines() if line.startswith("{")]


def _end(process: subprocess.Popen[str]) -> None:
    """Let a probe that hangs, or whose harness goes, end its own servers and groups first."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            # Not for the end of its output: what it started may hold that open until the session's supervisor ends it.
            process.wait(timeout=END_S)
        except subprocess.TimeoutExpired:
            process.kill()


def decide(probe: Probe, lines: list[dict[str, Any]] | str, origin: rules.Origin) -> Decided:
    """Verdict of one probe, with the ratio it rests on where there is one."""
    if isinstance(lines, str):
        return Decided(rules.untested(lines))
    chosen = [line for line in lines if probe.value in line and _fits(line, probe)]
    if not chosen:
        reasons = [str(line["untested"]) for line in lines if "untested" in line and _fits(line, probe, lax=True)]
        if reasons:
            return Decided(rules.untested(reasons[0]))
        return Decided(rules.untested(f"the probe {probe.module} printed no line for {probe.name}"))
    rule = probe.rule
    match rule:
        case Zero():
            found = _zero(probe, rule, chosen, lines)
        case Some():
            found = _controlled(_some(probe, rule, chosen), lines)
        case Outdoes():
            found = _controlled(_outdoes(probe, rule, chosen), lines)
        case Counted():
            found = _counted(probe, rule, lines, origin)
        case Within() | AtMost() | Faster() if probe.baseline:
            found = _ratio(probe, rule, chosen, origin)
        case Within():
            found = _alone(probe, rule, chosen, origin)
        case _:
            found = Decided(rules.untested(f"no rule of a probe decides {probe.name}"))
    return found


def _fits(line: Mapping[str, Any], probe: Probe, *, lax: bool = False) -> bool:
    """Whether a line has the fields that the probe asks for; one that says why there is none need not have them all."""
    return all(line.get(key) == value for key, value in probe.where.items() if key in line or not lax)


def _zero(probe: Probe, rule: Zero, chosen: Sequence[dict[str, Any]], lines: Sequence[dict[str, Any]]) -> Decided:
    differences = sum(int(line[probe.value]) for line in chosen)
    cases = sum(int(line.get("cases", 1)) for line in chosen)
    subject = probe.where.get("subject")
    # A twin that names whose it is says nothing of the others.
    twins = [line for line in lines if line.get("twin") and probe.value in line and line.get("of", subject) == subject]
    caught = all(int(line[probe.value]) for line in twins) if twins else None
    names = ", ".join(line["case"] for line in chosen if "case" in line and int(line[probe.value]))
    what = probe.spoken or "a difference"
    event = f"{what} ({names})" if names else what
    return Decided(rules.zero(differences, cases, rule.unit, twin_caught=caught, event=event))


def _controlled(found: Decided, lines: Sequence[dict[str, Any]]) -> Decided:
    """What a probe decides counts only where its controls, which nothing is wrong with, came out so."""
    failed = [line for line in lines if line.get("control") and int(line["failed"])]
    if not failed:
        return found
    names = ", ".join(f"{line['subject']}, {line['case']}" for line in failed)
    return Decided(Verdict("inconclusive", found.verdict.sentence, f"a control failed: {names}"), found.estimate)


def _some(probe: Probe, rule: Some, chosen: Sequence[dict[str, Any]]) -> Decided:
    names = [str(line["case"]) for line in chosen if int(line[probe.value])]
    said = f"{len(names)} of {len(chosen)} {rule.unit} were {rule.event}"
    if not names:
        return Decided(Verdict(verdict="refuted", sentence=f"{said}."))
    return Decided(Verdict(verdict="supported", sentence=f"{said}: {', '.join(names)}."))


def _outdoes(probe: Probe, rule: Outdoes, chosen: Sequence[dict[str, Any]]) -> Decided:
    """Cases in which the two differ decide: by chance each falls to either with one half (McNemar, 1947)."""
    found: dict[str, dict[str, bool]] = {}
    for line in chosen:
        found.setdefault(str(line["case"]), {})[str(line["subject"])] = bool(line[probe.value])
    both = {case: seen for case, seen in found.items() if {rule.subject, rule.reference} <= set(seen)}
    ours = sum(seen[rule.subject] for seen in both.values())
    theirs = sum(seen[rule.reference] for seen in both.values())
    alone = [case for case, seen in both.items() if seen[rule.subject] and not seen[rule.reference]]
    others = [case for case, seen in both.items() if seen[rule.reference] and not seen[rule.subject]]
    p = sign_p(len(alone), len(others))
    said = (
        f"{rule.subject}: {ours} of {len(both)} {rule.unit} {probe.value}, {rule.reference}: {theirs}; by "
        f"{rule.subject} alone: {', '.join(alone) or 'none'}; by {rule.reference} alone: {', '.join(others) or 'none'} "
        f"(p = {p:.2g})"
    )
    if p < rules.VERDICT_ALPHA:
        word: VerdictWord = "supported" if len(alone) > len(others) else "refuted"
        return Decided(Verdict(verdict=word, sentence=f"{said}."))
    return Decided(Verdict("inconclusive", f"{said}.", "too few cases tell the two apart"))


def _counted(probe: Probe, rule: Counted, lines: Sequence[dict[str, Any]], origin: rules.Origin) -> Decided:
    """Every line of the subject with every line of the reference: where builds differ, all of them must agree."""
    fitting = [line for line in lines if probe.value in line and _fits(line, probe)]
    mine = [float(line[probe.value]) for line in fitting if line["subject"] == rule.subject]
    theirs = [float(line[probe.value]) for line in fitting if line["subject"] == rule.reference]
    if not mine or (rule.reference is not None and not theirs):
        return Decided(rules.untested(f"the probe {probe.module} printed no line for {probe.name}"))
    figures = [one / other for one in mine for other in theirs] if rule.reference is not None else mine
    what, unit = probe.spoken or probe.value.replace("_", " "), f" {probe.unit}" if probe.unit else ""
    said = f"{what}: {rule.subject} has {_span(mine)}{unit}"
    if rule.reference is not None:
        said += f", {rule.reference} {_span(theirs)}{unit}, {_span(figures)} times as much"
    bases = sorted({str(line["base"]) for line in fitting if "base" in line})
    note = f" Built on {'; '.join(bases)}." if bases else ""
    inside = [rule.low <= figure <= rule.high for figure in figures]
    bounds = f"{rule.low:g} to {rule.high:g} (bounds that are {origin})"
    sentence = f"{said[:1].upper()}{said[1:]}; the claim asks for {bounds}.{note}"
    if all(inside) or not any(inside):
        return Decided(Verdict("supported" if all(inside) else "refuted", sentence))
    return Decided(Verdict("inconclusive", sentence, "the builds differ from each other"))


def _span(values: Sequence[float]) -> str:
    low, high = min(values), max(values)
    return f"{low:.3g}" if f"{low:.3g}" == f"{high:.3g}" else f"{low:.3g} to {high:.3g}"


def _ratio(
    probe: Probe, rule: Within | AtMost | Faster, lines: Sequence[dict[str, Any]], origin: rules.Origin
) -> Decided:
    """Baseline ÷ candidate over repeats that were taken side by side."""
    by_repeat: dict[int, dict[str, float]] = {}
    for line in lines:
        by_repeat.setdefault(int(line["repeat"]), {})[line["subject"]] = float(line[probe.value])
    arms = probe.baseline or "", probe.candidate or ""
    logs = [math.log(found[arms[0]] / found[arms[1]]) for found in by_repeat.values() if set(arms) <= set(found)]
    if isinstance(rule, AtMost | Faster):
        # Both are asked of what the candidate costs; a speed would be the other way round.
        logs = [-log for log in logs]
        found = _estimate("candidate ÷ baseline", "ratio", logs, probe)
        what = probe.spoken or probe.value.replace("_", " ")
        if isinstance(rule, Faster):
            verdict = rules.faster(
                found, *arms, what, threshold=rule.threshold, margin=rule.margin, threshold_origin=origin
            )
            return Decided(verdict, found, tuple(logs))
        return Decided(rules.at_most([found], rule.margin, *arms, what, origin=origin), found, tuple(logs))
    estimate = _estimate("times as fast", "ratio", logs, probe)
    subject = f"{arms[0]}'s time ÷ {arms[1]}'s"
    return Decided(rules.within(estimate, rule.low, rule.high, subject, origin=origin), estimate, tuple(logs))


def _alone(probe: Probe, rule: Within, lines: Sequence[dict[str, Any]], origin: rules.Origin) -> Decided:
    """A figure by itself, over repeats; a figure that can be zero has no log and is counted from its mean."""
    values = [float(line[probe.value]) for line in lines]
    what = probe.spoken or probe.value.replace("_", " ")
    positive = all(value > 0 for value in values)
    if positive:
        estimate = _estimate(what, probe.unit, [math.log(value) for value in values], probe)
    else:
        shown, decided = t_interval(values, 0.95), t_interval(values, 0.99)
        estimate = estimated(what, probe.unit, shown, decided, len(values), probe.name)
    verdict = rules.within(estimate, rule.low, rule.high, what[:1].upper() + what[1:], origin=origin)
    return Decided(verdict, estimate, tuple(math.log(value) for value in values) if positive else tuple(values))


def _estimate(metric: str, unit: str, logs: Sequence[float], probe: Probe) -> Estimate:
    return estimated(metric, unit, ratio_interval(logs, 0.95), ratio_interval(logs, 0.99), len(logs), probe.name)
