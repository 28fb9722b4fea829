"""Settings of the data layer: what is wrong is named, and the place of the database stays out of sight."""

from __future__ import annotations

import pytest

from targets.service.database.url import complaint, for_dialect, read
from targets.service.settings import Settings, SettingsError, fingerprint, read_settings

GOOD = "postgresql://me:secret@db:5432/shop"


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        (None, "missing"),
        ("", "missing"),
        ("mysql://me@db/shop", "scheme"),
        ("postgresql+asyncpg://me@db/shop", "without a driver"),
        ("postgresql://me@db", "name is missing"),
        ("postgresql:///shop", "host"),
        ("postgresql://me:secret@db:port/shop", "port"),
        ("postgresql://me:secret@[::1/shop", "host or port"),
        ("postgresql://me:secret@db/shop?sslmode=require", "parameters"),
        ("db", "scheme"),
        ("postgresql://me@db/shop%00", "NUL"),
    ],
)
def test_a_bad_address_is_named_with_its_mend_and_not_shown(monkeypatch, url, hint):
    """Without this the service would start and fail at the first request, or print a password."""
    monkeypatch.setenv("SERVICE_DATA__KIND", "postgres")
    environment = {"SERVICE_DATA__KIND": "postgres"} | ({} if url is None else {"DATABASE_URL": url})
    with pytest.raises(SettingsError) as caught:
        read_settings(environment)
    (line,) = caught.value.lines
    assert line.startswith("DATABASE_URL: ")
    assert hint in line
    assert "postgresql://user@host:port/database" in line
    assert "secret" not in line


def test_a_good_address_is_taken_for_every_driver():
    """Without this a driver would be given a scheme that it does not know."""
    assert complaint({"DATABASE_URL": GOOD}) is None
    assert read({"DATABASE_URL": GOOD.replace("postgresql", "postgres")}) == GOOD
    assert for_dialect(GOOD, "asyncpg") == "postgresql+asyncpg://me:secret@db:5432/shop"


def test_off_needs_no_address():
    """Without this a service without a database would ask for one."""
    assert read_settings({}).data.kind == "off"


def test_the_fingerprint_knows_the_choices_but_neither_place_nor_secret(monkeypatch):
    """Without this two arms would look alike, or one arm would change its mark with the port of its database."""
    first = fingerprint(Settings(data={"kind": "postgres"}))
    monkeypatch.setenv("DATABASE_URL", GOOD)
    assert fingerprint(Settings(data={"kind": "postgres"})) == first
    assert fingerprint(Settings(data={"kind": "postgres", "cursor_secret": "x"})) == first
    assert fingerprint(Settings(data={"kind": "postgres", "loading": "lazy"})) != first
    assert fingerprint(Settings()) != first


@pytest.mark.parametrize(
    "wrong",
    [
        {"driver": "psycopg2"},
        {"pool_size": 0},
        {"pool_timeout_s": 0},
        {"url": GOOD},
        {"access": "plain", "driver": "asyncpg", "recycle_s": 60},
    ],
)
def test_choices_that_cannot_be_are_refused(wrong):
    """Without this an arm would run with something else than its name says."""
    with pytest.raises(ValueError, match="data"):
        Settings(data={"kind": "postgres", **wrong})


def test_choices_that_exclude_each_other_are_named(monkeypatch):
    """Without this the message would name a variable that does not exist."""
    variables = {"KIND": "postgres", "ACCESS": "plain", "RECYCLE_S": "60"}
    environment = {f"SERVICE_DATA__{name}": value for name, value in variables.items()} | {"DATABASE_URL": GOOD}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        read_settings(environment)
    (line,) = caught.value.lines
    assert line.startswith("SERVICE_DATA: ")
    assert "recycle_s" in line
