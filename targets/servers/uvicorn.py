"""Uvicorn: an ASGI server in Python over uvloop and httptools."""

from __future__ import annotations

import re
from collections.abc import Mapping

LABEL = "Uvicorn"
PACKAGE = "uvicorn"

_NUMBER = r"0|[1-9]\d{0,5}"

OPTIONS: dict[str, str] = {
    "workers": "worker processes, 1 or more; 1 runs without a supervisor (default 1)",
    "loop": "event loop: auto, asyncio or uvloop (default auto)",
    "http": "HTTP parser: auto, h11 or httptools (default auto)",
    "lifespan": "start-up protocol: auto, on or off (default auto)",
    "backlog": "connections that the kernel may queue, 0 or more (default 2048)",
    "limit_concurrency": "connections or tasks before it answers 503, 1 or more (default: no limit)",
    "keep_alive": "seconds an idle connection stays open, 0 or more (default 5)",
    "graceful_timeout": "seconds that a shutdown waits, 0 or more (default: for ever)",
    "access_log": "on or off (default off; Uvicorn's own default is on)",
}

_FLAGS: dict[str, tuple[str, str]] = {
    "workers": ("--workers", r"[1-9]\d{0,3}"),
    "loop": ("--loop", "auto|asyncio|uvloop"),
    "http": ("--http", "auto|h11|httptools"),
    "lifespan": ("--lifespan", "auto|on|off"),
    "backlog": ("--backlog", _NUMBER),
    "limit_concurrency": ("--limit-concurrency", r"[1-9]\d{0,5}"),
    "keep_alive": ("--timeout-keep-alive", _NUMBER),
    "graceful_timeout": ("--timeout-graceful-shutdown", _NUMBER),
    "access_log": ("", "on|off"),
}


def command(*, python: str, app: str, factory: bool, host: str, port: int, options: Mapping[str, str]) -> list[str]:
    """Give the argument list that serves ``app`` (``package.module:name``); ValueError on a bad option."""
    chosen = {"workers": "1", "access_log": "off"} | checked(options)
    access = "--access-log" if chosen.pop("access_log") == "on" else "--no-access-log"
    flags = [part for name, value in chosen.items() for part in (_FLAGS[name][0], value)]
    start = [python, "-m", "uvicorn", "--interface", "asgi3", "--host", host, "--port", str(port), access]
    return [*start, *flags, *(["--factory"] if factory else []), app]


def checked(options: Mapping[str, str]) -> dict[str, str]:
    """Give the options back if each is known and possible; ValueError lists the choices."""
    for name, value in options.items():
        if name not in OPTIONS:
            raise ValueError(f"{LABEL} has no option {name!r}; choose from {', '.join(sorted(OPTIONS))}")
        if re.fullmatch(_FLAGS[name][1], value) is None:
            raise ValueError(f"{LABEL} cannot take {name}={value}; {name} is {OPTIONS[name]}")
    return dict(options)
