"""The probe of CORS end to end: the service admits nobody else, and each way to get it wrong is caught."""

from __future__ import annotations

import pytest

from harness.claims import find
from harness.probes import decide
from targets.probes.cors_browser import Answer, admits, passes
from targets.probes.foreign_origins import LISTED, foreign
from tests.support.probing import lines_of

SHOP = LISTED[0]


@pytest.fixture(scope="module")
def lines():
    """Give the lines of the probe."""
    return lines_of("cors_origins", {})


def answer(status=204, **fields):
    """Give an answer with these fields of CORS."""
    named = {f"access-control-allow-{name}".encode(): value for name, value in fields.items()}
    return Answer(status, tuple(named.items()))


@pytest.mark.parametrize(
    ("given", "method", "names", "credentials", "sent"),
    [
        ({"origin": SHOP, "credentials": b"true", "methods": b"GET, PUT"}, b"PUT", (), True, True),
        ({"origin": SHOP, "credentials": b"true", "methods": b"GET"}, b"PUT", (), True, False),
        ({"origin": SHOP, "credentials": b"true", "methods": b"GET"}, b"POST", (), True, True),
        ({"origin": SHOP, "credentials": b"true", "methods": b"*"}, b"PUT", (), True, False),
        ({"origin": SHOP, "methods": b"*"}, b"PUT", (), False, True),
        ({"origin": b"*", "methods": b"PUT"}, b"PUT", (), True, False),
        ({"origin": SHOP, "methods": b"PUT"}, b"PUT", (), True, False),
        ({"origin": SHOP, "credentials": b"true", "headers": b"X-A"}, b"GET", (b"x-a",), True, True),
        ({"origin": SHOP, "credentials": b"true", "headers": b"X-A"}, b"GET", (b"x-b",), True, False),
        ({"origin": SHOP, "credentials": b"true", "status": 403}, b"GET", (), True, False),
    ],
)
def test_the_probe_judges_as_browsers_do(given, method, names, credentials, sent):
    """Without this an answer that a browser takes for a yes would pass for a refusal, or the other way round."""
    assert passes(answer(**given), SHOP, method, names, credentials=credentials) == sent


def test_two_marks_admit_nobody():
    """Without this a doubled field would count as a mark, which browsers refuse."""
    doubled = Answer(200, ((b"Access-Control-Allow-Origin", SHOP),) * 2)
    assert not admits(doubled, SHOP, credentials=False)


def test_no_drawn_origin_is_a_listed_one():
    """Without this a chance hit would look like a foreign origin that was admitted."""
    assert not set(foreign(1, 500)) & set(LISTED)
    assert len(foreign(1, 500)) > 300


def test_the_list_is_kept(lines):
    """Without this the claim would be decided against a service that does as it should."""
    mine = {line["case"]: line for line in lines if line["subject"] == "uvicorn"}
    names = ("violations", "in_preflights", "not_varied", "turned_away", "admitted")
    assert [(case, name) for case, line in mine.items() for name in names if line.get(name)] == []
    assert mine["foreign origins"]["unanswered"] < mine["foreign origins"]["cases"] / 4
    assert set(mine) == {"foreign origins", "listed origins", "methods", "fields"}


def test_each_twin_is_caught(lines):
    """Without this a session could not have seen an origin that is given back."""
    twins = {line["subject"]: line for line in lines if line.get("twin")}
    assert twins["reflecting"]["violations"] > 50
    assert twins["preflights without errors"]["admitted_methods"] == ["POST", "HEAD"]
    assert twins["off"]["turned_away"] == twins["off"]["cases"]


def test_each_condition_finds_its_lines(lines):
    """Without this a claim would stay untested because a word was changed in its probe."""
    words = {
        (claim.number, one.name): decide(one, lines, claim.origin).verdict.verdict
        for claim in find(["25", "81"])
        for one in claim.conditions
        if one.where["subject"] in {"uvicorn", "listed"}
    }
    assert len(words) == 4 + 3
    assert set(words.values()) == {"supported"}
