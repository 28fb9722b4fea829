"""Charts show what was measured, in any colour vision, on paper and on a dark ground."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from harness.report.charts import blocks, canvas, forest, latency, timeline
from harness.report.words import told_apart

LABELS = {"baseline": "uvicorn", "candidate": "granian"}


def words(svg):
    """Return all text of a chart."""
    return " ".join(re.findall(r"<text[^>]*>([^<]*)</text>", svg))


def test_the_forest_says_value_interval_and_n():
    """A reader would have to guess the figures from the length of bars."""
    svg = forest.forest([forest.Effect("open", 1.08, 1.07, 1.09, 8)], margin=0.01, what="CPU per request")
    assert "open · 1.080 [1.070, 1.090] · n = 8" in words(svg)
    assert "log scale" in words(svg)
    assert "±1 %" in words(svg)


@pytest.mark.parametrize("ratio", [0.002, 0.5, 1.0, 1.001, 40.0])
def test_the_forest_always_shows_the_line_of_no_difference(ratio):
    """A reader would take a cut axis for a large effect."""
    svg = forest.forest([forest.Effect("x", ratio, ratio * 0.9, ratio * 1.1, 2)], margin=0.01, what="cost")
    ticks = re.findall(r">([\d.]+)</text>", svg)
    assert "1" in ticks


def test_equal_data_give_equal_bytes():
    """A user who keeps reports in Git would see differences where nothing changed."""
    points = [blocks.Point(1, 1.1, "slice"), blocks.Point(2, 1.0, "slice", "steal")]
    first, second = (blocks.blocks(points, interval=None, what="CPU") for _ in range(2))
    assert first == second
    assert "202" not in "".join(re.findall(r"<metadata>.*</metadata>", first, re.DOTALL))


def test_void_blocks_are_drawn_with_their_reason():
    """A sceptic would suspect that inconvenient blocks were dropped silently."""
    points = [blocks.Point(1, 1.1, "slice"), blocks.Point(2, 2.0, "slice", "steal <x>")]
    text = words(blocks.blocks(points, interval=(1.1, 1.0, 1.2), what="CPU"))
    assert "void: steal &lt;x&gt;, n = 1" in text
    assert "slice grain, n = 1" in text


@pytest.mark.parametrize(("n", "deepest"), [(1_000, "p90"), (1_100, "p99"), (100_000, "p99.9"), (101_000, "p99.99")])
def test_latency_goes_only_as_deep_as_the_samples_allow(n, deepest):
    """A reader would take a handful of accidents for the 99.99th percentile."""
    values = np.random.default_rng(1).lognormal(14, 1, n).astype(np.int64)
    svg = latency.latency({"baseline": values, "candidate": values}, LABELS)
    assert svg is not None
    marks = [word for word in words(svg).split() if re.fullmatch(r"p[\d.]+", word)]
    assert marks[-1] == deepest
    assert f"uvicorn, n = {n:,}" in words(svg)


def test_no_samples_make_no_latency_chart():
    """A reader would see an empty picture instead of a sentence that says why."""
    few = np.arange(19, dtype=np.int64)
    assert latency.latency({"baseline": few, "candidate": few}, LABELS) is None


def test_arms_differ_in_marker_line_and_colour():
    """A colour-blind reader, or one with a printout, could not tell the arms apart."""
    baseline, candidate = canvas.STYLES["baseline"], canvas.STYLES["candidate"]
    assert all(baseline[key] != candidate[key] for key in ("color", "marker", "linestyle"))


def meters(shares):
    """Return readings of two processes per arm that use the given share of a core together."""
    rows = [
        {
            "t_ns": step * 10**8,
            "role": "arm",
            "name": f"{role}-{k}",
            "cpu_ns": int(step * 10**8 * share / 2),
            "spin_ns": None,
            "pss_bytes": None,
        }
        for step in range(20)
        for role, share in shares.items()
        for k in (1, 2)
    ]
    frame = pd.DataFrame(rows)
    return frame.astype({"cpu_ns": "Int64", "spin_ns": "Int64", "pss_bytes": "Int64"})


def test_cpu_share_is_the_sum_of_an_arms_processes():
    """A reader would see half the CPU of an arm with two processes."""
    frame = meters({"baseline": 0.5, "candidate": 0.25})
    share = timeline._cpu_share(timeline._of(frame, "baseline"))
    assert share.to_numpy() == pytest.approx(0.5, rel=1e-6)
    svg = timeline.timeline(frame, LABELS)
    assert svg is not None
    assert "PSS" not in words(svg)


def test_too_few_readings_make_no_timeline():
    """A reader would get a defect of the harness instead of a report without that chart."""
    frame = meters({"baseline": 0.5})
    assert timeline.timeline(frame[frame["t_ns"] < 2 * 10**8], LABELS) is None
    assert timeline.timeline(frame.iloc[:0], LABELS) is None


def test_unread_cpu_is_a_gap_and_not_zero():
    """A reader would take an unreadable process for an idle one."""
    frame = meters({"baseline": 0.5})
    frame["cpu_ns"] = pd.array([None] * len(frame), dtype="Int64")
    assert len(timeline._cpu_share(frame)) == 0


def test_long_names_of_arms_are_told_apart_in_few_characters():
    """Two legends of a hundred characters left a chart no room at all."""
    common = "uvicorn,loop=uvloop,http=httptools,SERVICE_DATA__KIND=postgres"
    shown = told_apart(f"{common},SERVICE_DATA__ACCESS=orm", f"{common},SERVICE_DATA__ACCESS=sqlmodel")
    assert shown == ("uvicorn,SERVICE_DATA__ACCESS=orm", "uvicorn,SERVICE_DATA__ACCESS=sqlm…")
    assert told_apart("uvicorn", "granian,workers=2") == ("uvicorn", "granian,workers=2")
    assert told_apart(common, common)[0] == told_apart(common, common)[1]
