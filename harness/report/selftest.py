"""The report of ``harness selftest``: what was injected, what was reported."""

from __future__ import annotations

from typing import Any

from harness.report import sections, words
from harness.report.page import Page, Section, Table, badge
from harness.report.read import Material


def selftest(material: Material, document: dict[str, Any]) -> Page:
    """Return the page of a self-test; ``document`` is its verdict document."""
    checks: list[dict[str, Any]] = document.get("checks") or []
    failed = [check for check in checks if not check.get("ok")]
    good = bool(document.get("ok"))
    sentence = f"The instrument found {len(checks) - len(failed)} of {words.plural(len(checks), 'known truth')}."
    if failed:
        sentence += " Not: " + ", ".join(str(check.get("name")) for check in failed) + "."
    return Page(
        title="Self-test of the instrument",
        run=material.folder.name,
        verdict=badge("ok" if good else "failed"),
        sentence=sentence,
        facts=(),
        sections=(_table(checks), sections.environment(material), sections.repeat(material)),
    )


def _table(checks: list[dict[str, Any]]) -> Section:
    rows = tuple(
        (
            str(check.get("name")),
            words.number(check.get("injected")),
            words.number(check.get("reported")),
            str(check.get("unit") or ""),
            words.number(check.get("error")),
            words.number(check.get("tolerance")),
            "ok" if check.get("ok") else "FAILED",
        )
        for check in checks
    )
    header = ("check", "injected", "reported", "unit", "error", "tolerance", "result")
    tables = (Table(caption="Known truths, injected and reported", header=header, rows=rows),) if rows else ()
    return Section(id="checks", title="Checks", lead=None if rows else "No check was finished.", tables=tables)
