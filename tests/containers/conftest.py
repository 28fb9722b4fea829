"""A real engine for the tests of images; on a machine without one they are skipped, and .ci/run takes no skip."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.support.engine import ROOT, docker, missing

BUILD_S = 600.0
"""A first build on a busy machine installs sixty packages."""


def pytest_collection_modifyitems(items):
    """Skip what needs an engine where none answers, with the reason."""
    reason = missing()
    if reason is not None:
        here = [item for item in items if Path(__file__).parent in item.path.parents]
        for item in here:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def stand_ins() -> None:
    """Make the images that cannot be pulled; none is made where the real one is."""
    subprocess.run([ROOT / "targets" / "images" / "stand_ins"], cwd=ROOT, check=True, timeout=BUILD_S)


@pytest.fixture(scope="session")
def images(stand_ins) -> dict[str, str]:  # noqa: ARG001  (the base image must be there first)
    """Build the project's images through Compose, by the name of their service."""
    wanted = ("granian", "uvicorn", "gunicorn", "locust")
    # One first: built at once, each would run the common steps by itself, and no layer were shared.
    docker("compose", "build", "--quiet", wanted[0], timeout_s=BUILD_S)
    docker("compose", "--profile", "*", "build", "--quiet", *wanted, timeout_s=BUILD_S)
    services = json.loads(docker("compose", "--profile", "*", "config", "--format", "json"))["services"]
    return {name: services[name]["image"] for name in wanted}


@pytest.fixture(scope="session")
def services() -> dict[str, dict]:
    """Every service of compose.yaml as Compose understands it."""
    return json.loads(docker("compose", "--profile", "*", "config", "--format", "json"))["services"]
