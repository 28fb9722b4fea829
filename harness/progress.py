"""What a person sees while blocks run: a bar on a terminal, plain lines elsewhere.  Always stderr."""

from __future__ import annotations

import sys
import time

from harness.model import Block


class Progress:
    """Counts blocks against an expected number and says how long the rest will take."""

    def __init__(self, expected_blocks: int, *, reruns: int = 0, quiet: bool = False) -> None:
        """``reruns`` is how many void blocks may be repeated at most."""
        self._expected = max(1, expected_blocks)
        self._reruns = reruns
        self._quiet = quiet
        self._done = 0
        self._void = 0
        self._began = time.monotonic()
        self._terminal = sys.stderr.isatty()

    def note(self, text: str) -> None:
        """One line that stays."""
        if not self._quiet:
            sys.stderr.write(("\r\x1b[K" if self._terminal else "") + text + "\n")
            sys.stderr.flush()

    def look(self, number: int, of: int, cells: int) -> None:
        """A batch up to the next look begins."""
        self.note(f"Look {number} of {of}: measuring {cells} {'cell' if cells == 1 else 'cells'}.")

    def block(self, cell: str, block: Block) -> None:
        """A block is finished."""
        self._done += 1
        if block.voids and self._void < self._reruns:
            self._expected += 1
        self._void += bool(block.voids)
        reason = f"void ({block.voids[0].sentence})" if block.voids else "valid"
        if self._terminal and not self._quiet and not block.voids:
            share = min(1.0, self._done / self._expected)
            bar = "█" * int(share * 24) + "·" * (24 - int(share * 24))
            sys.stderr.write(f"\r\x1b[K{bar} {self._done}/{self._expected} blocks, {self._left()} left")
            sys.stderr.flush()
        else:
            self.note(f"block {self._done}/{self._expected} {cell}: {reason}; about {self._left()} left")

    def _left(self) -> str:
        per_block = (time.monotonic() - self._began) / self._done
        left_s = per_block * max(0, self._expected - self._done)
        return f"{left_s / 60:.0f} min" if left_s > 90 else f"{left_s:.0f} s"  # noqa: PLR2004  (spoken time)
