"""Whatever the delays between two machines are, the truth lies within what their exchanges allow."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import validity
from harness.store import samples
from scenarios.support import clock
from tests.support import runs

OFFSET = st.integers(-(10**15), 10**15)
DELAY = st.integers(0, 10**9)
DELAYS = st.lists(st.tuples(DELAY, DELAY, DELAY), min_size=1, max_size=20)
HALF_MS_PER_S = 500_000 / 10**9


def burst(start_ns, offset_ns, delays, drift=0.0):
    """Exchanges one after the other between a worker's clock and a master's that is off by an offset that drifts."""

    def masters(worker_ns):
        return worker_ns + offset_ns + round(drift * worker_ns)

    found, now_ns = [], start_ns
    for there, inside, back in delays:
        heard, answered, end = now_ns + there, now_ns + there + inside, now_ns + there + inside + back
        found.append(clock.Exchange(now_ns, masters(heard), masters(answered), end))
        now_ns = end
    return found


@given(OFFSET, DELAYS)
def test_the_true_offset_lies_within_the_bound(offset_ns, delays):
    """A user with several machines would read times that are off by more than is said."""
    seen = clock.reading(burst(0, offset_ns, delays), one=False)
    assert abs(seen.offset_ns - offset_ns) <= seen.bound_ns
    quickest = min(there + back for there, _, back in delays)
    assert seen.bound_ns <= (quickest + 1) // 2 + 1


@given(OFFSET, DELAYS, DELAYS, st.floats(-HALF_MS_PER_S, HALF_MS_PER_S), st.integers(0, 10**11), st.floats(0, 1))
def test_a_steady_drift_between_two_readings_is_covered(offset_ns, first, second, drift, apart_ns, share):
    """A user would trust the end of a long trial as much as its begin, where the clocks have run apart."""
    early = burst(0, offset_ns, first, drift)
    late_start = early[-1].back_ns + apart_ns
    late = burst(late_start, offset_ns, second, drift)
    whole = clock.together(clock.reading(early, one=False), clock.reading(late, one=False))
    inside = round(early[0].asked_ns + share * (late_start - early[0].asked_ns))
    truth = offset_ns + drift * inside
    # Within a burst the clocks drift as well, by so much at most.
    within = abs(drift) * max(early[-1].back_ns, late[-1].back_ns - late_start)
    assert abs(whole.offset_ns - truth) <= whole.bound_ns + within + 2


@given(DELAYS)
def test_one_clock_is_never_found_wanting(delays):
    """A user of one machine would have blocks voided by nothing but a busy core."""
    seen = clock.reading(burst(0, 0, delays), one=True)
    assert (seen.offset_ns, seen.bound_ns) == (0, 0)
    assert validity.clocks([{"worker": 1, **clock.fields(seen, seen)}]) is None


def test_a_clock_that_is_not_known_well_enough_is_named():
    """A user would get requests counted in slices that they did not fall into."""
    near = clock.Reading(5_000_000, 5_400_000, 16, one=False)
    far = clock.Reading(5_000_000, 9_000_000, 16, one=False)
    fine, loose = ({"worker": k, **clock.fields(one, one)} for k, one in ((1, near), (2, far)))
    assert validity.clocks([fine]) is None
    assert validity.clocks([fine, loose]) == "worker 2's is known to 2 ms only"


def test_a_clock_that_should_be_the_masters_and_is_not_is_named():
    """A user of machines that were copied while they ran would take two clocks for one."""
    copied = clock.Reading(4_900_000, 5_100_000, 16, one=True)
    said = validity.clocks([{"worker": 3, **clock.fields(copied, copied)}])
    assert said == "worker 3's should be the master's and differs by 5 ± 0.1 ms"


def test_without_a_master_there_is_nothing_to_compare():
    """A user of a single worker would miss the fields that others have."""
    assert clock.fields(None, None) == {"clock_offset_ns": 0, "clock_bound_ns": 0, "clock": None}
    assert validity.clocks([{"worker": 1, **clock.fields(None, None)}]) is None


def test_processes_of_one_machine_name_the_same_clock():
    """A user of one machine would have its exact times replaced by estimates."""
    assert clock.identity() == clock.identity()


def test_the_store_applies_each_workers_offset_and_keeps_what_never_happened(tmp_path):
    """A user would see a machine's requests hours apart from those of another."""
    rows = np.zeros(2, samples.ROW)
    rows["due_ns"], rows["start_ns"], rows["end_ns"] = [100, 200], [110, -1], [150, -1]
    for worker, offset_ns in ((1, 0), (2, -50)):
        runs.write_load(tmp_path, rows.copy(), worker=worker)
        path = tmp_path / f"done-{worker}.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "clock_offset_ns": offset_ns}))
    found = samples.load_rows(tmp_path)
    assert found["due_ns"].tolist() == [100, 200, 50, 150]
    assert found["start_ns"].tolist() == [110, -1, 60, -1]
    assert found["end_ns"].tolist() == [150, -1, 100, -1]


def test_a_worker_that_left_nothing_at_all_is_missed(tmp_path):
    """A user whose fourth machine never came would read the samples of three as if they were all."""
    for worker in (1, 3):
        runs.write_load(tmp_path, runs.raw_rows(10, seed=worker), worker=worker)
        path = tmp_path / f"done-{worker}.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "workers": 4}))
    with pytest.raises(samples.DamagedSamples, match="worker 2, 4"):
        samples.load_rows(tmp_path)


@pytest.mark.parametrize(("workers", "cores", "said"), [(1, 1, None), (2, 2, None), (2, 1, "2 workers on 1 core")])
def test_workers_that_share_cores_are_said_in_the_reason(workers, cores, said):
    """A user would add workers to a generator that is saturated, and wonder why nothing changes."""
    assert validity.crowded(workers, cores) == said
    evidence = validity.Evidence(
        sent_share=1.0, generator_work=0.9, foreign_share=0.0, foreign_exact=True, steal_share=0.0, hiccup_max_ms=0.0,
        little=None, strangers=None, drift=None, boundary_late_ns=0, count_mismatch=0, crowded=said,
    )  # fmt: skip
    [void] = validity.voids(validity.checks(evidence))
    assert void.sentence.startswith(f"generator's work, {said}: 0.9" if said else "generator's work: 0.9")
