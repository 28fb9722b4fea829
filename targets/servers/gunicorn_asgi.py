"""Gunicorn with its own ASGI worker, without Uvicorn."""

from __future__ import annotations

import re
from collections.abc import Mapping

LABEL = "Gunicorn ASGI worker"
PACKAGE = "gunicorn"

_NUMBER = r"0|[1-9]\d{0,5}"

OPTIONS: dict[str, str] = {
    "workers": "worker processes, 1 or more (default 1)",
    "loop": "event loop: auto, asyncio or uvloop (default auto)",
    "http": "HTTP parser: auto, fast (needs the package gunicorn_h1c) or python (default auto)",
    "lifespan": "start-up protocol: auto, on or off (default auto)",
    "connections": "clients of each worker at a time, 1 or more (default 1000)",
    "backlog": "connections that the kernel may queue, 1 or more (default 2048)",
    "keep_alive": "seconds an idle connection stays open, 0 or more (default 2)",
    "graceful_timeout": "seconds before a worker that does not stop is killed, 1 or more (default 30)",
    "max_requests": "requests after which a worker is replaced, 0 = never (default 0)",
    "access_log": "on or off (default off)",
}

_FLAGS: dict[str, tuple[str, str]] = {
    "workers": ("--workers", r"[1-9]\d{0,3}"),
    "loop": ("--asgi-loop", "auto|asyncio|uvloop"),
    "http": ("--http-parser", "auto|fast|python"),
    "lifespan": ("--asgi-lifespan", "auto|on|off"),
    "connections": ("--worker-connections", r"[1-9]\d{0,5}"),
    "backlog": ("--backlog", r"[1-9]\d{0,5}"),
    "keep_alive": ("--keep-alive", _NUMBER),
    "graceful_timeout": ("--graceful-timeout", r"[1-9]\d{0,5}"),
    "max_requests": ("--max-requests", _NUMBER),
    "access_log": ("--access-logfile", "on|off"),
}


def command(*, python: str, app: str, factory: bool, host: str, port: int, options: Mapping[str, str]) -> list[str]:
    """Give the argument list that serves ``app`` (``package.module:name``); ValueError on a bad option."""
    chosen = {"workers": "1", "access_log": "off"} | checked(options)
    access = ["--access-logfile", "-"] if chosen.pop("access_log") == "on" else []
    flags = [part for name, value in chosen.items() for part in (_FLAGS[name][0], value)]
    # Two Gunicorns of one user would fight over the one default path of the control socket.
    start = [python, "-m", "gunicorn", "--no-control-socket", "--worker-class", "asgi"]
    return [*start, "--bind", f"{host}:{port}", *access, *flags, f"{app}()" if factory else app]


def checked(options: Mapping[str, str]) -> dict[str, str]:
    """Give the options back if each is known and possible; ValueError lists the choices."""
    for name, value in options.items():
        if name not in OPTIONS:
            raise ValueError(f"{LABEL} has no option {name!r}; choose from {', '.join(sorted(OPTIONS))}")
        if re.fullmatch(_FLAGS[name][1], value) is None:
            raise ValueError(f"{LABEL} cannot take {name}={value}; {name} is {OPTIONS[name]}")
    return dict(options)
