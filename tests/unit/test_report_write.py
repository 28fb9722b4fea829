"""A report says what the run says, for every kind of run, whole or partial."""

from __future__ import annotations

import re
import shutil
from html.parser import HTMLParser

import msgspec
import pytest

from harness.errors import UsageError
from harness.report import html, markdown
from harness.report.compare import compare, compare_text
from harness.report.page import Page, Section, Table
from harness.report.read import log_ratio, read
from harness.report.write import write_report
from harness.store import folder
from harness.store.run import read_run, write_run
from tests.support import runs


@pytest.fixture(scope="module")
def duel(tmp_path_factory):
    """Return a finished duel with a written report."""
    run = runs.duel_run(tmp_path_factory.mktemp("results"))
    write_report(run)
    return run


@pytest.fixture
def copy(duel, tmp_path):
    """Return a copy of the duel that a test may spoil."""
    return shutil.copytree(duel, tmp_path / duel.name)


def table(text, caption):
    """Return the rows of one table of a Markdown report as lists of cells."""
    body = text[text.index(caption) :].split("\n\n")[1]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in body.splitlines()]


def test_the_sentence_comes_first_in_both_forms(duel):
    """A reader in a hurry would have to look for the answer."""
    page = (duel / "report" / "index.html").read_text()
    assert page.index(runs.SENTENCE) < page.index("<nav")
    text = (duel / "report" / "report.md").read_text()
    assert text.splitlines()[2] == f"**dearer** — {runs.SENTENCE}"


def test_the_page_has_every_section_in_order(duel):
    """A sceptic would miss the evidence for the sentence."""
    page = (duel / "report" / "index.html").read_text()
    ids = re.findall(r'<section id="([^"]+)"', page)
    assert ids == ["effect", "regimes", "blocks", "latency", "time", "validity", "environment", "repeat"]
    assert page.count("<svg") == 7


def test_the_page_needs_nothing_from_elsewhere(duel):
    """A reader without the network, or with a cautious one, would see a broken page."""
    page = (duel / "report" / "index.html").read_text()
    assert not re.search(r"(src|href)=\"(?!#|data:)", page)
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)
    assert "<script" not in page


def test_ids_are_unique_and_references_resolve(duel):
    """A reader would see one chart clipped by another's outline."""
    page = (duel / "report" / "index.html").read_text()
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    used = set(re.findall(r'href="#([^"]+)"', page)) | set(re.findall(r"url\(#([^)]+)\)", page))
    assert used <= set(ids)


def test_the_markup_is_well_formed(duel):
    """A reader's browser would have to guess where a section ends."""
    stack: list[str] = []
    void = {"meta", "link", "br", "path", "use", "rect"}

    class Check(HTMLParser):
        def handle_starttag(self, tag, _attrs):
            if tag not in void:
                stack.append(tag)

        def handle_endtag(self, tag):
            if tag not in void:
                assert stack.pop() == tag

    Check().feed((duel / "report" / "index.html").read_text())
    assert stack == []


def test_validity_shows_the_void_block_and_both_estimates(duel):
    """A sceptic could not see whether dropping a block changed the answer."""
    text = (duel / "report" / "report.md").read_text()
    assert ["3", "open", "slice", "steal on the arms' core: 0.09, allowed 0.02"] in table(text, "Void blocks")
    rows = {(row[0], row[1]): row for row in table(text, "Would the void blocks")}
    valid, kept = (float(rows["open, slice grain", name][2]) for name in ("valid blocks only", "every block kept"))
    assert valid == pytest.approx(1.08, abs=0.015)
    assert kept > valid + 0.02
    assert rows["open, slice grain", "valid blocks only"][4] == "7"
    checks = {row[0]: row for row in table(text, "Checks of every block")}
    assert checks["steal on the arms' core"][1:] == ["0.001 to 0.09", "0.02", "1 of 16"]
    assert checks["client count − server count"][1] == "not observed here"


def test_percentiles_without_enough_samples_are_dashes(duel):
    """A reader would quote a p99.99 that rests on one request."""
    rows = table((duel / "report" / "report.md").read_text(), "Merged samples")
    header, first = rows[0], rows[2]
    assert first[header.index("p99.99, ms")] == "—"
    assert float(first[header.index("p50, ms")]) == pytest.approx(1.0, abs=0.1)


def test_environment_and_command_are_shown(duel):
    """A reader could not repeat the run, nor see on what it was taken."""
    text = (duel / "report" / "report.md").read_text()
    assert "harness duel uvicorn granian --app 'a b:app'" in text
    rows = dict(row[:2] for row in table(text, "The machine"))
    assert rows["memory bytes"] == "8 GiB"
    assert rows["cgroup · memory bytes"] == "—"
    assert ["h11", "—"] in table(text, "Versions")


def test_charts_of_the_markdown_report_exist(duel):
    """A reader of the Markdown report would see broken pictures."""
    text = (duel / "report" / "report.md").read_text()
    links = re.findall(r"\]\((charts/[^)]+)\)", text)
    assert len(links) == 7
    assert all((duel / "report" / link).is_file() for link in links)


def test_texts_from_outside_never_become_markup():
    """A reader would run the script that somebody hid in the name of a target."""
    evil = '<script>alert("x")</script> | `a`\nb'
    section = Section(id="s", title=evil, lead=evil, tables=(Table(evil, (evil,), ((evil,),)),), command="a ``` b")
    page = Page(title=evil, run=evil, verdict=None, sentence=evil, facts=((evil, evil),), sections=(section,))
    assert "<script" not in html.render(page)
    text = markdown.render(page)
    assert "<script" not in text
    assert all(line.count(" | ") == 0 for line in text.splitlines() if line.startswith("|"))
    assert "````sh" in text


def test_claims_have_a_section_each(tmp_path):
    """A reader of a session of claims would not find the verdict, the reason, or how to repeat one."""
    page = write_report(runs.claims_run(tmp_path)).read_text()
    assert 'id="claim-server-cpu"' in page
    assert "A server costs &lt;less&gt; CPU." in page
    assert "harness run server-cpu" in page
    assert "2 cores | of 4" in page
    assert "2 claims: 1 supported, 1 untested." in page


def test_a_failed_self_test_says_which_check(tmp_path):
    """A user would trust an instrument that missed a known truth."""
    page = write_report(runs.selftest_run(tmp_path)).read_text()
    assert "1 of 2 known truths" in page
    assert "Not: stall 200 ms." in page
    assert "FAILED" in page


def test_a_run_without_verdict_is_reported_as_far_as_it_goes(copy):
    """A user whose session was interrupted would get nothing at all."""
    (copy / "verdicts.json").unlink()
    write_run(copy, msgspec.structs.replace(read_run(copy), state="interrupted", finished_utc=None))
    page = write_report(copy).read_text()
    assert "This run has no verdict" in page
    assert page.count("<svg") == 6


def test_a_run_without_blocks_or_samples_is_reported(copy):
    """A user whose every block was void would get a traceback instead of the reasons."""
    for path in (copy / "blocks").glob("*/*.parquet"):
        path.unlink()
    write_report(copy)
    shutil.rmtree(copy / "blocks")
    assert "No block of this run has a ratio" in write_report(copy).read_text()


def test_a_duel_without_any_interval_is_reported(copy):
    """A user of a session with too few blocks would get a traceback instead of a page."""
    nothing = {"ratio": None, "low": None, "high": None, "noise_floor": None, "regimes": [], "latency": None}
    document = folder.read_json(copy / "verdicts.json", dict)
    for gone in ({}, {"baseline": None, "blocks": None, "sentence": None, "verdict": None}):
        folder.write_json(copy / "verdicts.json", {**document, **nothing, **gone})
        assert "No regime of this duel has an interval" in write_report(copy).read_text()


def test_arms_that_cannot_be_read_are_compared_by_latency(tmp_path):
    """A user who attaches a URL would see no block at all."""
    run = runs.duel_run(tmp_path, count=2, void=())
    kept = read(run).blocks[0]
    unreadable = msgspec.structs.replace(kept, levelled=runs.block(1, "open", 1.0, readable=False))
    assert log_ratio(unreadable, "cpu_us_per_request", "open") is None
    found = log_ratio(unreadable, "latency_p50_ms", "open")
    assert found is not None
    assert abs(found) < 0.2


def test_an_unknown_kind_of_verdict_is_shown_as_it_is(copy):
    """A user of a gate would get a traceback instead of a page."""
    folder.write_json(
        copy / "verdicts.json", {"kind": "gate", "verdict": "pass", "sentence": "No slower.", "rows": [1]}
    )
    page = write_report(copy).read_text()
    assert "No slower." in page
    assert "[1]" in page


def test_a_damaged_or_newer_verdict_is_refused(copy):
    """A user would read a report of half a document."""
    (copy / "verdicts.json").write_text('{"schema": 2, "kind": "duel"}')
    with pytest.raises(UsageError, match="newer"):
        write_report(copy)
    (copy / "verdicts.json").write_text('{"schema": 1')
    with pytest.raises(UsageError, match=r"verdicts\.json"):
        write_report(copy)


def test_a_run_agrees_with_itself_and_not_with_another_truth(duel, copy, tmp_path):
    """A user could not tell whether yesterday's figure was found again."""
    same = compare(duel, copy)
    assert [row["ratio_of_ratios"] for row in same["rows"]] == pytest.approx([1.0, 1.0])
    assert same["same_machine"]
    assert same["same_plan"]
    assert all(row["agree"] for row in same["rows"])
    document = folder.read_json(copy / "verdicts.json", dict)
    for regime in document["regimes"]:
        regime.update(ratio=1.2, low=1.19, high=1.21)
    folder.write_json(copy / "verdicts.json", document)
    record = read_run(copy)
    write_run(copy, msgspec.structs.replace(record, machine={**record.machine, "kernel": "6.2.0"}))
    other = compare(duel, copy)
    assert other["rows"][0]["ratio_of_ratios"] == pytest.approx(1.2 / 1.08)
    assert other["rows"][0]["low"] > 1
    assert other["machine_differences"] == [{"field": "kernel", "a": "6.1.0", "b": "6.2.0"}]
    text = compare_text(other)
    assert "DIFFER" in text
    assert "6.2.0" in text
    claims = runs.claims_run(tmp_path / "more")
    assert "agree" in compare_text(compare(claims, claims))
    assert "not in both" in compare_text(compare(duel, claims))


def test_claims_that_come_out_otherwise_in_the_second_run_are_named(tmp_path):
    """A user with one run in each runtime would have to find by eye which verdict the containers changed."""
    first = runs.claims_run(tmp_path / "first")
    second = shutil.copytree(first, tmp_path / "second")
    document = folder.read_json(second / "verdicts.json", dict)
    document["claims"][0]["verdict"] = "refuted"
    dropped = document["claims"].pop()["id"]
    folder.write_json(second / "verdicts.json", document)
    found = compare(first, second)
    changed, *_, missing = found["claims"]
    assert (changed["a"], changed["b"], changed["same"]) == ("supported", "refuted", False)
    assert (missing["id"], missing["b"], missing["same"]) == (dropped, None, None)
    text = compare_text(found)
    assert [line.split()[-1] for line in text.splitlines() if line.startswith(changed["id"])][-1] == "DIFFER"
    assert "no verdict" not in text


def test_a_claim_that_differs_only_by_what_one_run_left_out_is_not_told_as_a_contradiction(tmp_path):
    """A user would distrust containers in which the same conditions came out the same, or trust ones that did not."""
    first = runs.claims_run(tmp_path / "first")
    second = shutil.copytree(first, tmp_path / "second")
    judged = [(first, "conditional", ("supported", "refuted")), (second, "refuted", ("untested", "refuted"))]
    for run, verdict, conditions in judged:
        document = folder.read_json(run / "verdicts.json", dict)
        parts = [{"name": n, "verdict": v, "sentence": ""} for n, v in zip("pq", conditions, strict=True)]
        document["claims"][0] |= {"verdict": verdict, "conditions": parts}
        folder.write_json(run / "verdicts.json", document)
    found = compare(first, second)
    assert found["claims"][0]["conditions"] == {"both": 1, "a_alone": 1, "b_alone": 0, "differ": []}
    assert "same in what both tested (1; 1 in A alone)" in compare_text(found)
    document["claims"][0]["conditions"][1]["verdict"] = "supported"
    folder.write_json(second / "verdicts.json", document)
    found = compare(first, second)
    assert found["claims"][0]["conditions"]["differ"] == [{"name": "q", "a": "refuted", "b": "supported"}]
    text = compare_text(found)
    assert "DIFFER in what both tested (1; 1 in A alone)" in text
    assert ["q", "refuted", "supported", "DIFFER"] in [line.split() for line in text.splitlines()]
