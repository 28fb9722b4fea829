"""What is found by its folder."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness import catalog, settings
from harness.errors import UsageError
from harness.target import parse

HOME = settings.home()

SERVER = '''"""A server of ours."""
LABEL = "Ours"
PACKAGE = "ours"
OPTIONS = {"workers": "how many"}
def command(*, python, app, factory, host, port, options):
    if "workers" in options and not options["workers"].isdigit():
        raise ValueError("workers is a number")
    return [python, "-m", "ours", app, f"{host}:{port}"]
'''


def plugin(folder: Path, name: str, text: str) -> Path:
    """Write one file of a plug-in folder."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return folder


def test_servers_that_ship_are_found_and_start_with_a_command():
    """The servers that the standard names could not be measured."""
    entries = catalog.servers(HOME)
    assert {"granian", "uvicorn", "gunicorn"} <= {entry.name for entry in entries}
    for entry in entries:
        server = catalog.server(entry)
        argv = server.argv(python=sys.executable, app="a.b:app", factory=False, host="127.0.0.1", port=8000, options={})
        assert argv[0] == sys.executable
        assert any("8000" in word for word in argv)
        assert entry.description
        assert entry.label


def test_every_server_with_its_options_can_be_written_as_a_target():
    """An option that a server has could not be written on the command line."""
    options = catalog.server_options(HOME)
    for name, known in options.items():
        text = ",".join([name, *(f"{option}=1" for option in known)])
        assert set(parse(text, servers=options, serializers=()).options) == set(known)


def test_helpers_beside_the_serializers_are_not_listed():
    """Users would be offered serializers that do not exist."""
    names = {entry.name for entry in catalog.serializers(HOME)}
    assert {"pydantic", "orjson", "msgspec", "stdlib"} <= names
    assert "corpus" not in names


def test_a_plugin_adds_one_file_and_nothing_else(tmp_path):
    """A team could not measure its own server without a change of the harness."""
    plugin(tmp_path, "targets/servers/ours.py", SERVER)
    plugin(tmp_path, "scenarios/checkout.py", '"""A basket is bought.\n\nMore."""\n')
    plugin(tmp_path, "scenarios/_helper.py", "")
    plugin(tmp_path, "scenarios/support/deep.py", "")
    ours = catalog.find("server", "ours", catalog.servers(HOME, [tmp_path]))
    assert (ours.label, ours.description) == ("Ours", "A server of ours.")
    added = {entry.name: entry for entry in catalog.scenarios(HOME, [tmp_path])}
    assert added["checkout"].description == "A basket is bought."
    assert not {"_helper", "deep", "support"} & set(added)


def test_nothing_found_is_executed(tmp_path):
    """Listing scenarios would run Locust's monkey patches, or anybody's code, in the harness."""
    flag = tmp_path / "executed"
    text = f'"""Text."""\nLABEL: str = "Mine"\nopen({str(flag)!r}, "w").close()\n'
    plugin(tmp_path, "scenarios/mine.py", text)
    plugin(tmp_path, "targets/serializers/mine.py", text)
    plugin(tmp_path, "targets/servers/mine.py", text)
    for found in (catalog.scenarios, catalog.serializers, catalog.servers):
        assert catalog.find("scenario", "mine", found(HOME, [tmp_path])).label == "Mine"
    assert not flag.exists()


def test_a_name_given_twice_is_refused(tmp_path):
    """Which of two servers was measured would depend on the order of folders."""
    plugin(tmp_path, "targets/servers/granian.py", SERVER)
    with pytest.raises(UsageError, match="two servers are called granian"):
        catalog.servers(HOME, [tmp_path])


def test_a_copy_of_the_project_is_its_own_catalogue(tmp_path):
    """A checkout would be measured with the servers of another copy, or refused as a duplicate."""
    plugin(tmp_path, "harness/catalog.py", "")
    plugin(tmp_path, "targets/servers/granian.py", SERVER)
    assert [entry.label for entry in catalog.servers(tmp_path)] == ["Ours"]


def test_a_repository_with_plugins_keeps_what_ships(tmp_path):
    """A team that sets [tool.harness] in its repository would lose granian and uvicorn."""
    assert "granian" in {entry.name for entry in catalog.servers(tmp_path)}


@pytest.mark.parametrize("text", ["LABEL = 'x'\n", "raise SystemError\n", "import gone\n"])
def test_a_server_that_cannot_be_loaded_says_so(tmp_path, text):
    """A slip in a plug-in would look like a defect of the harness."""
    plugin(tmp_path, "targets/servers/bad.py", text)
    entry = catalog.find("server", "bad", catalog.servers(HOME, [tmp_path]))
    with pytest.raises(UsageError, match=r"bad\.py cannot be loaded"):
        catalog.server(entry)


def test_a_file_with_a_syntax_error_is_named(tmp_path):
    """A slip in one scenario would hide all others without saying which it is."""
    plugin(tmp_path, "scenarios/bad.py", "def (\n")
    with pytest.raises(UsageError, match=r"bad\.py cannot be read"):
        catalog.scenarios(HOME, [tmp_path])


def test_a_value_that_a_server_does_not_take_is_the_users_to_mend(tmp_path):
    """A wrong option would end in a traceback instead of exit code 2."""
    plugin(tmp_path, "targets/servers/ours.py", SERVER)
    server = catalog.server(catalog.find("server", "ours", catalog.servers(HOME, [tmp_path])))
    with pytest.raises(UsageError, match="workers is a number"):
        server.argv(python="python", app="a:b", factory=False, host="127.0.0.1", port=1, options={"workers": "x"})


def test_an_unknown_name_lists_the_choices():
    """A typing slip would send the user to the documentation for a list."""
    with pytest.raises(UsageError, match="unknown server 'uvcorn'") as caught:
        catalog.find("server", "uvcorn", catalog.servers(HOME))
    assert caught.value.mend.startswith("Choose from: uvicorn")


def test_the_files_of_claims_are_listed_without_the_noun():
    """`harness list` would offer a section called claim."""
    names = {entry.name for entry in catalog.claims(HOME)}
    assert "serialization" in names
    assert "claim" not in names
