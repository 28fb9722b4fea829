"""The report of a run without a verdict (interrupted, or of ``harness ui``) or of a kind without a page."""

from __future__ import annotations

from typing import Any

import msgspec

from harness.report import sections, words
from harness.report.page import Page, Section, Table, badge
from harness.report.read import Material

_TEXT_MAX = 400
"""A longer value is data, not reading; it stands in verdicts.json."""


def plain(material: Material, document: dict[str, Any] | None) -> Page:
    """Return a page of what there is; ``document`` is the verdict document, None without one."""
    verdict = (document or {}).get("verdict")
    return Page(
        title=f"harness {material.run.plan.command}",
        run=material.folder.name,
        verdict=badge(str(verdict)) if verdict else None,
        sentence=str((document or {}).get("sentence") or _without(material)),
        facts=(("blocks", words.plural(len(material.blocks), "block")),),
        sections=(
            *(() if document is None else (_fields(document),)),
            sections.block_by_block(material, "cpu_us_per_request"),
            sections.latency(material),
            sections.over_time(material),
            sections.validity(material, "cpu_us_per_request"),
            sections.environment(material),
            sections.repeat(material),
        ),
    )


def _without(material: Material) -> str:
    return (
        f"This run has no verdict: its state is “{material.run.state}”, with "
        f"{words.plural(len(material.blocks), 'finished block')}."
    )


def _fields(document: dict[str, Any]) -> Section:
    rows = tuple(
        (key.replace("_", " "), _text(value))
        for key, value in document.items()
        if key not in {"schema", "kind", "harness_version", "sentence"}
    )
    tables = (Table(caption="The verdict document", header=("field", "value"), rows=rows),)
    return Section(id="document", title="Verdict document", tables=tables)


def _text(value: Any) -> str:
    if value is None or isinstance(value, (str, int, float)):
        return words.number(value)
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= _TEXT_MAX else text[: _TEXT_MAX - 1] + "…"
