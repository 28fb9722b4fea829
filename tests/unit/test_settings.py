"""Where the harness thinks it is, and what it is told there."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import settings
from harness.errors import UsageError


def project(folder: Path, table: str) -> Path:
    """Write a pyproject.toml."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(table, encoding="utf-8")
    return folder


def test_nearest_parent_with_the_table_is_the_root(tmp_path):
    """Work begun deep in a repository would put its results into the wrong project."""
    outer = project(tmp_path / "outer", "[tool.harness]\nresults = 'out'\n")
    inner = project(outer / "inner", "[tool.other]\n")
    deep = inner / "a" / "b"
    deep.mkdir(parents=True)
    found = settings.load(deep)
    assert found.root == outer.resolve()
    assert found.results == outer.resolve() / "out"


def test_without_a_table_the_copy_of_the_project_serves(tmp_path):
    """A foreign repository without our table could measure nothing at all."""
    project(tmp_path, "[project]\nname = 'foreign'\n")
    assert settings.load(tmp_path).root == settings.home()


def test_plugins_and_gate_metrics_are_read(tmp_path):
    """A team's own servers and deciding metrics would be silently ignored."""
    (tmp_path / "bench").mkdir()
    text = "[tool.harness]\nplugins = ['bench']\n[tool.harness.gate]\nmetrics = ['latency_p50_ms']\n"
    found = settings.load(project(tmp_path, text))
    assert found.plugins == (tmp_path.resolve() / "bench",)
    assert found.gate_metrics == ("latency_p50_ms",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[tool.harness]\nplugin = ['bench']\n", "unknown entry 'plugin'"),
        ("[tool.harness]\nplugins = ['gone']\n", "is not there"),
        ("[tool.harness]\nplugins = 'bench'\n", "not a list of names"),
        ("[tool.harness]\nresults = 3\n", "results is not a folder"),
        ("[tool]\nharness = 1\n", "not a table"),
        ("[tool.harness]\ngate = 1\n", "gate is not a table"),
        ("[tool.harness\n", "cannot be read"),
    ],
)
def test_wrong_entries_are_refused(tmp_path, text, words):
    """A misspelt setting would be taken for the default, and nobody would notice."""
    with pytest.raises(UsageError, match=words) as caught:
        settings.load(project(tmp_path, text))
    assert caught.value.mend
