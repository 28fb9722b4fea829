"""A command as process 1 of a PID namespace, as in a container and without an engine."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence

from targets.probes.started import children

INSIDE = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
AS_USER = ("--user", "--map-root-user")
"""Who is not root needs a user namespace around it, where the system allows one."""

BORN_S = 10.0


def prefix() -> list[str]:
    """Give the words before a command that becomes process 1."""
    return [*INSIDE, *(AS_USER if os.geteuid() else ()), "--"]


def impossible() -> str | None:
    """Say why no PID namespace can be made here, without a full stop; None where it can."""
    try:
        done = subprocess.run([*prefix(), "true"], capture_output=True, text=True, timeout=30, check=False)
    except FileNotFoundError:
        return "no PID namespace can be made here: there is no unshare (util-linux, Linux only)"
    words = (done.stderr.strip().splitlines() or ["without a word"])[-1]
    return f"no PID namespace may be made here ({words})" if done.returncode else None


def first_process(process: subprocess.Popen[bytes]) -> int:
    """Give the process that is number 1 in the namespace, by its number outside; RuntimeError where none is born."""
    deadline_s = time.monotonic() + BORN_S
    while time.monotonic() < deadline_s and process.poll() is None:
        born: Sequence[int] = children(process.pid)
        if born:
            return born[0]
        time.sleep(0.01)
    raise RuntimeError(f"nothing was born in the namespace (status {process.poll()})")
