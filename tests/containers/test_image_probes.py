"""The probes of images on a real engine: their twins are caught, and nothing is left behind."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from harness import probes
from harness.claims import load_claims
from targets.probes.image_building import LABEL
from tests.support.engine import ROOT, docker

PROBES = {
    "image_entrypoint": (("otherwise", {"kind": "image"}),),
    "image_user": (("written", {"subject": "appuser"}),),
    "image_ignore": (("found", {"subject": "with a .dockerignore"}),),
}
"""Fields that must be 0 in the lines that decide, and not in those of the twin."""


def observed(name: str, *arguments: str) -> list[dict]:
    """Lines of a probe, as the harness reads them."""
    lines = probes.observe(f"targets.probes.{name}", arguments, ROOT, None)
    assert isinstance(lines, list), lines
    return lines


def left() -> set[str]:
    """Images of probes that are there: what was there before this test is not this test's."""
    return set(docker("image", "ls", "--quiet", "--filter", f"label={LABEL}").split())


@pytest.mark.usefixtures("images")
@pytest.mark.parametrize("name", PROBES)
def test_what_must_not_happen_does_not_and_the_twin_is_caught(name):
    """A verdict would rest on a probe that could not have seen the fault."""
    before = left()
    lines = observed(name, *(["--quick"] if name == "image_ignore" else []))
    for field, where in PROBES[name]:
        decides = [line for line in lines if field in line and where.items() <= line.items()]
        twins = [line for line in lines if field in line and line.get("twin")]
        assert decides
        assert [line["case"] for line in decides if line[field]] == []
        assert twins
        assert all(line[field] for line in twins)
    assert left() - before == set()


@pytest.mark.usefixtures("images")
def test_verdicts_say_that_the_base_is_a_stand_in():
    """A figure of a stand-in would pass for one of the original image."""
    label = "service-harness.stand-in"
    [base] = json.loads(docker("image", "inspect", os.environ.get("BASE_IMAGE") or "python:3.12-slim-bookworm"))
    inside = (base["Config"]["Labels"] or {}).get(label)
    found = probes.observe("targets.probes.image_base", (), ROOT, None)
    if inside is not None:
        assert isinstance(found, str)
        assert "stand-in" in found
    else:
        assert {line["subject"] for line in found} == {"slim", "full"}


def test_without_an_engine_the_claims_stay_untested_with_the_mend(monkeypatch, tmp_path):
    """A machine without Docker would report a failed probe and not what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    found = probes.observe("targets.probes.image_user", (), ROOT, None)
    assert isinstance(found, str)
    assert "there is no container engine; install Docker" in found
    claim = next(one for one in load_claims() if one.number == 86)
    decided = probes.decide(claim.conditions[0], found, claim.origin)
    assert decided.verdict.verdict == "untested"
    assert "install Docker" in decided.verdict.sentence


def test_the_engine_script_leaves_a_running_engine_alone(tmp_path):
    """A run of CI would stop an engine that somebody else started."""
    engine, file = ROOT / ".ci" / "engine", tmp_path / "pid"
    subprocess.run([engine, "start", file], check=True, timeout=60, capture_output=True)
    assert not file.exists()
    # A process id that now belongs to somebody else.
    file.write_text(f"{os.getpid()}\n", encoding="ascii")
    subprocess.run([engine, "stop", file], check=True, timeout=60, capture_output=True)
    assert docker("version", "--format", "{{.Server.Version}}").strip()
