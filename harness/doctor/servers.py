"""Servers: which of the known ones are installed, in which version."""

from __future__ import annotations

from harness import catalog, machine
from harness.doctor.finding import Finding
from harness.settings import Settings


def check(settings: Settings) -> Finding:
    """Look up the distribution of every server in the catalogue."""
    known = [catalog.server(entry) for entry in catalog.servers(settings.root, settings.plugins)]
    versions = {server.entry.name: machine.version(server.package) for server in known}
    sees = ", ".join(f"{name} {version or 'missing'}" for name, version in versions.items())
    missing = sorted({server.package for server in known if versions[server.entry.name] is None})
    if not known or len(missing) == len({server.package for server in known}):
        return Finding(name="servers", status="fail", sees=sees or "no server is known", mend="make setup")
    if missing:
        mend = f"make setup, or pip install {' '.join(missing)}"
        return Finding(name="servers", status="warn", sees=sees, mend=mend)
    return Finding(name="servers", status="ok", sees=sees)
