"""Who listens on a port: sockets of /proc/net/tcp against the open files of a process tree.

Costs the service nothing and needs no wrapper, so that it works for any application.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Collection
from pathlib import Path

_LISTEN = "0A"


def free_port(promised: Collection[int] = ()) -> int:
    """A loopback port that nobody uses at this moment, and none of those ``promised`` to servers that still start.

    A server needs some tenths of a second until it listens; so long the system may give its port once more.
    """
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port not in promised:
            return port


def listening_inodes(port: int) -> set[str]:
    """Inodes of every socket that listens on ``port``, on any address, IPv4 and IPv6."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            fields = row.split()
            if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                found.add(fields[9])
    return found


def owned_inodes(pids: tuple[int, ...]) -> set[str]:
    """Inodes of all sockets that the processes hold open."""
    found = set()
    for pid in pids:
        try:
            descriptors = list(Path(f"/proc/{pid}/fd").iterdir())
        except OSError:
            continue
        for descriptor in descriptors:
            try:
                name = os.readlink(descriptor)  # noqa: PTH115  (Path.readlink costs an object per file)
            except OSError:
                continue
            if name.startswith("socket:["):
                found.add(name[8:-1])
    return found


def strangers(port: int, pids: tuple[int, ...]) -> set[str]:
    """Listening sockets on ``port`` that do not belong to ``pids``: a stale server, for example."""
    return listening_inodes(port) - owned_inodes(pids)


def verdict(port: int, pids: tuple[int, ...]) -> str | None:
    """None when the tree alone answers on the port, else what is wrong, in a few words."""
    listening = listening_inodes(port)
    if not listening:
        return f"nobody listens on port {port}"
    foreign = listening - owned_inodes(pids)
    if foreign:
        return f"{len(foreign)} of {len(listening)} listening sockets on port {port} belong to another process"
    return None
