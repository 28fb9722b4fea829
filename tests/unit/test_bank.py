"""The bank of A/A and dose blocks: what is kept, and what is learnt from it."""

from __future__ import annotations

import json
import math
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.bank import (
    INFLATION_CAP,
    INFLATION_DEFAULT,
    BankEntry,
    append,
    bank_path,
    draw,
    inflation,
    noise_series,
    pseudo_duels,
    read,
)
from harness.errors import UsageError


def entry(value=0.01, number=0, **changes):
    """A/A block of the bank, with what a test changes."""
    fields = {
        "regime": "open",
        "grain": "request",
        "architecture": "granian",
        "injected_ratio": 1.0,
        "log_ratio": value,
        "aa_log_ratio_baseline": None,
        "aa_log_ratio_candidate": None,
        "measure_s": 5.0,
        "started_utc": f"2026-11-24T00:{number // 60:02}:{number % 60:02}Z",
        "host": {"steal": 0.0},
    }
    return BankEntry(**{**fields, **changes})


def bank_of(values):
    """A/A blocks with these log-ratios, in this order."""
    return [entry(float(value), number) for number, value in enumerate(values)]


FINITE = st.floats(-2, 2) | st.none()


@given(
    st.lists(
        st.builds(
            entry,
            FINITE,
            injected_ratio=st.none() | st.floats(0.5, 2),
            architecture=st.text(max_size=20),
            aa_log_ratio_baseline=FINITE,
        ),
        max_size=8,
    )
)
@settings(max_examples=25)
def test_what_is_appended_is_read_back(tmp_path_factory, entries):
    """Calibration would rest on other figures than were measured."""
    path = bank_path(tmp_path_factory.mktemp("results"), "x86_64 / 2c")
    for one in entries:
        append(path, one)
    bank = read(path)
    assert bank.entries == tuple(entries)
    assert bank.damaged == 0


def test_a_crash_costs_one_line_and_no_more(tmp_path):
    """Half a line at the end would take the next block with it, or the whole bank."""
    path = bank_path(tmp_path, "key")
    append(path, entry(0.1))
    whole = path.read_bytes()
    path.write_bytes(whole + whole[: len(whole) // 2])
    assert (len(read(path).entries), read(path).damaged) == (1, 1)
    append(path, entry(0.3))
    assert [e.log_ratio for e in read(path).entries] == [0.1, 0.3]
    path.write_bytes(path.read_bytes() + b"\xff\xfe{\n[1]\n{}\n")
    assert (len(read(path).entries), read(path).damaged) == (2, 4)


def test_sessions_may_append_at_the_same_time(tmp_path):
    """Two sessions on one machine would tear each other's lines apart."""
    path = bank_path(tmp_path, "key")
    path.parent.mkdir()
    threads = [
        threading.Thread(target=lambda i=i: [append(path, entry(i / 10, i)) for _ in range(15)]) for i in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(read(path).entries), read(path).damaged) == (60, 0)


def test_a_line_says_what_it_is_and_a_newer_one_is_refused(tmp_path):
    """An older harness would read a newer bank wrongly and calibrate by it."""
    path = bank_path(tmp_path, "a/../b c")
    assert path.parent == tmp_path / "bank"
    assert read(path).entries == ()
    append(path, entry())
    document = json.loads(path.read_text())
    assert (document["schema"], document["kind"], document["regime"]) == (1, "bank", "open")
    path.write_text(json.dumps({**document, "schema": 2}) + "\n")
    with pytest.raises(UsageError, match="newer harness"):
        read(path)


def test_a_small_bank_gives_the_default():
    """A handful of blocks would shrink every interval of this machine."""
    bank = bank_of(np.random.default_rng(1).normal(0, 0.01, 29))
    small = inflation(bank, "open", "request", 12, 0.95, at_equal_pace=False)
    assert (small.factor, small.calibrated, small.blocks) == (INFLATION_DEFAULT, False, 29)
    assert not inflation(bank * 3, "open", "request", 12, 0.95, at_equal_pace=True).calibrated
    assert not inflation(bank * 3, "saturated", "request", 12, 0.95, at_equal_pace=False).calibrated


def test_calm_blocks_need_no_inflation_and_drifting_ones_do():
    """A factor that calm noise raises wastes blocks; one that drift leaves at 1 breeds false alarms."""
    generator = np.random.default_rng(2)
    calm = inflation(bank_of(generator.normal(0, 0.01, 200)), "open", "request", 12, 0.95, at_equal_pace=False)
    assert calm.calibrated
    assert 1.0 <= calm.factor < 1.12
    drift = np.repeat(generator.normal(0, 0.01, 50), 4) + generator.normal(0, 0.002, 200)
    rough = inflation(bank_of(drift), "open", "request", 12, 0.95, at_equal_pace=False)
    assert 1.3 < rough.factor <= INFLATION_CAP


@given(st.integers(2, 40), st.floats(0.1, 10))
@settings(max_examples=20, deadline=None)
def test_inflation_is_bounded_repeatable_and_free_of_the_scale(n, scale):
    """The same bank must give the same interval tomorrow, on a fast machine as on a slow one."""
    values = np.random.default_rng(3).standard_t(3, 60) * 0.01
    factor = inflation(bank_of(values), "open", "request", n, 0.95, at_equal_pace=False).factor
    assert 1.0 <= factor <= INFLATION_CAP
    assert factor == pytest.approx(
        inflation(bank_of(values * scale), "open", "request", n, 0.95, at_equal_pace=False).factor
    )


def test_noise_is_kept_apart_and_doses_are_taken_off():
    """A noisy server's blocks would widen a calm one's intervals, and a dose would pass for noise."""
    entries = [entry(math.log(1.05) + 0.001, i, injected_ratio=1.05) for i in range(5)] + [
        entry(0.3, i, injected_ratio=None, aa_log_ratio_baseline=0.02, architecture="uvicorn") for i in range(4)
    ]
    series = noise_series(entries)
    assert sorted(round(float(part[0]), 6) for part in series) == [0.001, round(0.02 * math.sqrt(0.5), 6)]


def test_draws_keep_neighbours_together_and_have_no_bias():
    """Drift that neighbours share would be shuffled away, and an accident of the bank taken for a truth."""
    series = [np.arange(1.0, 9.0)]
    rows = draw(series, 8, 2_000, 4, np.random.default_rng(1))
    assert rows.shape == (2_000, 8)
    steps = np.abs(np.diff(np.abs(rows[:, :4]), axis=1))
    assert np.isin(steps, [1.0, 7.0]).all()
    assert abs(rows.mean()) < 0.25
    single = np.abs(draw(series, 8, 50, 1, np.random.default_rng(1)))
    assert all(len(set(row)) == 8 for row in single.tolist())


def test_pseudo_duels_judge_the_whole_procedure():
    """The published rates of coverage, false verdicts and power would be those of a formula."""
    calm = bank_of(np.random.default_rng(7).normal(0, 0.008, 200))
    outcome = pseudo_duels(calm, 12, 0.03, 1, repeats=600)
    assert outcome.duels == 600
    assert outcome.coverage >= 0.92
    assert outcome.false_verdicts <= 0.03
    assert outcome.power >= 0.95
    assert outcome == pseudo_duels(calm, 12, 0.03, 1, repeats=600)
    none = pseudo_duels(calm, 12, 0.0, 1, repeats=200)
    assert none.false_verdicts <= 0.03
    assert pseudo_duels(calm[:7], 12, 0.03, 1) is None


def test_pseudo_duels_hold_under_drift_and_miss_what_is_too_small():
    """Drift between blocks is where plain intervals fail; the bank exists to pay for it."""
    generator = np.random.default_rng(8)
    drift = np.repeat(generator.normal(0, 0.01, 60), 4) + generator.normal(0, 0.004, 240)
    outcome = pseudo_duels(bank_of(drift), 12, 0.004, 2, repeats=400, margin=0.001)
    assert outcome.coverage >= 0.9
    assert outcome.false_verdicts <= 0.04
    assert outcome.inflation > 1.2
    assert outcome.power < 0.5
