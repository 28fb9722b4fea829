"""A service that runs already: its URL is an arm, and the harness neither starts nor stops it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from harness.errors import CannotMeasure
from harness.runtimes import local


def server(name: str, url: str, logs: Path) -> local.Server:
    """The running service as a server without a process of ours.

    Raises CannotMeasure where the address has no port.
    """
    parts = urlsplit(url)
    port = parts.port or 80
    if parts.scheme != "http":
        raise CannotMeasure(f"{url} is not an http:// address.", "Name the plain HTTP address of the service.")
    return local.Server(name=name, process=None, port=port, url=url.rstrip("/"), log=logs / f"{name}.log")
