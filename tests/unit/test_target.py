"""Targets as people write them."""

from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.model import Target
from harness.target import architecture, label, nearest, parse

SERVERS = {"granian": ("workers", "loop", "http"), "gunicorn": ("workers",), "uvicorn": ("workers", "loop")}
SERIALIZERS = ("msgspec", "orjson", "pydantic")


def read(text: str, **options) -> Target:
    """Parse with the servers and serializers of these tests."""
    return parse(text, servers=SERVERS, serializers=SERIALIZERS, **options)


def test_every_part_of_a_target_is_read():
    """An option that is dropped on the way makes a comparison of something else."""
    found = read("granian+orjson,workers=2,SERVICE_RETRY__KIND=off,GREETING='a, b',python=/opt/x/bin/python")
    assert (found.server, found.serializer) == ("granian", "orjson")
    assert found.options == {"workers": "2", "python": "/opt/x/bin/python"}
    assert found.environment == {"SERVICE_RETRY__KIND": "off", "GREETING": "a, b"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "character 1: a name is missing"),
        ("granian+", "character 1: a name is missing"),
        ("+orjson", "character 1: a name is missing"),
        ("granian,workers", "character 9: 'workers' has no value"),
        ("granian,,workers=2", "character 9: nothing stands between"),
        ("granian,workers=2,", "character 19: nothing stands between"),
        ("granian,workers=", "character 17: the value is empty"),
        ("granian,workers=2,workers=4", "character 19: workers is given twice"),
        ("granian,Mixed=2", "character 9: 'Mixed' is no key"),
        ("granian,2=2", "character 9: '2' is no key"),
        ("granian,TEXT=a b", "character 14: 'a b' holds a blank"),
        ('granian,TEXT="a, b', "character 14: the quote"),
        ('granian,TEXT=a"b"', "character 14"),
        ("granian,TEXT=a\0b", "NUL"),
    ],
)
def test_a_malformed_target_says_where_and_what(text, words):
    """Whoever mistypes a target would have to guess which character is wrong."""
    with pytest.raises(UsageError, match=re.escape(words)) as caught:
        read(text)
    assert caught.value.exit_code == 2
    assert caught.value.mend


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("gnunicorn", "gunicorn"),
        ("grannian", "granian"),
        ("granian+orsjon", "orjson"),
        ("granian,worker=2", "workers"),
    ],
)
def test_unknown_names_list_the_choices_nearest_first(text, first):
    """A typing slip would send the user to the documentation for a list."""
    with pytest.raises(UsageError, match="unknown") as caught:
        read(text)
    assert caught.value.mend.startswith(f"Choose from: {first}")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "localhost", "[::1]", "LOCALHOST"])
def test_loopback_is_loaded_without_asking(host):
    """A service that runs on this machine could not be measured."""
    assert read(f"http://{host}:8000").url is not None


@pytest.mark.parametrize(
    "url",
    [
        "http://192.0.2.7:8000",
        "http://example.test",
        "http://localhost.example.test",
        "http://0.0.0.0:80",
        "http://2130706433",
        "https://[2001:db8::1]:8000",
    ],
)
def test_other_hosts_are_refused_unless_named(url):
    """A slip in an address would put load on somebody else's machine."""
    with pytest.raises(UsageError, match="not this machine") as caught:
        read(url)
    host = caught.value.mend.rpartition("--allow-host ")[2].rstrip(".")
    assert read(url, allow_hosts=[host]).url == url


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1",
        "http://",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:x",
        "http://me:secret@127.0.0.1",
        "http://127.0.0.1/ping",
        "http://127.0.0.1?x=1",
        "http://[::1",
        "http://127.0.0.1,workers=2",
    ],
)
def test_addresses_that_cannot_be_meant_are_refused(url):
    """A secret would be kept in a run folder, or an option of a URL would be silently dropped."""
    with pytest.raises(UsageError) as caught:
        read(url)
    assert "secret" not in caught.value.message


VALUES = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=20).filter(
    lambda value: not ('"' in value and "'" in value)
)


@settings(deadline=None)  # The cores are shared.
@given(
    server=st.sampled_from(sorted(SERVERS)),
    serializer=st.none() | st.sampled_from(SERIALIZERS),
    options=st.dictionaries(st.sampled_from(["workers", "python"]), VALUES),
    environment=st.dictionaries(st.from_regex(r"[A-Z][A-Z0-9_]{0,8}", fullmatch=True), VALUES),
)
def test_a_label_reads_back_as_the_same_target(server, serializer, options, environment):
    """The command that a report prints for a re-run would measure something else."""
    built = Target(spec="", server=server, serializer=serializer, options=options, environment=environment)
    again = read(label(built))
    assert (again.server, again.serializer) == (server, serializer)
    assert (again.options, again.environment) == (options, environment)


@settings(deadline=None)  # The cores are shared.
@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_in_words(text):
    """A strange target would end in a traceback."""
    with contextlib.suppress(UsageError):
        assert read(text).spec == text


def test_architecture_ignores_what_does_not_queue():
    """Two serializers on one server could not be compared in the most precise grain."""
    assert architecture(read("granian+orjson,A=1")) == architecture(read("granian+msgspec"))
    assert architecture(read("granian,workers=2,http=1")) == architecture(read("granian,http=1,workers=2"))


def test_architecture_tells_servers_options_and_addresses_apart():
    """Different servers compared in the request grain would give a wrong ratio."""
    texts = ("granian", "uvicorn", "granian,workers=2", "http://127.0.0.1:1", "http://127.0.0.1:2")
    assert len({architecture(read(text)) for text in texts}) == len(texts)


def test_nearest_keeps_every_choice():
    """A name that is not listed cannot be chosen."""
    assert sorted(nearest("x", SERVERS)) == sorted(SERVERS)
