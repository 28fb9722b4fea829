"""What a report says, before it is HTML or Markdown: a verdict, and sections of text, figures and tables."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Tone = Literal["good", "bad", "even", "open"]


class Table(Struct, frozen=True):
    """A table of words; the first column heads its row."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Figure(Struct, frozen=True):
    """A chart with its file name, what it shows in words, and a caption."""

    name: str
    svg: str
    alt: str
    caption: str


class Section(Struct, frozen=True):
    """A part of the page; anything that is empty is left out."""

    id: str
    title: str
    verdict: tuple[str, Tone] | None = None
    lead: str | None = None
    paragraphs: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    command: str | None = None


class Page(Struct, frozen=True):
    """A whole report: the verdict's sentence first."""

    title: str
    run: str
    verdict: tuple[str, Tone] | None
    sentence: str
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]


_TONES: dict[str, Tone] = {
    "supported": "good", "cheaper": "good", "ok": "good", "pass": "good",
    "refuted": "bad", "dearer": "bad", "failed": "bad", "regression": "bad",
    "no difference": "even", "conditional": "even",
}  # fmt: skip


def badge(word: str) -> tuple[str, Tone]:
    """Return a verdict's word with its tone; a word without one (untested, inconclusive) is open."""
    return word, _TONES.get(word, "open")
