"""The report page in a real browser: telephone and desk, light and dark, without the network."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from harness.report.write import write_report
from tests.support import runs

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="module")
def browser():
    """Start Debian's Chromium; without one the test fails and says how to get it."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
    if not Path(found).exists():
        pytest.fail("No Chromium: run `apt-get install chromium`, or set CHROMIUM to the path of one.")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Return the written reports of all kinds."""
    results = tmp_path_factory.mktemp("results")
    makers = {"duel": runs.duel_run, "claims": runs.claims_run, "selftest": runs.selftest_run}
    return {kind: write_report(make(results)) for kind, make in makers.items()}


@pytest.mark.parametrize("kind", ["duel", "claims", "selftest"])
@pytest.mark.parametrize("width", [360, 1200])
def test_the_page_opens_whole(browser, pages, kind, width):
    """A reader on a telephone would scroll sideways, or see a page with parts missing."""
    page = browser.new_page(viewport={"width": width, "height": 800})
    complaints, requests = [], []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(pages[kind].as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert complaints == []
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    sentence = page.locator("p.verdict")
    assert sentence.is_visible()
    box = sentence.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < 800
    charts = page.locator("figure svg")
    assert charts.count() == {"duel": 7, "claims": 1, "selftest": 0}[kind]
    for chart in charts.all():
        size = chart.bounding_box()
        assert size is not None
        assert 250 < size["width"] <= width
        assert size["height"] > 80
    page.close()


def test_the_verdict_is_the_first_thing_that_is_read(browser, pages):
    """A reader would not get the answer without scrolling."""
    page = browser.new_page(viewport={"width": 360, "height": 640})
    page.goto(pages["duel"].as_uri())
    assert page.locator("p.verdict").inner_text() == runs.SENTENCE
    page.close()


def test_every_chart_has_a_name_and_every_table_its_headers(browser, pages):
    """A reader with a screen reader would hear nothing of the charts and lose the columns of the tables."""
    page = browser.new_page()
    page.goto(pages["duel"].as_uri())
    assert page.evaluate("document.documentElement.lang") == "en"
    names = page.locator("figure svg").evaluate_all("all => all.map(s => [s.getAttribute('role'), s.ariaLabel])")
    assert all(role == "img" and len(name) > 20 for role, name in names)
    assert page.locator("table:not(:has(thead th[scope=col])), table:not(:has(caption))").count() == 0
    levels = page.locator("h1, h2, h3").evaluate_all("all => all.map(h => +h.tagName[1])")
    assert levels[0] == 1
    assert set(levels[1:]) == {2}
    page.close()


def test_text_is_legible_on_the_dark_ground_and_in_print(browser, pages):
    """A reader at night would see black labels on a black ground, and one on paper white on white."""
    contrast = """() => {
        const light = c => { const v = c.match(/[\\d.]+/g).slice(0, 3).map(x => x / 255)
            .map(x => x <= .04045 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4);
            return .2126 * v[0] + .7152 * v[1] + .0722 * v[2] };
        const ground = light(getComputedStyle(document.querySelector('section')).backgroundColor);
        return Math.min(...[...document.querySelectorAll('p, h1, h2, th, td, a, figcaption, figure svg text')]
            .map(e => [e, getComputedStyle(e)]).map(([e, s]) => light(e.closest('svg') ? s.fill : s.color))
            .map(l => (Math.max(l, ground) + .05) / (Math.min(l, ground) + .05)));
    }"""
    for media, scheme in (("screen", "light"), ("screen", "dark"), ("print", "light"), ("print", "dark")):
        page = browser.new_page(color_scheme=scheme)
        page.emulate_media(media=media, color_scheme=scheme)
        page.goto(pages["duel"].as_uri())
        assert page.evaluate(contrast) >= 4.5, (media, scheme)
        page.close()
