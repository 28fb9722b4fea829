"""How long the cache is left alone, and waited for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """Two bounds."""

    pause_s: float = 1.0
    """After an error.  One request a second pays the time-out of a hung server: below a hundredth of any load that
    is worth measuring; and a server that is back is used again within a second."""
    lock_s: float = 5.0
    """Life of a lock between processes, and what losers wait: a load that takes longer is no longer waited for, and
    a holder that died is missed for no longer."""
