"""What can be done to a target is refused where it cannot happen as planned, and listed with its limits."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness import catalog, happenings, settings
from harness.commands import listing
from harness.errors import UsageError
from harness.faults.fault import Place, load
from harness.model import Fault

HOME = settings.home()
HERE = SimpleNamespace(label="here")
ALIVE = SimpleNamespace()
PROXIED = Place(session=HERE, proxies=SimpleNamespace(), proxy=SimpleNamespace())
PLACES = {
    "target": Place(session=HERE, server=ALIVE),
    "valkey": PROXIED,
    "postgres": PROXIED,
    "attached": Place(session=HERE),
}
PLUGINS = {entry.name: load(entry) for entry in catalog.faults(HOME)}


def fault(name: str, on: str = "valkey", start_s: float = 1.0, end_s: float | None = 2.0, **values: float) -> Fault:
    """A fault of a trial of 5 s."""
    return Fault(fault=name, on=on, start_s=start_s, end_s=end_s, values=values)


def refused(*faults: Fault) -> UsageError:
    """What ``check`` says to them."""
    with pytest.raises(UsageError) as error:
        happenings.check(faults, PLACES, 5.0)
    assert error.value.mend
    return error.value


def test_every_fault_says_what_it_does_where_and_within_which_limits():
    """A user could not choose one without reading its source."""
    assert {"latency", "bandwidth", "timeout", "reset", "slow_close", "slicer", "limit_data", "down"} <= set(PLUGINS)
    assert {"kill", "terminate", "interrupt", "freeze", "kill_worker", "rolling_restart", "cpu_hog"} <= set(PLUGINS)
    for entry in catalog.faults(HOME):
        plugin = PLUGINS[entry.name]
        assert entry.description.endswith(".")
        assert entry.label != entry.name
        for parameter in plugin.parameters.values():
            assert parameter.minimum <= parameter.default <= parameter.maximum
            assert parameter.meaning
            assert parameter.unit
        assert plugin.complete({}).keys() == plugin.parameters.keys()


def test_the_list_of_faults_names_their_parameters():
    """A scenario's author would have to guess names, units and limits."""
    found = json.loads(json.dumps(listing.document("faults")))
    latency = next(row for row in found["faults"] if row["name"] == "latency")
    assert latency["on"] == "proxy"
    assert latency["parameters"]["delay_ms"]["unit"] == "ms"
    assert latency["parameters"]["delay_ms"]["minimum"] == 0
    assert "delay_ms" in listing.text(found)
    assert str(len(found["faults"])) != "0"


def test_what_can_happen_is_let_through():
    """A check that refuses everything would be of no use."""
    happenings.check(
        [
            fault("latency", delay_ms=50.0, toxicity=0.5, upstream=1),
            fault("latency", "postgres"),
            fault("down", start_s=2.05, end_s=None),
            fault("freeze", "target"),
            fault("cpu_hog", "target"),
            fault("terminate", "target", start_s=4.9, end_s=None),
            fault("bandwidth", "postgres", start_s=3.0, end_s=5.0, rate_kb_per_s=0),
        ],
        PLACES,
        5.0,
    )
    happenings.check([], {}, 5.0)


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (fault("latancy"), "latancy"),
        (fault("latency", "redis"), "none in this trial"),
        (fault("latency", "target"), "needs a proxy"),
        (fault("kill", "valkey", end_s=None), "needs a process"),
        (fault("kill", "attached", end_s=None), "needs a process"),
        (fault("latency", delay=1.0), "has no delay"),
        (fault("latency", delay_ms=-1.0), "cannot be -1.0"),
        (fault("latency", delay_ms=1e9), "cannot be 1000000000.0"),
        (fault("latency", delay_ms=0.5), "cannot be 0.5"),
        (fault("latency", delay_ms=float("nan")), "cannot be nan"),
        (fault("latency", delay_ms="1"), "cannot be '1'"),
        (fault("latency", delay_ms=True), "cannot be True"),
        (fault("latency", toxicity=1.5), "cannot be 1.5"),
        (fault("latency", delay_ms=10.0, jitter_ms=11.0), "jitter_ms is larger"),
        (fault("bandwidth", rate_kb_per_s=-1.0), "cannot be -1.0"),
        (fault("slicer", average_bytes=0.0), "cannot be 0.0"),
        (fault("slicer", average_bytes=8.0, variation_bytes=8.0), "not smaller"),
        (fault("latency", start_s=-0.1), "outside the trial"),
        (fault("latency", start_s=5.0, end_s=None), "outside the trial"),
        (fault("latency", start_s=float("nan")), "outside the trial"),
        (fault("latency", end_s=5.1), "ends at 5.1 s"),
        (fault("latency", end_s=1.0), "ends at 1 s"),
        (fault("kill", "target"), "no end"),
    ],
)
def test_what_cannot_happen_is_refused_before_the_trial_with_the_mend(one, words):
    """Minutes of load would run without the fault, or Toxiproxy would die of it."""
    error = refused(one)
    assert words in f"{error.message} {error.mend}"


def test_an_unknown_fault_gets_the_nearest_one_named():
    """A slip of a letter would send the user to the documentation."""
    assert "latency" in refused(fault("latancy")).mend


def test_a_bandwidth_of_nothing_must_be_asked_for():
    """A forgotten parameter would stall a service for ever."""
    assert PLUGINS["bandwidth"].complete({})["rate_kb_per_s"] > 0
    assert PLUGINS["bandwidth"].complete({"rate_kb_per_s": 0})["rate_kb_per_s"] == 0


def test_two_faults_at_one_proxy_at_once_are_refused():
    """The end of one would undo the other, and no figure would say so."""
    assert "still on valkey" in refused(fault("latency"), fault("down", start_s=1.5, end_s=3.0)).message
    assert "still on valkey" in refused(fault("latency", end_s=None), fault("down", start_s=4.0, end_s=4.5)).message
    refused(fault("freeze", "target"), fault("freeze", "target", start_s=1.9, end_s=3.0))


SPANS = st.lists(st.tuples(st.integers(0, 4_000), st.integers(1, 1_000)), min_size=2, max_size=5)


@given(SPANS)
@example([(1_000, 500), (1_550, 100)])
@example([(1_000, 500), (1_549, 100)])
def test_exactly_the_schedules_that_leave_no_gap_are_refused(spans):
    """A plan with a hidden overlap would run, or one without would be turned down."""
    faults = [
        fault("latency" if at % 2 else "down", start_s=start / 1e3, end_s=(start + length) / 1e3)
        for at, (start, length) in enumerate(spans)
    ]
    gap = round(happenings.GAP_S * 1e3)
    # Brute force: every ms that a fault or its gap covers is covered once.
    taken = [ms for start, length in spans for ms in range(start, start + length + gap)]
    if len(taken) == len(set(taken)):
        happenings.check(faults, PLACES, 5.0)
    else:
        refused(*faults)


PLUGIN = '''"""Nothing at all."""
import time
from harness.faults.fault import Begun
LABEL = "Nothing"
ON = "process"
LASTS = False
PARAMETERS = {}
def begin(place, values):
    return Begun(time.monotonic_ns())
'''


def write(folder: Path, text: str) -> catalog.Entry:
    """A fault of a plug-in folder."""
    path = folder / "harness" / "faults" / "nothing.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return catalog.find("fault", "nothing", catalog.faults(HOME, [folder]))


def test_a_fault_of_ones_own_is_one_file(tmp_path):
    """A team could not do to its service what this project did not think of."""
    plugin = load(write(tmp_path, PLUGIN))
    assert plugin.begin(PLACES["target"], plugin.complete({})).end is None


@pytest.mark.parametrize(
    ("wrong", "words"),
    [('ON = "moon"', "'moon'"), ("raise OSError('no disk')", "no disk"), ("del begin", "begin")],
)
def test_a_broken_fault_is_refused_with_its_path_and_what_it_lacks(tmp_path, wrong, words):
    """Its author would get a traceback out of the harness in the middle of a trial."""
    with pytest.raises(UsageError) as error:
        load(write(tmp_path, f"{PLUGIN}\n{wrong}\n"))
    assert "nothing.py" in error.value.message
    assert words in error.value.message
    assert "begin(place, values)" in error.value.mend
