"""Words and numbers that the command line cannot take: refused before anything starts, with the way to mend them."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.support import command

TWO = ("uvicorn", "granian")


def refused(*words: str) -> dict[str, str]:
    """The error that a command prints as its one document."""
    done = command.run(*words, "--json")
    assert done.returncode == 2, (done.stdout, done.stderr)
    document = json.loads(done.stdout)
    assert document["schema"] == 1
    assert document["error"]["code"] == "usage"
    assert document["error"]["mend"]
    return dict(document["error"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("frobnicate",), "frobnicate"),
        (("plan",), "WHAT"),
        (("duel", "uvicorn"), "B"),
        (("duel", *TWO, "--rate", "abc"), "--rate"),
        (("run", "--budgt", "5m"), "--budget"),
        (("list", "a", "b"), "b"),
        (("selftest", "--turns", "0"), "--turns"),
        (("schema", "nope"), "nope"),
    ],
)
def test_words_that_cannot_be_read_are_one_document_too(words, said):
    """A script that reads our JSON would get nothing, and not know what was wrong."""
    error = refused(*words)
    assert said in error["message"] + error["mend"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--load-workers", "0"), "--load-workers 0"),
        (("--rate", "nan"), "--rate nan"),
        (("--rate", "inf"), "--rate inf"),
        (("--seconds", "nan"), "--seconds nan"),
        (("--seconds", "0.0001"), "--seconds 0.0001"),
        (("--users", "-1"), "--users -1"),
        (("--seconds", "0.5", "--budget", "5h"), "18,000 blocks"),
        (("--budget", "160h"), "96,000 blocks"),
        (("--users", "2", "--load-workers", "4"), "4 load workers"),
        (("--path", "users"), "slash"),
        (("--app", "x"), "--app 'x'"),
        (("--app", "x:"), "--app 'x:'"),
        (("--app-dir", "tests"), "--app-dir"),
        (("--budget", ""), "no budget"),
    ],
)
@pytest.mark.parametrize("name", ["plan", "duel"])
def test_numbers_that_no_load_can_have_are_refused_by_plan_and_duel(name, words, said):
    """A user would get a plan for what cannot be measured, or a crash when the servers already run."""
    assert said in refused(name, *TWO, *words)["message"]


@pytest.mark.parametrize("name", ["plan", "duel"])
@pytest.mark.parametrize("target", ["granian,workers=x", "granian,workers=0", "uvicorn,workers=-1"])
def test_a_value_that_a_server_does_not_take_is_refused_before_anything_starts(name, target):
    """A user would wait for a pilot, and learn then that the server could never start."""
    assert "cannot take workers=" in refused(name, "uvicorn", target)["message"]


def test_a_mistake_is_said_to_a_person_with_the_way_to_the_help():
    """A person would get a document, or a usage line without what is wrong."""
    done = command.run("duel", "uvicorn")
    assert (done.returncode, done.stdout) == (2, "")
    assert "B" in done.stderr
    assert "→ See `harness duel --help`." in done.stderr


@pytest.mark.parametrize("words", [(), ("--help",), ("-h",), ("duel", "-h")])
def test_help_is_shown_whole(words):
    """A newcomer who types the bare name, or asks for help in one of the usual ways, would get an error."""
    done = command.run(*words)
    assert done.returncode == (0 if words else 2)
    shown = done.stdout + done.stderr
    assert "Usage: harness" in shown
    assert "..." not in shown.replace("]...", "").replace("CLAIM...", "").replace("WHAT...", "").replace("ARGS...", "")


def test_an_answer_that_cannot_be_written_is_no_defect_of_ours():
    """A user with a full disk would be asked to report a defect."""
    done = subprocess.run(
        ["sh", "-c", '"$@" >/dev/full', "sh", *command.argv("list", "servers")],
        cwd=command.ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 3
    assert "could not be printed: No space left on device." in done.stderr


def test_a_reader_that_goes_away_gets_no_traceback():
    """A user of head would read a traceback below the lines that he wanted."""
    process = command.begin("list", "claims")
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert (process.wait(60), said) == (141, "")


def test_the_version_is_told():
    """A report of a defect could not say of what."""
    done = command.run("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("harness ")


def test_a_service_that_nobody_started_is_named_with_what_the_system_said():
    """A user with a typo in the port would be told to mend the options of a server that is not ours."""
    done = command.run("duel", "http://127.0.0.1:1", "http://127.0.0.1:1", "--users", "1", "--json")
    assert done.returncode == 3, done.stderr
    error = json.loads(done.stdout)["error"]
    assert "http://127.0.0.1:1 " in error["message"]
    assert "refused" in error["message"]
    assert "correct the address" in error["mend"]
