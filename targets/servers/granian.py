"""Granian: HTTP in Rust, one I/O thread beside each worker's Python thread."""

from __future__ import annotations

import re
from collections.abc import Mapping

LABEL = "Granian"
PACKAGE = "granian"

_COUNT = r"[1-9]\d{0,3}"

OPTIONS: dict[str, str] = {
    "workers": "worker processes, 1 or more (default 1)",
    "loop": "event loop: auto, asyncio, rloop or uvloop (default auto)",
    "http": "HTTP version: auto, 1 or 2 (default auto)",
    "task_impl": "who runs the tasks: asyncio or rust (default asyncio)",
    "runtime_mode": "Rust runtime: auto, mt or st (default auto)",
    "runtime_threads": "Rust I/O threads of each worker, 1 or more (default 1)",
    "backlog": "connections that the kernel may queue, 128 or more (default 1024)",
    "backpressure": "requests in progress in each worker, 1 or more (default backlog ÷ workers)",
    "kill_timeout": "seconds before a worker that does not stop is killed, 1 to 1800 (default: never)",
    "respawn_interval": "seconds that an old worker is left beside the new one, 1 to 99 (default 3.5)",
    "respawn_failed_workers": "on or off: whether a worker that died is started again (default off)",
    "access_log": "on or off (default off)",
}

_FLAGS: dict[str, tuple[str, str]] = {
    "workers": ("--workers", _COUNT),
    "loop": ("--loop", "auto|asyncio|rloop|uvloop"),
    "http": ("--http", "auto|1|2"),
    "task_impl": ("--task-impl", "asyncio|rust"),
    "runtime_mode": ("--runtime-mode", "auto|mt|st"),
    "runtime_threads": ("--runtime-threads", _COUNT),
    "backlog": ("--backlog", r"12[89]|1[3-9]\d|[2-9]\d\d|[1-9]\d{3,5}"),
    "backpressure": ("--backpressure", r"[1-9]\d{0,5}"),
    "kill_timeout": ("--workers-kill-timeout", r"[1-9]\d{0,2}|1[0-7]\d\d|1800"),
    "respawn_interval": ("--respawn-interval", r"[1-9]\d?"),
    "respawn_failed_workers": ("--respawn-failed-workers", "on|off"),
    "access_log": ("", "on|off"),
}


def command(*, python: str, app: str, factory: bool, host: str, port: int, options: Mapping[str, str]) -> list[str]:
    """Give the argument list that serves ``app`` (``package.module:name``); ValueError on a bad option."""
    chosen = {"workers": "1", "access_log": "off"} | checked(options)
    respawn = ["--respawn-failed-workers"] if chosen.pop("respawn_failed_workers", "off") == "on" else []
    access = "--access-log" if chosen.pop("access_log") == "on" else "--no-access-log"
    flags = [part for name, value in chosen.items() for part in (_FLAGS[name][0], value)]
    start = [python, "-m", "granian", "--interface", "asgi", "--host", host, "--port", str(port), access]
    return [*start, *respawn, *flags, *(["--factory"] if factory else []), app]


def checked(options: Mapping[str, str]) -> dict[str, str]:
    """Give the options back if each is known and possible; ValueError lists the choices."""
    for name, value in options.items():
        if name not in OPTIONS:
            raise ValueError(f"{LABEL} has no option {name!r}; choose from {', '.join(sorted(OPTIONS))}")
        if re.fullmatch(_FLAGS[name][1], value) is None:
            raise ValueError(f"{LABEL} cannot take {name}={value}; {name} is {OPTIONS[name]}")
    return dict(options)
