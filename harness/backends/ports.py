"""Ports for what must get its own again after it was closed."""

from __future__ import annotations

import contextlib
import random
import socket
from pathlib import Path

from harness import listeners

HOST = "127.0.0.1"

PORTS = Path("/proc/sys/net/ipv4/ip_local_port_range")
"""Ports that the system gives to clients.  A proxy that is down must get its own again: it takes one outside."""

LOWEST_PORT = 10_240


def steady_port() -> int:
    """A free loopback port that the system gives to no client, where there are such.

    While a proxy is down its port is free, and a client's outgoing connection could get it.
    """
    try:
        lowest_given = int(PORTS.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        lowest_given = 0
    for _ in range(100 if lowest_given > LOWEST_PORT else 0):
        port = random.randrange(LOWEST_PORT, lowest_given)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((HOST, port))
            return port
    return listeners.free_port()
