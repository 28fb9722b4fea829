"""Writes a run's report beside its data: ``report/index.html``, ``report.md`` and the charts as files."""

from __future__ import annotations

from pathlib import Path

from harness.report import html, markdown
from harness.report.claims import claims
from harness.report.duel import duel
from harness.report.page import Page
from harness.report.plain import plain
from harness.report.read import Material, read
from harness.report.selftest import selftest
from harness.store.folder import os_errors_explained, write_atomically

REPORT_FOLDER = "report"


def write_report(run: Path) -> Path:
    """Write the report of a run folder and return its ``index.html``.

    A partial run is reported as far as it goes.  Raises UsageError (exit 2) if the folder is no run or
    damaged, CannotMeasure (exit 3) if the disk refuses.
    """
    material = read(run)
    page = describe(material)
    folder = material.folder / REPORT_FOLDER
    with os_errors_explained(folder):
        folder.mkdir(exist_ok=True)
    write_charts(page, folder / markdown.CHARTS_FOLDER)
    with os_errors_explained(folder):
        write_atomically(folder / "report.md", markdown.render(page).encode())
        write_atomically(folder / "index.html", html.render(page).encode())
    return folder / "index.html"


def chart(run: Path) -> list[Path]:
    """Draw a run's charts into its report folder and return the files; raises as ``write_report`` does."""
    material = read(run)
    return write_charts(describe(material), material.folder / REPORT_FOLDER / markdown.CHARTS_FOLDER)


def write_charts(page: Page, folder: Path) -> list[Path]:
    """Write every chart of the page into ``folder``; return the files."""
    written = []
    with os_errors_explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for figure in (figure for section in page.sections for figure in section.figures):
            path = folder / f"{figure.name}.svg"
            write_atomically(path, figure.svg.encode())
            written.append(path)
    return written


def describe(material: Material) -> Page:
    """Return the page that fits the kind of the run's verdict document."""
    kinds = {"duel": duel, "claims": claims, "selftest": selftest}
    document = material.verdicts
    make = kinds.get(material.kind)
    if document is None or make is None:
        return plain(material, document)
    return make(material, document)
