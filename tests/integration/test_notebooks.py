"""The notebooks run from top to bottom on a real run, and object to a wrong one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import nbformat
import pytest
from msgspec import structs
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from harness.duel import finish
from harness.model import Void
from harness.stats.pace import levelled
from harness.store.blocks import block_folders, read_blocks
from harness.store.folder import write_json
from harness.store.run import read_run
from tests.support import command

NOTEBOOKS = command.ROOT / "notebooks"


@pytest.fixture(scope="module")
def duel(both_regimes):
    """A short duel in both regimes: request grain and slices."""
    return both_regimes


def execute(name: str, run: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Execute a notebook on a run; everything that it printed."""
    monkeypatch.setenv("HARNESS_RUN", str(run))
    notebook = nbformat.read(NOTEBOOKS / name, as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(NOTEBOOKS)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "".join(output["text"] for output in outputs if output["output_type"] == "stream")


def test_a_duel_is_recomputed_from_its_raw_files(duel, monkeypatch):
    """A sceptic could not check the harness's figures without trusting its code."""
    printed = execute("check_a_duel.ipynb", duel, monkeypatch)
    assert json.loads((duel / "verdicts.json").read_text())["sentence"] in printed
    assert "Recomputed and reported ratios agree" in printed


def test_a_grain_left_with_one_valid_block_or_none_is_recomputed_too(duel, tmp_path, monkeypatch):
    """A sceptic with a noisy machine would see the check fail where the harness was right."""
    run = shutil.copytree(duel, tmp_path / duel.name)
    plan = read_run(run).plan
    single = ("saturated", "slice")
    singles = 0
    for one, folder in zip(read_blocks(run), block_folders(run), strict=True):
        cell = (one.condition, one.grain)
        singles += cell == single
        if cell == ("saturated", "block"):
            shutil.rmtree(folder)
        elif cell == single and singles > 1:
            void = Void(check="a neighbour", seen=1.0, limit=0.0, sentence="a neighbour was here")
            write_json(folder / "block.json", structs.replace(one, voids=(void,)))
    finish(plan, run, read_blocks(run))
    regimes = {each["name"]: each["grains"] for each in json.loads((run / "verdicts.json").read_text())["regimes"]}
    [alone] = [one for one in read_blocks(run) if (one.condition, one.grain) == single and not one.voids]
    assert [regimes["saturated"][grain]["n"] for grain in ("block", "slice")] == [0, 1]
    assert regimes["saturated"]["slice"]["at_one_pace"] is (levelled([alone]) is not None)
    assert "Recomputed and reported ratios agree" in execute("check_a_duel.ipynb", run, monkeypatch)


def test_a_ratio_that_the_raw_files_do_not_bear_out_is_refused(duel, tmp_path, monkeypatch):
    """A sceptic would be reassured by a check that cannot fail."""
    forged = shutil.copytree(duel, tmp_path / duel.name)
    verdict = json.loads((forged / "verdicts.json").read_text())
    for regime in verdict["regimes"]:
        for grain in regime["grains"].values():
            grain["ratio"] *= 1.01
    (forged / "verdicts.json").write_text(json.dumps(verdict))
    with pytest.raises(CellExecutionError, match="recomputed and reported differ by"):
        execute("check_a_duel.ipynb", forged, monkeypatch)


@pytest.mark.parametrize("notebook", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.name)
def test_a_notebook_is_published_without_results_and_imports_nothing_of_the_harness(notebook):
    """A reader would take somebody else's figures for the run before him, or check the harness by itself."""
    cells = [cell for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "code"]
    assert cells
    assert not any(cell.outputs or cell.execution_count for cell in cells)
    assert not any(f"{verb} harness" in cell.source for cell in cells for verb in ("import", "from"))
