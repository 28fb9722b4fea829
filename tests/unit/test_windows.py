"""What of a slice is counted, and when whose meter is read."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.evidence import (
    SETTLE_NS,
    SLOW_FROM,
    SLOW_TO,
    WINDOW_NS,
    Entry,
    Watched,
    edges_of,
    fast_look_ns,
    paced,
    quiet_of,
    utilisation_of,
    window_edges,
    windows_of,
)
from harness.load import Slice
from harness.meters.sampler import Edge, Readings
from harness.model import Window
from harness.store.samples import ROW

MS = 1_000_000
ENTRIES = (Entry("baseline", 1), Entry("candidate", 1))


def piece(index=0, *, start_ms=0, length_ms=100, entries=(0,), phase="measure"):
    """Give a slice with a quiet end of a tenth."""
    start, length = start_ms * MS, length_ms * MS
    return Slice(index, phase, start, start + length, start + length * 9 // 10, entries)


def readings(at_edges, t0_ns=0):
    """Give readings that hold nothing but edges."""
    return Readings(
        t0_ns=t0_ns,
        rows=(),
        at_edges=at_edges,
        late_ns=0,
        core_before=None,
        core_after=None,
        core_wall_ns=0,
        pids=(),
    )


def answers(*ends_ns, entry=0, piece_index=0, error=0):
    """Give one row per answer."""
    rows = np.zeros(len(ends_ns), dtype=ROW)
    rows["end_ns"], rows["entry"], rows["slice"], rows["error"], rows["phase"] = ends_ns, entry, piece_index, error, 1
    return rows


@given(st.integers(10, 5000))
def test_a_lone_arm_is_counted_between_its_burst_and_its_quiet_end(length_ms):
    """Lost otherwise: the burst at a slice's start, which is no steady state, would be part of the figure."""
    one = piece(length_ms=length_ms)
    first, last = window_edges(one, "slice")
    assert one.start_ns < first <= one.start_ns + SETTLE_NS
    assert last == one.quiet_ns
    assert last - first > (one.end_ns - one.start_ns) / 2


@given(st.integers(100, 5000))
def test_a_long_slice_of_the_block_grain_is_cut_into_windows_that_meet(length_ms):
    """Lost otherwise: CPU time or answers between two windows, or a window too long to see the pace change."""
    one = piece(length_ms=length_ms)
    edges = window_edges(one, "block")
    assert (edges[0], edges[-1]) == window_edges(one, "slice")
    lengths = [after - before for before, after in itertools.pairwise(edges)]
    assert max(lengths) < 2 * WINDOW_NS
    assert len(lengths) == 1 or min(lengths) >= WINDOW_NS


def test_a_window_has_the_pace_of_its_own_time():
    """Lost otherwise: an arm would be corrected by the pace of another moment."""
    window = Window("baseline", 1, 0, 10 * MS, 20 * MS, 1, 1)
    slow = [(t * MS, 8000) for t in (*range(5, 10), *range(15, 25))]
    watched = Watched(pauses=(), pace=tuple(sorted([(t * MS, 5000) for t in range(10, 15)] + slow)), cpu_share=0.0)
    fast_ns = fast_look_ns([None, watched])
    assert fast_ns == 5000
    assert paced((window,), 0, watched, fast_ns)[0].slow == 0.5
    assert paced((window,), 5 * MS, watched, fast_ns)[0].slow == 1.0
    assert paced((window,), 1000 * MS, watched, fast_ns)[0].slow is None
    assert paced((window,), 0, None, fast_ns)[0].slow is None
    assert fast_look_ns([None]) is None


@given(st.floats(0.9, SLOW_FROM), st.floats(SLOW_TO, 3.0))
def test_a_few_per_cent_that_an_arm_does_to_the_watcher_are_no_pace(fast, slow):
    """Lost otherwise: a server whose threads foul the watcher's caches would be corrected for its own doing."""
    window = Window("baseline", 1, 0, 0, 10 * MS, 1, 1)
    looks = tuple((k * MS, round(5000 * (fast if k % 2 else slow))) for k in range(10))
    [found] = paced((window,), 0, Watched(pauses=(), pace=looks, cpu_share=0.0), 5000.0)
    assert found.slow == pytest.approx(0.5, abs=0.001)


def test_interleaved_arms_are_counted_from_end_to_end():
    """Lost otherwise: requests would be counted whose CPU time was not, or the other way round."""
    assert window_edges(piece(), "request") == (0, 100 * MS)


def test_every_measured_edge_is_read_and_everybody_at_the_outermost():
    """Lost otherwise: a window would lack its figure, or foreign CPU its sum."""
    slices = (piece(0, phase="warmup"), piece(1, start_ms=100), piece(2, start_ms=200, entries=(1,)))
    edges = edges_of(slices, "slice", 2)
    assert edges[100 * MS] == (0, 1)
    assert edges[300 * MS] == (0, 1)
    assert edges[125 * MS] == edges[190 * MS] == (0,)
    assert edges[225 * MS] == edges[290 * MS] == (1,)
    assert len(edges) == 6


def test_answers_count_between_the_readings_as_they_were_really_taken():
    """Lost otherwise: a meter that is read 3 ms late would charge 3 ms of CPU time to no request."""
    slices = (piece(1),)
    first, last = window_edges(slices[0], "slice")
    late = {first: {0: Edge(28 * MS, 1000)}, last: {0: Edge(93 * MS, 5000)}}
    rows = answers(26 * MS, 28 * MS, 60 * MS, 92 * MS, 93 * MS, 95 * MS, piece_index=1)
    [window] = windows_of(ENTRIES, slices, readings(late), rows, "slice")
    assert (window.requests, window.cpu_ns) == (3, 4000)
    assert (window.start_ns, window.end_ns) == (28 * MS, 93 * MS)


def test_an_interleaved_slice_counts_its_own_answers_wherever_they_end():
    """Lost otherwise: an answer behind the slice's end would be charged to nobody."""
    slices = (piece(1, entries=(0, 1)),)
    both = {edge: {0: Edge(edge, edge), 1: Edge(edge, edge)} for edge in (0, 100 * MS)}
    rows = np.concatenate(
        [answers(5 * MS, 101 * MS, piece_index=1), answers(7 * MS, entry=1, piece_index=1), answers(8 * MS, error=1)]
    )
    found = windows_of(ENTRIES, slices, readings(both), rows, "request")
    assert [window.requests for window in found] == [2, 1]
    assert utilisation_of(found) == 2.0


def test_a_process_that_cannot_be_read_has_no_figure():
    """Lost otherwise: an attached service would look free."""
    slices = (piece(1),)
    unread = {edge: {0: Edge(edge, None)} for edge in window_edges(slices[0], "slice")}
    found = windows_of(ENTRIES, slices, readings(unread), answers(50 * MS), "slice")
    assert found[0].cpu_ns is None
    assert found[0].requests == 1
    assert utilisation_of(found) is None


def test_memory_is_read_only_where_nothing_is_due():
    """Lost otherwise: reading memory would delay requests, and their latency would be the meter's."""
    slices = (piece(1), piece(2, start_ms=100, length_ms=10))
    assert quiet_of(slices) == {91 * MS: (0,)}
