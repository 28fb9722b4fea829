"""Restarts: an open load runs, the target meets a signal, and when its workers are back decides."""

from __future__ import annotations

import contextlib
import signal
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct

from harness import load, rules
from harness.block import Rig
from harness.claims.claim import Restart, Signal
from harness.errors import CannotMeasure
from harness.faults import _processes
from harness.lone import Rows, loading
from harness.model import App, Estimate, Target, Verdict
from harness.runtimes.runtime import Server, require_seen, stop
from harness.stats.recovery import recovered_ns
from harness.stats.shares import share_interval
from harness.store.folder import write_json
from harness.store.samples import ERRORS, DamagedSamples

LOOK_S = 0.01
"""How often the workers are counted: a hundredth of the quickest start."""

NOUNS: dict[Signal, tuple[str, str]] = {
    "kill-worker": ("crash", "crashes"),
    "kill-all": ("crash", "crashes"),
    "hang-up": ("restart", "restarts"),
}
"""What happened, once and several times."""


class Crash(Struct, frozen=True):
    """One fresh start of the target and one fault (``crashes/<restart>/<n>.json``)."""

    number: int
    workers: int
    """Processes that served before the fault."""
    full_again_s: float | None
    """From the signal until as many served again; None: not while the load ran."""
    answers_again_s: float | None
    """From the signal to the first due instant from which ≥ 95 % of the next max(100 requests, 1 s) succeed."""
    due: int
    failed: dict[str, int]
    """Requests that failed from the signal on, by class."""
    ended: int | None
    """Exit status of the whole server, None while it lived."""
    schema: int = 1
    kind: str = "crash"

    def recovered_s(self, within_s: float) -> float | None:
        """When all workers were back and answered, if within ``within_s``."""
        if self.full_again_s is None or self.answers_again_s is None:
            return None
        later_s = max(self.full_again_s, self.answers_again_s)
        return later_s if later_s <= within_s else None


def observe(restart: Restart, target: Target, rig: Rig, folder: Path, crashes: int, seed: int) -> list[Crash]:
    """As many crashes as asked for; those that ``folder`` holds already are not repeated.

    Raises CannotMeasure where the target does not start.
    """
    for number in range(crashes):
        done = folder / f"{number}.json"
        if not done.exists():
            place = folder / f"{number}-{time.monotonic_ns():x}"
            write_json(done, _crash(restart, target, rig, place, number, seed + number))
    return kept(folder)


def kept(folder: Path) -> list[Crash]:
    """The crashes that a folder holds, in their order."""
    return [msgspec.json.decode(one.read_bytes(), type=Crash) for one in sorted(folder.glob("[0-9]*.json"))]


def _crash(restart: Restart, target: Target, rig: Rig, place: Path, number: int, seed: int) -> Crash:
    place.mkdir(parents=True)
    server = rig.runtime.launch(
        "target",
        target,
        App(),
        root=rig.root,
        session=rig.session,
        logs=place,
        cores=rig.layout.arms if rig.layout.pinned else None,
    )
    try:
        server.wait_ready(restart.paths, (200,))
        require_seen(server)
        parameters = {"paths": list(restart.paths)}
        with loading(rig, place / "load", server.url, restart.load, seed=seed, parameters=parameters) as lone:
            t0_ns = lone.begin()
            _sleep_until(t0_ns + round((restart.load.warmup_s + restart.at_s) * 1e9))
            before = _processes.serving(server)
            struck_ns = _strike(server, before, restart.fault)
            until_ns = t0_ns + round((restart.load.warmup_s + restart.load.measure_s) * 1e9)
            full_ns = _full_again(server, before, until_ns, everyone=restart.fault == "hang-up")
            rows = lone.finish()
        ended = server.ended()
    except (load.GeneratorFailedError, DamagedSamples) as error:
        raise CannotMeasure(str(error), f"Its logs are kept in {place}.") from error
    finally:
        stop([server])
    return _seen(number, rows, len(before), struck_ns, full_ns, ended)


def _seen(number: int, rows: Rows, before: int, struck_ns: int, full_ns: int | None, ended: int | None) -> Crash:
    good = (rows["error"] == 0) & (rows["status"] == 200)  # noqa: PLR2004  (the path's own answer)
    # What was in flight at the signal failed because of it, too.
    lost = rows[~good & ((rows["end_ns"] >= struck_ns) | (rows["end_ns"] < 0))]
    again_ns = recovered_ns(rows["due_ns"], good, struck_ns)
    return Crash(
        number=number,
        workers=before,
        full_again_s=None if full_ns is None else (full_ns - struck_ns) / 1e9,
        answers_again_s=None if again_ns is None else (again_ns - struck_ns) / 1e9,
        due=int((rows["due_ns"] >= struck_ns).sum()),
        failed=_classes(lost),
        ended=ended,
    )


def _classes(lost: np.ndarray[Any, Any]) -> dict[str, int]:
    names = [
        ERRORS[int(row["error"]) - 1] if row["error"] else f"status-{row['status']}" if row["end_ns"] >= 0 else "unsent"
        for row in lost
    ]
    return {name: names.count(name) for name in sorted(set(names))}


def _strike(server: Server, serving: Sequence[int], fault: Signal) -> int:
    """Send the fault's signal to the processes that it is meant for; returns when.

    A supervisor takes SIGHUP as the order to replace its workers, one after the other or all at once.
    """
    chosen = {"kill-worker": serving[:1], "kill-all": server.pids(), "hang-up": server.pids()[:1]}[fault]
    now_ns = time.monotonic_ns()
    for pid in chosen:
        # With the first process of a container the kernel ends them all.
        with contextlib.suppress(ProcessLookupError):
            server.signal(pid, signal.SIGHUP if fault == "hang-up" else signal.SIGKILL)
    return now_ns


def _full_again(server: Server, before: Sequence[int], until_ns: int, *, everyone: bool) -> int | None:
    """When as many workers as before serve again: with a successor of the killed one, or of everyone."""
    while time.monotonic_ns() < until_ns:
        now = set(_processes.living(_processes.serving(server)))
        renewed = now.isdisjoint(before) if everyone else now != set(before)
        if len(now) >= len(before) and renewed:
            return time.monotonic_ns()
        time.sleep(LOOK_S)
    return None


def _sleep_until(at_ns: int) -> None:
    while (left_ns := at_ns - time.monotonic_ns()) > 0:
        time.sleep(left_ns / 1e9)


def estimate(restart: Restart, crashes: Sequence[Crash]) -> Estimate:
    """Share of faults after which the target recovered, with its exact interval (Clopper and Pearson, 1934)."""
    recovered = sum(one.recovered_s(restart.rule.within_s) is not None for one in crashes)
    shown = share_interval(recovered, len(crashes), 0.95)
    return Estimate(
        metric=f"share of {NOUNS[restart.fault][1]} recovered from",
        unit="share",
        value=shown.value,
        low=shown.low,
        high=shown.high,
        n=len(crashes),
        condition=restart.name,
    )


def decide(restart: Restart, crashes: Sequence[Crash]) -> Verdict:
    """The verdict of one condition, in words that say how often, how fast and what was lost."""
    within_s = restart.rule.within_s
    times = [at for one in crashes if (at := one.recovered_s(within_s)) is not None]
    n, k = len(crashes), len(times)
    share = share_interval(k, n, 0.95)
    sentence = (
        f"{restart.target} had its {crashes[0].workers} worker{'s' if crashes[0].workers > 1 else ''} again and "
        f"answered within {within_s:g} s in {k} of {n} {_noun(restart, n)}{_times(times)}, "
        f"so in {share.low:.0%} to {share.high:.0%} of them at 95 %; "
        f"{sum(sum(one.failed.values()) for one in crashes)} of {sum(one.due for one in crashes)} requests failed"
        f"{_ends(crashes)}."
    )
    if 0 < k < n:
        if restart.rule.supports:
            return Verdict(verdict="refuted", sentence=sentence)
        return Verdict(verdict="inconclusive", sentence=sentence, reason="it does so sometimes")
    if (k == n) == restart.rule.supports:
        if n <= rules.ZERO_BOUND:
            return Verdict(verdict="inconclusive", sentence=sentence, reason=f"only {n} {_noun(restart, n)}")
        return Verdict(verdict="supported", sentence=sentence)
    return Verdict(verdict="refuted", sentence=sentence)


def _noun(restart: Restart, count: int) -> str:
    return NOUNS[restart.fault][count != 1]


def _times(times: Sequence[float]) -> str:
    return f" (median {statistics.median(times):.2f} s, longest {max(times):.2f} s)" if times else ""


def _ends(crashes: Sequence[Crash]) -> str:
    ended = sum(one.ended is not None for one in crashes)
    return f"; the whole server ended {ended} times" if ended else ""


def control_held(restart: Restart, crashes: Sequence[Crash]) -> bool:
    """Whether a twin with a known outcome came out as it must."""
    wanted = restart.control == "must recover"
    return all((one.recovered_s(restart.rule.within_s) is not None) == wanted for one in crashes)
