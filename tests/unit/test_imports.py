"""Who may import whom, and what an import may not do."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

INSTRUMENT_NEVER = {"locust", "gevent", "fastapi", "starlette", "targets", "scenarios"}
SERVER_FILES = sorted((ROOT / "targets" / "servers").glob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """Top-level names that a file imports anywhere, in functions too."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield (node.module or "").partition(".")[0]


def test_the_contracts_of_the_import_linter_are_kept():
    """The instrument would run what it measures in its own process and share its faults."""
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_file_of_the_instrument_imports_the_engine_or_the_measured():
    """An import hidden in a function would pull monkey patches into the meters."""
    files = [*(ROOT / "harness").rglob("*.py")]
    found = {str(path): hit for path in files if (hit := INSTRUMENT_NEVER & set(imported(path)))}
    assert len(files) > 20
    assert found == {}


def test_what_is_measured_knows_nothing_of_the_instrument():
    """The service and the scenarios could not be taken into another project."""
    files = [path for folder in ("targets", "scenarios") for path in (ROOT / folder).rglob("*.py")]
    assert files
    assert [str(path) for path in files if "harness" in imported(path)] == []


@pytest.mark.parametrize("path", SERVER_FILES, ids=lambda path: path.stem)
def test_servers_import_the_standard_library_alone(path):
    """The one kind of file that the harness loads could pull anything into its process."""
    assert set(imported(path)) <= set(sys.stdlib_module_names)


def test_the_nouns_are_light_to_import():
    """Every command would pay for numpy and pandas, `harness list` included."""
    script = (
        "import sys; import harness.catalog, harness.claims, harness.doctor, harness.machine, harness.settings; "
        "harness.claims.load_claims(); "
        "print(sorted({'numpy', 'pandas', 'pyarrow', 'scipy', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
