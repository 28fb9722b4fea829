"""The probe of time-outs holds calls to a clock: it runs alone, as it does in a session."""

from __future__ import annotations

from targets.probes import wait_cases
from tests.support.probing import lines_of


def test_every_time_out_is_tried_and_those_that_hold_are_known():
    """Without this a probe that cannot see a time-out at work would blame httpx, or praise it."""
    # What is short and by itself is kept; an answer that drips is known to outlive every read time-out.
    short = ("connect time-out", "read time-out", "pool time-out", "read time-out, HTTP/2")
    cases = {line["case"]: line for line in lines_of("waits", {})}
    assert {name: cases[name]["outlived"] for name in short} == dict.fromkeys(short, 0)
    assert set(cases) == {*wait_cases.OUTLIVING, *wait_cases.SHORTENED, *wait_cases.LOSING}
    assert cases[wait_cases.TWIN]["outlived"] == cases[wait_cases.TWIN]["cases"] == 1
    assert cases["read time-out, an answer that drips"]["outlived"] == 1
    assert cases["beside a time-out, HTTP/1.1"]["cut_short"] == 0
    assert cases["calls cut off, HTTP/1.1"]["lost"] == 0
