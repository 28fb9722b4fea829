"""Due times of the open model."""

from __future__ import annotations

import itertools
import statistics
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.support.arrivals import Arrivals, arrivals_of
from scenarios.support.switches import slices_of
from scenarios.support.trial import Load, Trial, arm_of


def trial(grain="request", arms=2, *, rate_rps=500.0, arrivals="poisson", seed=5, measure_s=2.0, workers=1, worker=1):
    """Make a trial of the open model."""
    return Trial(
        seed=seed,
        output=Path("unused"),
        grain=grain,
        slice_s=0.5,
        arms=tuple(arm_of(("a", "b")[i % 2], f"http://127.0.0.1:{i + 1}") for i in range(arms)),
        load=Load(model="open", rate_rps=rate_rps, arrivals=arrivals, warmup_s=0.5, measure_s=measure_s),
        workers=workers,
        worker=worker,
    )


def plan(one: Trial) -> Arrivals:
    """Decide the due times."""
    return arrivals_of(one, slices_of(one))


TRIALS = st.builds(
    trial,
    st.sampled_from(["request", "slice"]),
    st.sampled_from([2, 4]),
    rate_rps=st.floats(1, 3000),
    arrivals=st.sampled_from(["poisson", "constant"]),
    seed=st.integers(0, 1000),
)


@settings(max_examples=40, deadline=None)
@given(TRIALS)
def test_due_times_are_sorted_and_inside_their_slices_before_the_guard(one):
    """Lost otherwise: requests of one arm would run into the slice of the other."""
    slices, arrivals = slices_of(one), plan(one)
    assert list(arrivals.due_ns) == sorted(arrivals.due_ns)
    for due, index, entry in zip(arrivals.due_ns, arrivals.slice, arrivals.entry, strict=True):
        assert slices[index].start_ns <= due < slices[index].quiet_ns
        assert entry in slices[index].entries


@settings(max_examples=40, deadline=None)
@given(TRIALS)
def test_both_roles_get_equal_counts(one):
    """Lost otherwise: CPU per request would carry the noise of unequal counts."""
    arrivals = plan(one)
    roles = Counter(one.arms[entry].name for entry in arrivals.entry)
    assert len(set(roles.values())) <= 1
    if one.grain == "request":
        per_slice = Counter(zip(arrivals.slice, arrivals.entry, strict=True))
        for s in slices_of(one):
            assert len({per_slice[s.index, entry] for entry in s.entries}) == 1


@settings(max_examples=20, deadline=None)
@given(TRIALS, st.integers(2, 4))
def test_workers_share_the_list_without_gap_or_double(one, workers):
    """Lost otherwise: two generators would send more or less than one."""
    shares = [plan(replace(one, workers=workers, worker=k)) for k in range(1, workers + 1)]
    whole = plan(one)
    merged = sorted(
        (i, due, entry)
        for share in shares
        for i, due, entry in zip(share.logical_id, share.due_ns, share.entry, strict=True)
    )
    assert merged == list(zip(whole.logical_id, whole.due_ns, whole.entry, strict=True))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_the_halves_of_a_pair_of_slices_share_their_arrivals():
    """Lost otherwise: the arms would be compared under different bursts."""
    one = trial("slice")
    slices, arrivals = slices_of(one), plan(one)
    offsets: dict[int, list[int]] = {s.index: [] for s in slices}
    for due, index in zip(arrivals.due_ns, arrivals.slice, strict=True):
        offsets[index].append(due - slices[index].start_ns)
    for first, second in zip(slices[::2], slices[1::2], strict=True):
        assert offsets[first.index] == offsets[second.index]


@pytest.mark.parametrize("grain", ["request", "slice", "block"])
def test_each_arm_sees_a_poisson_process_of_its_rate(grain):
    """Lost otherwise: an arm would be loaded more smoothly, or in more bursts, than the report says."""
    one = trial(grain, 1 if grain == "block" else 2, rate_rps=1000, measure_s=60)
    slices, arrivals = slices_of(one), plan(one)
    dues = [due for due, entry in zip(arrivals.due_ns, arrivals.entry, strict=True) if entry == 0]
    bin_ns = 10_000_000
    counts: Counter[int] = Counter(due // bin_ns for due in dues)
    loaded = [b for s in slices if 0 in s.entries for b in range(-(-s.start_ns // bin_ns), s.quiet_ns // bin_ns)]
    values = [counts[b] for b in loaded]
    mean = statistics.fmean(values)
    assert mean == pytest.approx(10, rel=0.03)
    # A Poisson process has a variance-to-mean ratio of 1; its estimate has a standard error of √(2/n).
    assert statistics.variance(values) / mean == pytest.approx(1, abs=5 * (2 / len(values)) ** 0.5)
    gaps = [b - a for a, b in itertools.pairwise(dues) if b - a < 15_000_000]  # no guard
    assert statistics.stdev(gaps) / statistics.fmean(gaps) == pytest.approx(1, abs=0.05)


def test_constant_arrivals_keep_their_gap_in_each_arm():
    """Lost otherwise: the constant load would not be constant."""
    one = trial("request", 2, rate_rps=100, arrivals="constant", measure_s=1)
    arrivals = plan(one)
    for s in slices_of(one):
        for entry in s.entries:
            dues = [
                due
                for due, index, e in zip(arrivals.due_ns, arrivals.slice, arrivals.entry, strict=True)
                if (index, e) == (s.index, entry)
            ]
            gaps = {round((b - a) / 1e6, 3) for a, b in itertools.pairwise(dues)}
            assert max(gaps) <= 20
            assert Counter(round((b - a) / 1e7) for a, b in itertools.pairwise(dues))[1] >= len(dues) - 3


def test_arms_loaded_together_do_not_collide():
    """Lost otherwise: each request would queue behind its rival's on the shared core."""
    one = trial("request", 2, rate_rps=500, arrivals="constant", measure_s=1)
    dues = plan(one).due_ns
    assert min(b - a for a, b in itertools.pairwise(dues)) > 0.3 / 500 * 1e9


def test_equal_seeds_give_equal_lists_and_others_do_not():
    """Lost otherwise: a measurement could not be repeated."""
    assert plan(trial(seed=1)) == plan(trial(seed=1))
    assert plan(trial(seed=1)) != plan(trial(seed=2))


@given(st.integers(0, 500), st.integers(1, 16))
def test_workers_share_users_and_connections_without_a_rest(total, workers):
    """Lost otherwise: users that cannot be divided by the workers would vanish, or be driven twice."""
    shares = [replace(trial(), workers=workers, worker=k).share(total) for k in range(1, workers + 1)]
    assert sum(shares) == total
    assert shares == sorted(shares, reverse=True)
    assert shares[0] - shares[-1] <= 1


@settings(max_examples=20, deadline=None)
@given(TRIALS, st.integers(2, 4))
def test_all_workers_lay_out_the_same_slices(one, workers):
    """Lost otherwise: one worker would load an arm while another loads its rival, where one shall be alone."""
    plans = {slices_of(replace(one, workers=workers, worker=k)) for k in range(1, workers + 1)}
    assert plans == {slices_of(one)}
