"""The one matrix of who lost what, the cells that flip between runs, and the accounts beside it."""

from __future__ import annotations

import json

import numpy as np
from msgspec import structs

from harness import passage as passages_
from harness.course import MATRIX, Subject
from harness.model import Void
from harness.passage import Ended
from harness.report import courses, flips
from harness.report.drops import joint
from harness.store.folder import write_json
from tests.support.passages import COURSE, passage

QUICK = ("careful quick", "over")
COURSES = (
    structs.replace(COURSE, id="stop", subjects=(Subject("a", "uvicorn", row=("uvicorn", "SIGTERM", "as shipped")),)),
    structs.replace(COURSE, id="roll", subjects=(Subject("a", "uvicorn", row=("uvicorn", "SIGHUP", "as shipped")),)),
)


def _lost(number: int, count: int):
    return passage(
        "a", number, drops={QUICK: {"eof": count} if count else {}, ("naive slow", "before"): {"refused": 2}}
    )


def test_all_signals_stand_in_one_table():
    """A user would compare servers over two tables, each with clients of its own."""
    stopped = [structs.replace(_lost(n, n % 2), ended=Ended(0, 0.4)) for n in range(4)]
    [table] = joint([(COURSES[0], stopped), (COURSES[1], [_lost(0, 0)])])
    assert table.header == (*MATRIX, "careful client", "naive client", "server ended", "n (trials)")
    assert table.rows == (
        ("uvicorn", "SIGHUP", "as shipped", "0 of 50", "0 of 50; 2 refused", "0 of 1", "1"),
        (
            "uvicorn",
            "SIGTERM",
            "as shipped",
            "2 eof of 200; unstable: in 2 of 4 trials",
            "0 of 200; 8 refused",
            "4 of 4",
            "4",
        ),
    )
    assert joint([(COURSE, [_lost(0, 1)])]) == []


def _run(folder, losses):
    for number, count in enumerate(losses):
        place = folder / "timelines" / "stop" / f"{number:04}-a-1"
        place.mkdir(parents=True)
        write_json(place / "passage.json", _lost(number, count))
    return folder


def test_a_cell_that_flips_between_two_runs_is_named(tmp_path):
    """Two published matrices would contradict each other, and nobody would say so."""
    never, always, other = (_run(tmp_path / name, losses) for name, losses in
                            (("a", (0, 0)), ("b", (1, 3)), ("c", (0, 0))))  # fmt: skip
    rows = {row["client"]: row for row in flips.flips(never, always)}
    assert (rows["careful"]["stable"], rows["naive"]["stable"]) == (False, True)
    assert rows["careful"]["b"] == {"sent": 100, "lost": {"eof": 4}, "refused": 0, "trials": 2, "trials_with_losses": 2}
    said = "\n".join(flips.text(list(rows.values())))
    assert "1 of 2 cells are stable" in said
    assert "stop: a, careful client: 0 of 100 (in 0 of 2 trials) in A, 4 of 100 (in 2 of 2 trials) in B" in said
    assert all(row["stable"] for row in flips.flips(never, other))
    assert all(row["stable"] for row in flips.flips(always, always))
    [alone, _] = flips.flips(never, tmp_path / "nothing")
    assert alone["stable"] is None
    assert flips.text([alone]) == []
    json.dumps(list(rows.values()))


def test_what_does_not_add_up_is_printed_with_the_trials_that_it_voids():
    """A request that nobody can explain would be left out with its trial, in silence."""
    broken = structs.replace(
        passage("a", 1),
        unexplained={"arrived more than once": 2},
        voids=(Void(check="client and server counts", seen="2", limit="0", sentence="2 arrived more than once"),),
    )
    table = courses._account(COURSE, [passage("a"), broken])
    assert table.rows == (("a", "202", "200 answered", "2 arrived more than once", "2, 1 of them void for it"),)


def test_a_client_that_tries_again_goes_away_with_its_last_answer():
    """A retry that worked would be counted as a loss and as a success."""
    rows = np.zeros(4, dtype=[("logical_id", "<i8"), ("attempt", "<i4"), ("status", "<i4")])
    rows["logical_id"], rows["attempt"], rows["status"] = (7, 3, 7, 5), (2, 1, 1, 1), (200, 503, 0, 200)
    kept = passages_.last_attempts(rows)
    assert kept["logical_id"].tolist() == [7, 3, 5]
    assert kept["status"].tolist() == [200, 503, 200]
    assert len(passages_.last_attempts(rows[:0])) == 0
