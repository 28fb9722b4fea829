"""Ports: loopback has enough of them for a load that opens many connections."""

from __future__ import annotations

import socket
from pathlib import Path

from harness.doctor.finding import Finding
from harness.settings import Settings

NEEDED = 8192
"""Two arms with up to 4,096 connections each, the default of a load's ``connections_max``."""

_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def check(_: Settings) -> Finding:
    """Bind a free port of loopback and count the ports that clients may use."""
    try:
        with socket.create_server(("127.0.0.1", 0)):
            pass
    except OSError as error:
        return Finding(name="ports", status="fail", sees=f"127.0.0.1 cannot be bound: {error}")
    try:
        low, high = map(int, _RANGE.read_text(encoding="ascii").split())
    except (OSError, ValueError):
        return Finding(name="ports", status="ok", sees="127.0.0.1 can be bound; the range is not shown")
    count = high - low + 1
    if count < NEEDED:
        return Finding(
            name="ports",
            status="warn",
            sees=f"clients may use {count} ports; a load may open {NEEDED} connections",
            mend='sudo sysctl -w net.ipv4.ip_local_port_range="32768 60999"',
        )
    return Finding(name="ports", status="ok", sees=f"127.0.0.1 can be bound, clients may use {count} ports")
