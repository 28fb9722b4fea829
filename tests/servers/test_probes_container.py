"""The probes of starting and ending in a container: what they print can be read, and obeys what must always hold."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.claims import find
from harness.probes import decide
from targets.probes import (
    bytecode_start,
    crash_traces,
    entry_forms,
    log_loss,
    memory_group,
    memory_limit,
    pid_namespace,
)
from tests.support import serving


@pytest.fixture(scope="module")
def lines_of():
    """Run a probe in a process of its own, once, and read what it printed."""
    kept = {}

    def lines(probe):
        if probe not in kept:
            done = subprocess.run(
                [sys.executable, "-m", f"targets.probes.{probe}", "--quick"],
                cwd=serving.ROOT,
                env=serving.environment({}),
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            kept[probe] = [json.loads(line) for line in done.stdout.splitlines()]
        return kept[probe]

    return lines


def conditions(number):
    """Give the probes of a claim."""
    (claim,) = find([str(number)])
    return {one.name: one for one in claim.conditions if hasattr(one, "module")}


def test_starts_find_the_byte_code_that_they_are_said_to_find(lines_of):
    """Without this a start called compiled could compile, and the claim would compare a thing with itself."""
    had = {line["subject"]: (line["had"], line["left"]) for line in lines_of("bytecode_start")}
    assert set(had) == set(bytecode_start.STARTS)
    whole = had["compiled"][0]
    library, packages = had["not compiled"][0], had["compiled, library from source"][0]
    assert had["nothing compiled"] == (0, 0)
    assert min(library, packages) > 50
    assert library + packages == whole
    # Where nothing may be written nothing is; the first start that writes leaves all that the service imports.
    for subject in ("compiled", "not compiled", "compiled, library from source"):
        assert had[subject][0] == had[subject][1], subject
    assert had[bytecode_start.FIRST] == (library, whole)
    assert had[bytecode_start.SECOND] == (whole, whole)


def test_compiling_costs_cpu_time(lines_of):
    """Without this a folder that Python ignores would pass for byte code that does not help."""
    cpu_s = {line["subject"]: line["cpu_s"] for line in lines_of("bytecode_start")}
    assert cpu_s["nothing compiled"] > 1.2 * cpu_s["compiled"] > 0


def test_the_second_start_comes_after_the_first():
    """Without this a second start would find the folder of another repeat, or none."""
    import random  # noqa: PLC0415  (one test needs it)

    for seed in range(50):
        order = bytecode_start._order(random.Random(seed))
        assert sorted(order) == sorted(bytecode_start.STARTS)
        assert order.index(bytecode_start.FIRST) < order.index(bytecode_start.SECOND)


def test_lines_are_lost_where_a_buffer_is_and_nowhere_else(lines_of):
    """Without this the loss would be that of the test's own pipe, or of lines that were never written."""
    kills = [line for line in lines_of("log_loss") if line["kind"] == "kill"]
    assert {(line["way"], line["sink"], line["subject"]) for line in kills} == {
        (way, sink, subject) for way in log_loss.WAYS for sink in log_loss.SINKS for subject in log_loss.SUBJECTS
    }
    for line in kills:
        assert 0 <= line["arrived"] <= line["written"] <= log_loss.KILL_BEFORE
        if line["subject"] == "unbuffered" or line["way"] != "print":
            assert line["lines_lost"] == 0, line
    without = {line["case"]: line["lossy"] for line in lines_of("log_loss") if line["kind"] == "without"}
    assert min(without["print into a pipe"], without["print into a file"]) > 0
    costs = [line["cpu_us"] for line in lines_of("log_loss") if line["kind"] == "cost"]
    assert len(costs) == len(log_loss.COST_WAYS) * len(log_loss.SUBJECTS)
    assert min(costs) > 0


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        (b"", 0),
        (b"line 0000000 a\nline 0000001 b\n", 2),
        (b"line 0000000 a\nline 00000", 1),
        (b"line 0000000 a\nline 0000002 c\n", 1),
    ],
)
def test_only_whole_lines_in_their_place_count(text, whole):
    """Without this half a line, or one behind a gap, would pass for a line that arrived."""
    assert log_loss._whole_lines(text) == whole


def test_forms_are_told_apart_by_process_1(lines_of):
    """Without this a namespace that hands every signal on would make all forms look alike."""
    why, lines = pid_namespace.impossible(), lines_of("entry_forms")
    if why is not None:
        # Who may not make namespaces learns it, and nothing is claimed.
        assert lines == [{"untested": why}]
        return
    assert {line["subject"] for line in lines} == set(entry_forms.FORMS)
    for line in lines:
        shell = line["first"] in {"sh", "dash", "bash", "busybox"}
        # A shell that is process 1 takes the signal and does nothing; a server as process 1 ends by itself.
        assert line["unheard"] == int(shell), line
        assert line["told"] == int(not shell), line
        if shell:
            assert line["exit_s"] >= entry_forms.BOUND_S
            assert line["dropped"] > 0
        else:
            assert line["exit_s"] < entry_forms.BOUND_S
    by_form = {(line["server"], line["subject"]): line for line in lines}
    for server in {line["server"] for line in lines}:
        assert by_form[server, "exec form"]["unheard"] == by_form[server, "shell form with exec"]["unheard"] == 0
        assert by_form[server, entry_forms.TWIN]["unheard"] == 1


def test_memory_is_read_and_a_limit_kills(lines_of):
    """Without this a limit that is none would prove that everything fits."""
    why, lines = memory_group.impossible(), lines_of("memory_limit")
    starts = [line for line in lines if line["kind"] == "start" and "untested" not in line]
    peaks = {(line["server"], line["workers"]): line["peak_mib"] for line in starts}
    for line in starts:
        assert line["limited"] == int(why is None)
        assert line["killed"] == line["failed"] == 0
        assert line["answered"] == memory_limit.CLIENTS * memory_limit.REQUESTS
        # Python with FastAPI takes tens of MiB; its share of mapped files is no more than all of them.
        assert line["peak_mib"] > 20
        assert line["peak_mib"] >= line["pss_mib"] * 0.95
    for server in ("uvicorn", "granian"):
        assert peaks[server, 2] > peaks[server, 1]
    # Without a limit nothing is said of kills, but why.
    assert [line["killed"] for line in lines if line.get("twin")] == ([1] if why is None else [])
    assert {line["untested"] for line in lines if "untested" in line} == ({why} if why else set())
    assert list(memory_group.ROOT.rglob("startup-probe-*")) == []


def test_crashes_name_their_line_with_the_handler_alone(lines_of):
    """Without this a log that always has a traceback, or a process that never crashed, would decide."""
    lines = [line for line in lines_of("crash_traces") if line["kind"] in {"segfault", "abort"}]
    assert len(lines) == len(crash_traces.SERVERS) * len(crash_traces.CRASHES) * 2
    assert all(line["died"] for line in lines)
    for line in lines:
        if line["handler"] == "off":
            assert (line["unnamed"], line["said"]) == (1, 0), line
        elif line["kind"] == "segfault":
            assert (line["unnamed"], line["said"]) == (0, 1), line
    aborts = {line["case"]: line["named"] for line in lines_of("crash_traces") if line["kind"] == "aborts"}
    assert aborts["uvicorn"] == aborts["granian"] == 1


def test_a_traceback_that_names_another_line_does_not_count():
    """Without this any traceback would pass for the one that was asked for."""
    file = Path(crash_traces.crashing.__file__)
    assert not crash_traces.named(f'File "{file}", line 1 in reckless_read', crash_traces.crashing.reckless_read)
    assert not crash_traces.named("", crash_traces.crashing.reckless_read)


@pytest.mark.parametrize(
    ("number", "probe"), [(36, "bytecode_start"), (37, "log_loss"), (38, "entry_forms"), (83, "crash_traces")]
)
def test_every_condition_finds_its_lines(lines_of, number, probe):
    """Without this a condition would stay untested for a word that is written in two ways."""
    lines = lines_of(probe)
    short = {"SIGTERM ends it: gunicorn", "SIGTERM ends it: gunicorn_asgi"}
    for name, condition in conditions(number).items():
        found = decide(condition, lines, "ours").verdict
        assert (found.verdict == "untested") == (name in short or "untested" in lines[0]), found.sentence


def test_who_may_not_make_a_namespace_or_a_limit_learns_it():
    """Without this a machine without the right would show a claim as untested for a line that was not printed."""
    (first, *_) = conditions(38).values()
    assert "may not" in decide(first, [{"untested": "namespaces may not be made"}], "ours").verdict.sentence
    kills = conditions(39)["kills for memory in 256 MiB, 1 worker"]
    free = {"kind": "start", "limited": 0, "workers": 1, "killed": 0, "case": "uvicorn 1"}
    why = {"kind": "start", "limited": 1, "untested": "no limit can be set here"}
    assert "no limit" in decide(kills, [free, why], "ours").verdict.sentence


def test_every_condition_of_memory_finds_its_lines(lines_of):
    """Without this a server or a number of workers would be left out for a word that is written in two ways."""
    untested = {
        name
        for name, one in conditions(39).items()
        if decide(one, lines_of("memory_limit"), "ours").verdict.verdict == "untested"
    }
    unlimited = memory_group.impossible() is not None
    assert untested == {
        name
        for name in conditions(39)
        if "gunicorn" in name or "4 workers" in name or (unlimited and "256 MiB" in name)
    }


@pytest.mark.parametrize(("saved", "verdict"), [(2.0, "supported"), (1.06, "refuted"), (1.0, "no difference")])
def test_a_start_is_sooner_by_more_than_the_threshold_or_not(saved, verdict):
    """Without this a start that saves a hair, or nothing, would pass for one that is faster."""
    (condition, *_) = conditions(36).values()
    arms = {"not compiled": saved, "compiled": 1.0}
    lines = [
        {"subject": subject, "repeat": repeat, "first_s": first_s * (1 + 0.001 * (repeat % 3))}
        for repeat in range(8)
        for subject, first_s in arms.items()
    ]
    found = decide(condition, lines, "ours").verdict
    assert found.verdict == verdict
    assert "ours" in found.sentence
