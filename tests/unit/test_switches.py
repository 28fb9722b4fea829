"""The alternation of the arms."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.support.switches import GUARD_NS, documents, slices_of
from scenarios.support.trial import Load, Trial, TrialError, Window, arm_of

PAIR = ("baseline", "candidate")


def trial(grain="slice", arms=2, *, seed=1, slice_s=0.5, warmup_s=1.0, measure_s=5.0, switches=None, names=PAIR):
    """Make a trial whose arms alternate in role."""
    return Trial(
        seed=seed,
        output=Path("unused"),
        grain=grain,
        slice_s=slice_s,
        arms=tuple(arm_of(names[i % len(names)], f"http://127.0.0.1:{i + 1}", i // 2 + 1) for i in range(arms)),
        load=Load(model="open", rate_rps=100, warmup_s=warmup_s, measure_s=measure_s),
        switches=switches,
    )


TRIALS = st.builds(
    trial,
    st.sampled_from(["request", "slice"]),
    st.sampled_from([2, 4]),
    seed=st.integers(0, 10_000),
    slice_s=st.floats(0.05, 2),
    warmup_s=st.one_of(st.just(0.0), st.floats(0.1, 3)),
    measure_s=st.floats(0.5, 20),
)


@given(TRIALS)
def test_slices_fill_both_phases_without_gap_to_the_nanosecond(one):
    """Lost otherwise: rates computed from the trial's seconds would be wrong."""
    slices = slices_of(one)
    warmup_ns, measure_ns = round(one.load.warmup_s * 1e9), round(one.load.measure_s * 1e9)
    assert slices[0].start_ns == 0
    assert slices[-1].end_ns == warmup_ns + measure_ns
    assert all(a.end_ns == b.start_ns for a, b in itertools.pairwise(slices))
    assert [s.index for s in slices] == list(range(len(slices)))
    assert sum(s.end_ns - s.start_ns for s in slices if s.phase == "measure") == measure_ns
    assert [s.phase for s in slices] == sorted((s.phase for s in slices), reverse=True)


@given(TRIALS)
def test_every_process_is_loaded_equally_often_in_each_phase(one):
    """Lost otherwise: one role would be measured more, or at other times, than its rival."""
    for phase in ("warmup", "measure"):
        counts = Counter(entry for s in slices_of(one) if s.phase == phase for entry in s.entries)
        if phase == "measure" or one.load.warmup_s:
            assert set(counts) == set(range(len(one.arms)))
        assert len(set(counts.values())) <= 1


@given(TRIALS)
def test_the_request_grain_loads_both_roles_and_the_slice_grain_one_process(one):
    """Lost otherwise: the grains would not be what their names say."""
    for s in slices_of(one):
        roles = sorted(one.arms[entry].name for entry in s.entries)
        assert roles == list(PAIR) if one.grain == "request" else len(roles) == 1


@given(TRIALS)
def test_neighbours_in_the_slice_grain_are_pairs_with_one_pattern(one):
    """Lost otherwise: the halves of a pair would differ by their arrivals, not by the arm alone."""
    if one.grain != "slice":
        return
    slices = slices_of(one)
    for first, second in zip(slices[::2], slices[1::2], strict=True):
        assert first.pattern == second.pattern
        assert sorted(one.arms[s.entries[0]].name for s in (first, second)) == list(PAIR)


def test_either_role_goes_first_about_half_of_the_time():
    """Lost otherwise: a drift within pairs would favour one role."""
    slices = slices_of(trial(measure_s=1000, slice_s=0.5, warmup_s=0))
    first = sum(s.entries == (0,) for s in slices[::2])
    assert 420 < first < 580


def test_all_pairings_of_a_quartet_come_equally_often():
    """Lost otherwise: a bad process of one role would be charged to one process of the other."""
    slices = slices_of(trial("request", 4, measure_s=20, slice_s=0.5, warmup_s=0))
    assert set(Counter(s.entries for s in slices).values()) == {10}


@pytest.mark.parametrize("seed", range(6))
def test_each_half_of_a_quartets_pairings_loads_every_process(seed):
    """Lost otherwise: a dear process would look like a drift of the machine, and its block would be void."""
    slices = slices_of(trial("request", 4, seed=seed, measure_s=4, slice_s=1.0, warmup_s=0))
    for first, second in zip(slices[::2], slices[1::2], strict=True):
        assert sorted(first.entries + second.entries) == [0, 1, 2, 3]


def test_the_count_is_the_balanced_multiple_nearest_to_the_wish():
    """Lost otherwise: slices would be far longer or shorter than asked for."""
    assert len([s for s in slices_of(trial(measure_s=5)) if s.phase == "measure"]) == 10
    assert len([s for s in slices_of(trial(arms=4, measure_s=5)) if s.phase == "measure"]) in {8, 12}
    assert len([s for s in slices_of(trial(measure_s=0.1)) if s.phase == "measure"]) == 2


def test_a_block_is_one_slice():
    """Lost otherwise: the reference grain would be interrupted."""
    slices = slices_of(trial("block", 1))
    assert [(s.phase, s.entries) for s in slices] == [("warmup", (0,)), ("measure", (0,))]


@given(TRIALS)
def test_the_guard_is_at_most_a_tenth_of_a_slice(one):
    """Lost otherwise: short slices would be mostly silence."""
    for s in slices_of(one):
        assert 0 < s.guard_ns <= min(GUARD_NS, (s.end_ns - s.start_ns) / 10)


def test_equal_seeds_give_equal_alternations_and_others_do_not():
    """Lost otherwise: a measurement could not be repeated."""
    assert slices_of(trial(arms=4, seed=3)) == slices_of(trial(arms=4, seed=3))
    assert slices_of(trial(arms=4, seed=3)) != slices_of(trial(arms=4, seed=4))


def test_given_switches_override_the_grain():
    """Lost otherwise: a timeline could not dictate its own phases."""
    windows = (Window("warmup", 0, 1, (0,)), Window("measure", 1, 1.5, (0, 1)), Window("measure", 2, 3, ()))
    slices = slices_of(trial(switches=windows))
    assert [(d["start_ns"], d["end_ns"], d["entries"]) for d in documents(slices)] == [
        (0, 10**9, [0]),
        (10**9, 15 * 10**8, [0, 1]),
        (2 * 10**9, 3 * 10**9, []),
    ]


@pytest.mark.parametrize(
    "windows",
    [
        (),
        (Window("measure", 0, 0, (0,)),),
        (Window("measure", 0, 2, (0,)), Window("measure", 1, 3, (1,))),
        (Window("measure", 0, 1, (7,)),),
    ],
)
def test_impossible_switches_are_refused(windows):
    """Lost otherwise: a wrong plan would be measured as if it were right."""
    with pytest.raises(TrialError):
        slices_of(trial(switches=windows))


def test_unequal_roles_are_refused():
    """Lost otherwise: one role would be loaded more than the other."""
    with pytest.raises(TrialError, match="same number"):
        slices_of(trial(arms=3))
