"""Waits for what another process does."""

from __future__ import annotations

import time
from collections.abc import Callable


def until(there: Callable[[], object], timeout_s: float = 60.0) -> None:
    """Wait until something is so; fail where it is not in time."""
    deadline = time.monotonic() + timeout_s
    while not there():
        assert time.monotonic() < deadline, f"not within {timeout_s:g} s"
        time.sleep(0.02)
