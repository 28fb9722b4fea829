"""The trial file that the harness writes."""

from __future__ import annotations

import json

import pytest

from harness import load
from harness.model import App, Condition, Load, Target


def write(folder, work, grain):
    """Write the trial of one condition with two arms."""
    condition = Condition(
        name="x",
        regime="open" if work.model == "open" else "saturated",
        baseline=Target(spec="uvicorn"),
        candidate=Target(spec="granian"),
        app=App(),
        scenario="paths",
        parameters={"paths": ["/a"]},
        load=work,
        grains=(grain,),
    )
    arms = [load.Arm(role, 1, f"http://127.0.0.1:{port}") for role, port in (("baseline", 1), ("candidate", 2))]
    path = folder / "trial.json"
    load.write_trial(path, condition=condition, grain=grain, arms=arms, seed=3, slice_s=0.1, workers=1)
    return json.loads(path.read_text())


@pytest.mark.parametrize("grain", ["request", "slice", "block"])
def test_the_trial_says_what_is_measured(tmp_path, grain):
    """A user's scenario would load other arms, or another rate, than the report says."""
    written = write(tmp_path, Load(model="open", rate_rps=500), grain)
    assert (written["schema"], written["grain"], written["seed"], written["slice_s"]) == (1, grain, 3, 0.1)
    assert written["load"]["rate_rps"] == 500
    assert [arm["name"] for arm in written["arms"]] == ["baseline", "candidate"]
    assert written["output"] == str(tmp_path / "load")


def test_the_closed_model_has_no_request_grain(tmp_path):
    """A user would see a third to two thirds of a difference, behind the tightest interval of all."""
    with pytest.raises(ValueError, match="hides differences"):
        write(tmp_path, Load(model="closed", users=16), "request")
