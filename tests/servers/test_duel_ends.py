"""How a duel ends that cannot be measured: with a message that says what is wrong, and with nothing left."""

from __future__ import annotations

import pytest

from tests.support import apps, command


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("duel", "uvicorn", "granain"), 2, "granian"),
        (("duel", "uvicorn", "granian+orjsn"), 2, "orjson"),
        (("duel", "uvicorn,workers", "granian"), 2, "workers"),
        (("duel", "uvicorn", "http://192.0.2.1:80"), 2, "--allow-host"),
        (("duel", "uvicorn", "granian", "--scenario", "pathz"), 2, "paths"),
        (("duel", "uvicorn", "granian", "--rate", "-1"), 2, "--rate"),
        (("duel", "uvicorn", "granian", "--budget", "soon"), 2, "60s"),
        (("run", "granian-faster"), 2, "granian-faster-than-uvicorn"),
        (("list", "server"), 2, "servers"),
        (("resume", "no-such-run"), 2, "no-such-run"),
    ],
)
def test_a_wrong_word_is_named_with_its_mend(words, code, said):
    """A user with a typo would have to read source code instead of a message."""
    done = command.run(*words)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("source", "path", "said"),
    [
        ("import nothing_of_that_name\n", "/", "nothing_of_that_name"),
        (apps.PLAIN, "/missing", "404"),
        (apps.PLAIN, "/broken", "500"),
        (apps.PLAIN, "/moved", "307 to /elsewhere"),
        (
            "import os\nasync def app(scope, receive, send):\n    print('last words', flush=True)\n    os._exit(7)\n",
            "/",
            "last words",
        ),
    ],
)
def test_an_app_that_cannot_be_measured_is_exit_3(tmp_path, source, path, said):
    """A user would get figures of an app that answers errors, or wait for one that never starts."""
    folder = apps.write(tmp_path / "app", source)
    words = ("duel", "uvicorn", "uvicorn", "--app", "strange:app", "--app-dir", str(folder), "--path", path)
    done = command.run(*words, "--rate", "50", "--results", str(tmp_path))
    assert done.returncode == 3, done.stderr
    assert said in done.stderr
    assert not command.labelled(done.pid)
