"""A page as one self-contained HTML document: styles and charts inside, nothing is fetched."""

from __future__ import annotations

import re

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from harness.report.charts import canvas
from harness.report.page import Figure, Page

_VARIABLES = {
    canvas.INK: "currentColor",
    canvas.BASELINE: f"var(--baseline, {canvas.BASELINE})",
    canvas.CANDIDATE: f"var(--candidate, {canvas.CANDIDATE})",
    canvas.NEUTRAL: f"var(--neutral, {canvas.NEUTRAL})",
}
"""In the page, charts take its colours, so that they are legible on a dark ground too."""


def render(page: Page) -> str:
    """Return the page as HTML; every text in it is escaped."""
    environment = Environment(
        loader=PackageLoader("harness.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["inline"] = inline
    return environment.get_template("page.html.j2").render(page=page)


def inline(figure: Figure) -> Markup:
    """Return a chart ready to stand in a page: named for screen readers, its ids unique in the page."""
    body = figure.svg[figure.svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>\s*", "", body, flags=re.DOTALL)
    body = re.sub(r"(\bid=\"|href=\"#|url\(#)", rf"\g<1>{figure.name}-", body)
    for colour, variable in _VARIABLES.items():
        body = body.replace(colour, variable)
    tag_end = body.index(">")
    # The picture scales with its column; its own width in points would not.
    tag = re.sub(r"\s(width|height)=\"[^\"]*\"", "", body[:tag_end])
    # The drawing library's own output: text in it was escaped there.
    return Markup(tag + f' role="img" aria-label="{escape(figure.alt)}"' + body[tag_end:])  # noqa: S704  (escaped above)
