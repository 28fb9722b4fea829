"""Synthetic run folders whose truth is known: what a report says about them can be checked."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from harness.model import App, Block, Check, Condition, Cost, Load, Plan, Target, Void, Window
from harness.store import blocks, folder, meters, samples
from harness.store.run import Run, hash_plan, write_run

NOW = datetime(2026, 11, 24, 3, 15, tzinfo=UTC)
BASELINE_NS = 400_000
SENTENCE = "granian costs 8.0 % more CPU per request than uvicorn (95 %: 7.2 % to 8.9 %, n = 8 blocks)."
MACHINE: dict[str, Any] = {
    "key": "x86_64-2c-0123456789",
    "cpu_model": "Imaginary CPU @ 3.00GHz",
    "cores": [0, 1],
    "kernel": "6.1.0",
    "memory_bytes": 8 << 30,
    "cgroup": {"version": 2, "cpu_cores": 2.0, "memory_bytes": None},
    "packages": {"granian": "2.8.7", "uvicorn": "0.54.0", "h11": None},
    "commit": "8f32f83",
    "dirty": False,
}


def plan(conditions: int = 2) -> Plan:
    """Return a plan of up to two conditions: an open and a saturated one."""
    loads = [Load("open", rate_rps=500.0), Load("closed", users=16)]
    names = ("open", "saturated")
    made = tuple(
        Condition(
            name=names[i],
            regime="open" if i == 0 else "saturated",
            baseline=Target("uvicorn", server="uvicorn"),
            candidate=Target("granian", server="granian"),
            app=App("app:app", "/srv"),
            scenario="plain",
            parameters={"paths": ["/ping"]},
            load=loads[i],
            grains=("slice",),
        )
        for i in range(conditions)
    )
    return Plan(command="duel", seed=7, conditions=made, blocks_max=8, looks=(4, 8), rerun_max=4)


def raw_rows(count: int, *, seed: int, entries: int = 4) -> np.ndarray:
    """Return raw rows of a healthy open load: exponential gaps, log-normal latencies."""
    rng = np.random.default_rng(seed)
    rows = np.zeros(count, samples.ROW)
    rows["due_ns"] = np.cumsum(rng.exponential(1e6, count)).astype(np.int64)
    rows["start_ns"] = rows["due_ns"] + rng.integers(0, 20_000, count)
    rows["end_ns"] = rows["start_ns"] + rng.lognormal(13.8, 0.5, count).astype(np.int64)
    rows["logical_id"] = np.arange(count)
    rows["slice"] = np.arange(count) * 10 // max(count, 1)
    rows["bytes"], rows["status"], rows["attempt"] = 120, 200, 1
    rows["entry"] = rng.integers(0, entries, count)
    rows["phase"] = rows["slice"] > 0
    return rows


def write_load(load: Path, rows: np.ndarray, *, worker: int = 1) -> None:
    """Leave what a worker of the generator leaves: the raw array and its done file."""
    load.mkdir(parents=True, exist_ok=True)
    rows.tofile(load / f"requests-{worker}.bin")
    sent = int((rows["start_ns"] >= 0).sum())
    arms = [{"name": n, "instance": i, "url": ""} for n in ("baseline", "candidate") for i in (1, 2)]
    done = {
        "row": samples.ROW_FORMAT,
        "columns": list(samples.ROW.names or ()),
        "rows": len(rows),
        "names": ["/ping", "/größe"],
        "arms": arms,
        "slices": [],
        "due": len(rows),
        "sent": sent,
        "completed": sent,
        "unsent": len(rows) - sent,
        "idle_spin_ns": 5,
        "work_ns": 10,
        "wall_ns": 100,
    }
    (load / f"done-{worker}.json").write_text(json.dumps(done))


def block(number: int, condition: str, ratio: float, *, void: bool = False, readable: bool = True) -> Block:
    """Return a block whose candidate costs ``ratio`` times the baseline, exactly."""
    per_request = {"baseline": BASELINE_NS, "candidate": round(BASELINE_NS * ratio)}
    windows = tuple(
        Window(
            role,
            instance,
            2 * k + (role == "candidate"),
            k * 10**9,
            (k + 1) * 10**9,
            per_request[role] * 250 if readable else None,
            250,
        )
        for k in range(4)
        for role in ("baseline", "candidate")
        for instance in (1, 2)
    )
    costs = tuple(
        Cost(role, instance, per_request[role] * 1000 if readable else None, 1000, 48 << 20, 1, 9)
        for role in ("baseline", "candidate")
        for instance in (1, 2)
    )
    steal = 0.09 if void else 0.001
    check = Check("steal on the arms' core", steal, 0.02, ok=not void)
    others = (
        Check("sent of due", 1.0, 0.99, ok=True),
        Check("client count − server count", None, 0.0, ok=True),
    )
    sentence = "steal on the arms' core: 0.09, allowed 0.02"
    return Block(
        number=number,
        condition=condition,
        grain="slice",
        seed=number,
        started_utc="2026-11-24T03:15:00Z",
        start_order=("baseline-1", "candidate-1"),
        costs=costs,
        windows=windows,
        checks=(check, *others),
        voids=(Void(check.check, steal, 0.02, sentence),) if void else (),
        sent=4000,
        due=4000,
        completed=4000,
        errors={"timeout": 2} if number == 1 else {},
        utilisation=0.48,
        generator_work=0.3,
        send_lag_p99_ms=0.2,
        wall_s=8.0,
        harness_version="0.1.0",
    )


def write_block(run: Path, made: Block, *, requests: int) -> Path:
    """Write one whole block as a session does."""
    tmp = blocks.begin_block(run, made.number, made.condition)
    write_load(tmp / "load", raw_rows(requests, seed=made.seed))
    samples.write_parquet([tmp / "load"], tmp / blocks.REQUESTS_FILE)
    for raw in (tmp / "load").iterdir():
        raw.unlink()
    (tmp / "load").rmdir()
    meters.write_meters(tmp / blocks.METERS_FILE, _meter_rows())
    meters.write_slices(tmp / blocks.SLICES_FILE, made.windows)
    folder.write_json(tmp / blocks.BLOCK_FILE, made)
    return blocks.finish_block(tmp)


def duel_run(
    results: Path, *, ratio: float = 1.08, count: int = 8, void: tuple[int, ...] = (3,), requests: int = 4000
) -> Path:
    """Write a finished duel: ``count`` blocks per regime, some void, ratios scattered by ±1 %."""
    run = folder.create_run(results, "duel", "granian-uvicorn", NOW)
    made = plan()
    write_run(run, _record(made))
    rng = np.random.default_rng(5)
    number = 0
    for condition in made.conditions:
        for _ in range(count):
            number += 1
            spread = float(np.exp(rng.normal(0, 0.01)))
            bad = number in void
            write_block(
                run,
                block(number, condition.name, ratio * spread * (1.3 if bad else 1), void=bad),
                requests=requests,
            )
    folder.write_json(run / folder.VERDICTS_FILE, duel_document(run, ratio, count, len(void)))
    return run


def claims_run(results: Path) -> Path:
    """Write a finished ``harness run``: a supported, an untested and a refuted claim."""
    run = folder.create_run(results, "run", "quick", NOW)
    write_run(run, _record(plan(1)))
    estimate = {
        "metric": "cpu_us_per_request",
        "unit": "ratio",
        "value": 1.08,
        "low": 1.07,
        "high": 1.09,
        "n": 8,
        "noise_floor": 0.012,
        "verdict_low": 1.06,
        "verdict_high": 1.1,
        "condition": "/ping <open>",
        "grain": "slice",
    }
    bytes_estimate = {
        **estimate,
        "metric": "pss_bytes",
        "unit": "bytes",
        "value": 5e7,
        "low": 4e7,
        "high": 6e7,
    }
    claim = {
        "number": 1,
        "id": "server-cpu",
        "section": "1",
        "statement": "A server costs <less> CPU.",
        "verdict": "supported",
        "sentence": "It costs 8 % more.",
        "estimates": [estimate, bytes_estimate],
        "reason": None,
        "rerun": "harness run server-cpu",
    }
    untested = {
        **claim,
        "number": 2,
        "id": "many-cores",
        "verdict": "untested",
        "estimates": [],
        "sentence": "Untested: it needs 4 cores.",
        "reason": "2 cores | of 4",
    }
    folder.write_json(run / folder.VERDICTS_FILE, {"kind": "claims", "run": str(run), "claims": [claim, untested]})
    return run


def selftest_run(results: Path) -> Path:
    """Write a finished self-test with a check that failed."""
    run = folder.create_run(results, "selftest", "quick", NOW)
    write_run(run, _record(plan(1)))
    check = {
        "name": "burn 5 µs",
        "injected": 5.0,
        "reported": 5.02,
        "unit": "µs",
        "error": 0.02,
        "tolerance": 0.15,
        "ok": True,
    }
    failed = {**check, "name": "stall 200 ms", "injected": 200, "reported": None, "unit": "ms", "ok": False}
    folder.write_json(run / folder.VERDICTS_FILE, {"kind": "selftest", "checks": [check, failed], "ok": False})
    return run


def duel_document(run: Path, ratio: float, count: int, void: int) -> dict[str, Any]:
    """Return the verdict document of a duel with the fields of the contract."""
    percentiles = {"p50_ms": 1.0, "p95_ms": 2.2, "p99_ms": 3.1, "max_ms": 9.0}
    regime = {
        "name": "open",
        "rate_rps": 500.0,
        "users": None,
        "arrivals": "poisson",
        "utilisation": 0.48,
        "grains": {"slice": {"ratio": ratio, "low": ratio * 0.993, "high": ratio * 1.007, "n": count}},
        "grain_spread": None,
        "ratio": ratio,
        "low": ratio * 0.993,
        "high": ratio * 1.007,
        "latency": {"baseline": percentiles, "candidate": percentiles},
    }
    closed = {
        **regime,
        "name": "saturated",
        "rate_rps": None,
        "users": 16,
        "arrivals": None,
        "utilisation": 0.97,
    }
    return {
        "kind": "duel",
        "metric": "cpu_us_per_request",
        "baseline": {"label": "uvicorn", "value": 400.0},
        "candidate": {"label": "granian", "value": 400.0 * ratio},
        "ratio": ratio,
        "low": ratio * 0.993,
        "high": ratio * 1.007,
        "confidence": 0.95,
        "noise_floor": 0.012,
        "blocks": {"valid": 2 * count - void, "invalid": void, "reasons": {"steal on the arms' core": void}},
        "latency": regime["latency"],
        "verdict": "dearer",
        "sentence": SENTENCE,
        "regimes": [regime, closed],
        "run": str(run),
    }


def _record(made: Plan) -> Run:
    machine = msgspec.to_builtins(MACHINE)
    return Run(
        plan=made,
        plan_hash=hash_plan(made),
        seed=7,
        argv=("harness", "duel", "uvicorn", "granian", "--app", "a b:app"),
        machine=machine,
        started_utc="2026-11-24T03:15:00Z",
        finished_utc="2026-11-24T03:19:00Z",
        state="finished",
    )


def _meter_rows() -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    arms = [("baseline-1", 11), ("baseline-2", 12), ("candidate-1", 13), ("candidate-2", 14)]
    used = dict.fromkeys((name for name, _ in arms), 0)
    for step in range(40):
        t = 10**12 + step * 10**8
        for index, (name, pid) in enumerate(arms):
            used[name] += (40 if (step // 5) % 2 == index // 2 else 1) * 10**6
            pss = (48 + index) << 20 if step % 10 == 0 else None
            rows.append((t, "arm", name, pid, used[name], None, None, pss, 9, 20))
        rows.append((t, "generator", "locust", 20, step * 60 * 10**6, step * 30 * 10**6, None, None, None, None))
        rows.append((t, "host", "arms' core", 0, step * 70 * 10**6, None, step * 10**5, None, None, None))
    return rows
