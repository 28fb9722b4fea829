"""Toxiproxy: which one stands between a service and what it needs, or how to bring it."""

from __future__ import annotations

import os
import subprocess

from harness.backends import toxiproxy, toxiproxy_build, toxiproxy_wire
from harness.doctor.finding import Finding, Status
from harness.settings import Settings

_TIMEOUT_S = 5.0


def check(settings: Settings) -> Finding:
    """Look for a named server, then for a binary; builds nothing."""
    given = os.environ.get(toxiproxy.URL)
    if given:
        return _named(given)
    found = toxiproxy_build.find(settings.root, os.environ)
    if found is None:
        how = "it is built at first need" if toxiproxy_build.builder(settings.root) else "and no uv to build it with"
        return _finding("warn", f"there is none yet for trials with faults: {how}", "make toxiproxy")
    try:
        done = subprocess.run([found, "-version"], capture_output=True, text=True, timeout=_TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        return _finding("warn", f"{found} does not run: {error}", f"Remove it, then: make toxiproxy ({found})")
    said = done.stdout.split()[-1:] or ["of an unknown version"]
    return _finding("ok", f"{said[0]} ({found})")


def _named(url: str) -> Finding:
    try:
        said = toxiproxy_wire.version(url)
    except toxiproxy_wire.ToxiproxyError as error:
        return _finding("warn", error.message, error.mend)
    return _finding("ok", f"{said} at {url} (TOXIPROXY_URL)")


def _finding(status: Status, sees: str, mend: str | None = None) -> Finding:
    return Finding(name="toxiproxy", status=status, sees=sees, mend=mend)
