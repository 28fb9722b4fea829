"""The claims of the standard as data."""

from __future__ import annotations

import pytest

from harness import catalog, settings
from harness.claims import find, load_claims, sections
from harness.claims.claim import (
    AtMost,
    Beside,
    Bounded,
    Crosses,
    Duet,
    Equivalent,
    Faster,
    Flat,
    Grows,
    Outdoes,
    Peaks,
    Probe,
    Recovers,
    Restart,
    Some,
    Sweep,
    Within,
    Zero,
)
from harness.errors import UsageError
from harness.target import parse

CLAIMS = load_claims()
HOME = settings.home()


def test_all_91_claims_are_there_once_and_in_order():
    """A recommendation of the standard would silently be left out of every report."""
    assert [claim.number for claim in CLAIMS] == list(range(1, 92))
    assert len({claim.id for claim in CLAIMS}) == 91
    assert len({claim.statement for claim in CLAIMS}) == 91


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_each_claim_says_what_it_is_and_why_it_is_not_measured(claim):
    """A row of the report would be empty, or untested without a reason."""
    assert claim.id == claim.id.lower()
    assert not claim.id[0].isdigit()
    for text in (claim.section, claim.statement, claim.hypothesis):
        assert text
    assert claim.statement.endswith(".")
    assert claim.hypothesis.endswith(".")
    assert (claim.untested_reason is None) == bool(claim.conditions)
    assert not (claim.untested_reason or "").endswith(".")


WAITING = {*range(12, 17), 24, 26, 44, *range(50, 57), *range(73, 77), 79, 80, 82, 89, 90}
"""What no experiment decides yet: of the others none may fall back to a guess."""


def test_the_claims_of_servers_data_and_faults_are_decided():
    """The first questions that anybody asks would stay open."""
    assert {claim.number for claim in CLAIMS if not claim.conditions} == WAITING


@pytest.mark.parametrize("claim", [claim for claim in CLAIMS if claim.conditions], ids=lambda claim: claim.id)
def test_names_of_conditions_are_their_own(claim):
    """Two points of a grid would be pooled into one."""
    names = [condition.name for condition in claim.conditions]
    assert len(set(names)) == len(names)


def test_every_arm_is_a_target_that_exists():
    """A claim would fail on a target that nobody can start, hours into a session."""
    servers = catalog.server_options(HOME)
    serializers = [entry.name for entry in catalog.serializers(HOME)]
    for claim in CLAIMS:
        for condition in claim.conditions:
            if isinstance(condition, Duet):
                arms = (condition.baseline, condition.candidate)
            elif isinstance(condition, Sweep):
                arms = tuple(cell.target for cell in condition.grid.cells)
            else:
                arms = (condition.target,) if isinstance(condition, Restart) else ()
            for arm in arms:
                parse(arm, servers=servers, serializers=serializers)


def test_loads_name_what_their_model_needs():
    """A duet would be called saturated and run without users, or open with them."""
    for claim in CLAIMS:
        for duet in claim.conditions:
            if isinstance(duet, Duet):
                assert (duet.load.model == "open") == (duet.regime == "open")
                assert (duet.load.users is None) == (duet.load.model == "open")


def test_servers_and_serializers_are_compared_behind_a_database_too():
    """Most services wait for a database: a verdict from memory alone would not be about them."""
    for claim in find(["1", "6"]):
        assert any("database-bound" in condition.name for condition in claim.conditions)


def test_what_waits_is_said_of_its_claim():
    """A claim would be called supported though a part of it was never measured, and nobody would read so."""
    assert {claim.number for claim in CLAIMS if claim.waiting} == set()


def test_loading_strategies_are_asked_with_and_without_a_network():
    """A strategy with one query more would win on loopback, and lose wherever the database is elsewhere."""
    for claim in find(["62", "63", "64"]):
        sweeps = [one for one in claim.conditions if isinstance(one, Sweep)]
        assert {sweep.grid.rtt_ms for sweep in sweeps} == {None, 0, 1, 5}
        assert "TP" in claim.needs
        for sweep in sweeps:
            slowest_ms = max(cell.at for cell in sweep.grid.cells if cell.subject == "lazy") * (sweep.grid.rtt_ms or 0)
            assert slowest_ms < sweep.grid.slice_s * 1e3 / 4, "a request would run through the next slices"


def test_rules_of_sweeps_name_subjects_of_their_grid():
    """A sweep would be measured for minutes and then decide nothing."""
    for claim in CLAIMS:
        for sweep in claim.conditions:
            if isinstance(sweep, Sweep):
                subjects = {cell.subject for cell in sweep.grid.cells}
                named = [
                    getattr(sweep.rule, field) for field in ("subject", "upper", "lower") if hasattr(sweep.rule, field)
                ]
                assert {*named, *getattr(sweep.rule, "references", ())} <= subjects
                places = {cell.at for cell in sweep.grid.cells if cell.subject == named[0]}
                assert set(getattr(sweep.rule, "places", ())) <= places
                assert min(places) > 0


def test_a_grid_has_one_name_and_one_content():
    """Two experiments would share a folder, and one claim would be decided by the other's blocks."""
    grids = [sweep.grid for claim in CLAIMS for sweep in claim.conditions if isinstance(sweep, Sweep)]
    assert all(one == other for one in grids for other in grids if one.id == other.id)


def test_a_mix_has_a_process_of_its_own():
    """Requests of two mixes would fall into one cell."""
    for claim in CLAIMS:
        for sweep in claim.conditions:
            if isinstance(sweep, Sweep):
                served = [(cell.target, cell.rows) for cell in sweep.grid.cells]
                assert all(served.count((cell.target, cell.rows)) == 1 for cell in sweep.grid.cells if cell.also)


def test_crash_claims_bring_twins_with_a_known_outcome():
    """A blind instrument would report that every server survives, or that none does."""
    (second, third) = find(["2", "3"])
    assert {c.control for c in second.conditions if isinstance(c, Restart)} == {
        None,
        "must recover",
        "must not recover",
    }
    assert "must not recover" in {c.control for c in third.conditions if isinstance(c, Restart)}


def test_thresholds_fit_what_they_decide():  # noqa: C901  (one case for each kind of rule)
    """A threshold outside its scale would decide every session the same way."""
    for claim in CLAIMS:
        for condition in claim.conditions:
            match condition.rule:
                case Faster(threshold=threshold, margin=margin):
                    assert 0 < margin <= threshold < 1
                case Equivalent(margin=margin):
                    assert 0 < margin < 1
                case Within(low=low, high=high):
                    assert 0 <= low < high
                case Zero(unit=unit) | Some(unit=unit) | Outdoes(unit=unit):
                    assert any(word.endswith("s") for word in unit.split())
                case AtMost(margin=margin) | Flat(margin=margin) | Beside(margin=margin) | Peaks(margin=margin):
                    assert 0 < margin < 1
                case Grows(times=times) | Crosses(times=times):
                    assert times >= 1
                case Bounded(most=most):
                    assert most > 0
                case Recovers(within_s=within_s):
                    assert isinstance(condition, Restart)
                    assert 0 < within_s < condition.load.measure_s - condition.at_s


def test_ratios_of_probes_name_both_sides_and_figures_their_words():
    """A ratio would be taken of nothing, and a figure would be called by its field."""
    for claim in CLAIMS:
        for probe in claim.conditions:
            if isinstance(probe, Probe) and isinstance(probe.rule, Within | AtMost):
                assert (probe.baseline is None) == (probe.candidate is None)
                assert probe.baseline or probe.spoken


def test_claims_are_found_by_number_and_id_each_once():
    """`harness run 8 msgspec-two-to-five` would spend the budget twice."""
    assert [claim.number for claim in find(["8", "granian-faster-than-uvicorn", "#8", "008"])] == [8, 1]


@pytest.mark.parametrize("name", ["92", "0", "", "#", "msgspec-two-to-fife", "½"])
def test_an_unknown_claim_lists_the_choices(name):
    """A typing slip would end in a traceback, or in a session that measures nothing."""
    with pytest.raises(UsageError, match="unknown claim") as caught:
        find([name])
    assert "1 to 91" in caught.value.mend


def test_the_nearest_id_comes_first():
    """The id that was meant would be buried among ninety others."""
    with pytest.raises(UsageError) as caught:
        find(["msgspec-two-to-fife"])
    assert "an id such as: msgspec-two-to-five" in caught.value.mend


PLUGIN = """
from harness.claims.claim import Claim
CLAIMS = (
    Claim(number={number}, id="ours", section="Ours", statement="S.", hypothesis="H.", experiment="probe"),
)
"""


def test_a_plugin_adds_its_claims_and_may_not_take_a_number(tmp_path):
    """A team's claim would be lost, or decided under the number of another."""
    path = tmp_path / "ours.py"
    path.write_text(PLUGIN.format(number=100), encoding="utf-8")
    assert load_claims([path])[-1].id == "ours"
    assert (path, load_claims([path])[-1:]) in sections([path])
    path.write_text(PLUGIN.format(number=8), encoding="utf-8")
    with pytest.raises(UsageError, match="two claims are called 8"):
        load_claims([path])


@pytest.mark.parametrize("text", ["", "CLAIMS = [1]\n", "raise ValueError\n"])
def test_a_file_without_claims_is_refused(tmp_path, text):
    """A slip in a plug-in would pass for an empty section."""
    path = tmp_path / "bad.py"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"bad\.py"):
        load_claims([path])
