"""Settings of the reference service: what is wrong is named before anything starts."""

from __future__ import annotations

import pytest

from targets.service.practices import logging, security_headers
from targets.service.settings import Settings, SettingsError, fingerprint, read_settings, serializers


@pytest.fixture
def environ(monkeypatch):
    """Set variables of the process and read the settings from them."""

    def read(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return read_settings(variables)

    return read


def test_defaults_are_the_standards_practices(environ):
    """Without this the arm called default could be a service that ignores the standard."""
    settings = environ()
    assert type(settings.security_headers) is security_headers.PureAsgi
    assert settings.correlation.kind == "on"
    assert type(settings.logging) is logging.Off
    assert settings.serializer == "pydantic"


def test_nested_names_choose_a_practice(environ):
    """Without this an arm would run with another practice than its name says."""
    settings = environ(SERVICE_LOGGING__KIND="structlog", SERVICE_LOGGING__LEVEL="ERROR")
    assert settings.logging == logging.Structlog(level="ERROR")


@pytest.mark.parametrize(
    ("variables", "named", "hint"),
    [
        ({"SERVICE_SERIALISER": "orjson"}, "SERVICE_SERIALISER", "SERVICE_SERIALIZER"),
        (
            {"SERVICE_SECURITYHEADERS__KIND": "off"},
            "SERVICE_SECURITYHEADERS__KIND",
            "SERVICE_SECURITY_HEADERS",
        ),
        ({"service_nonse": "1"}, "service_nonse", "SERVICE_NONCE"),
        ({"SERVICE_SERIALIZER": "json"}, "SERVICE_SERIALIZER", "stdlib"),
        ({"SERVICE_LOGGING__KIND": "loguru"}, "SERVICE_LOGGING", "structlog"),
        (
            {"SERVICE_LOGGING__KIND": "stdlib", "SERVICE_LOGGING__LVEL": "INFO"},
            "SERVICE_LOGGING__LVEL",
            "not permitted",
        ),
        ({"SERVICE_ITEMS": "many"}, "SERVICE_ITEMS", "integer"),
        ({"SERVICE_HEALTH__CACHE_S": "2"}, "SERVICE_HEALTH__KIND", "not set"),
    ],
)
def test_a_wrong_variable_is_named_with_its_mend(environ, variables, named, hint):
    """Without this a typing error would silently measure the default arm."""
    with pytest.raises(SettingsError) as caught:
        environ(**variables)
    assert named in str(caught.value)
    assert hint in str(caught.value)


def test_settings_cannot_be_changed(environ):
    """Without this a running arm could drift away from its fingerprint."""
    settings = environ()
    with pytest.raises(ValueError, match="frozen"):
        settings.nonce = "other"


def test_fingerprint_tells_arms_apart_and_ignores_the_nonce():
    """Without this two processes of one arm would look different, or two arms alike."""
    marks = {fingerprint(Settings(serializer=name)) for name in serializers()}
    assert len(marks) == len(serializers()) == 4
    assert fingerprint(Settings(nonce="a")) == fingerprint(Settings(nonce="b"))
    assert fingerprint(Settings(correlation={"kind": "off"})) != fingerprint(Settings())
