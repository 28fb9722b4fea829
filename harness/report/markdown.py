"""A page as Markdown: the same words and tables, the charts as files beside it."""

from __future__ import annotations

import re

from harness.report.page import Page, Section, Table

CHARTS_FOLDER = "charts"


def render(page: Page) -> str:
    """Return the page as Markdown; charts are linked as ``charts/NAME.svg``."""
    parts = [f"# {_safe(page.title)}"]
    word = f"**{_safe(page.verdict[0])}** — " if page.verdict else ""
    parts.append(word + _safe(page.sentence))
    if page.facts:
        parts.append("\n".join(f"- {_safe(name)}: {_safe(value)}" for name, value in page.facts))
    for section in page.sections:
        parts += _section(section)
    return "\n\n".join(parts) + "\n"


def _section(section: Section) -> list[str]:
    parts = [f"## {_safe(section.title)}"]
    word = f"**{_safe(section.verdict[0])}** — " if section.verdict else ""
    if word or section.lead:
        parts.append(word + _safe(section.lead or ""))
    parts += [_safe(text) for text in section.paragraphs]
    for figure in section.figures:
        parts.append(f"![{_safe(figure.alt)}]({CHARTS_FOLDER}/{figure.name}.svg)")
        parts.append(f"*{_safe(figure.caption)}*")
    if section.command:
        fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", section.command)), default=0))
        parts.append(f"{fence}sh\n{section.command}\n{fence}")
    for table in section.tables:
        parts += _table(table)
    return parts


def _table(table: Table) -> list[str]:
    lines = [_row(table.header), _row(tuple("---" for _ in table.header)), *map(_row, table.rows)]
    return [f"{_safe(table.caption)}:", "\n".join(lines)]


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(_safe(cell) for cell in cells) + " |"


def _safe(text: str) -> str:
    """Keep data from becoming markup, and a line break from ending a table's row."""
    return re.sub(r"([\\`*\[\]|])", r"\\\1", " ".join(text.split())).replace("<", "&lt;")
