"""Holm's step-down correction for a family of tests.

Source: Holm, "A simple sequentially rejective multiple test procedure", 1979.
"""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Adjust p-values so that each may be compared with the family's error rate; order is kept."""
    count = len(p_values)
    adjusted = [0.0] * count
    highest = 0.0
    for step, index in enumerate(sorted(range(count), key=lambda i: p_values[i])):
        # A later p-value is never carried where an earlier one was not.
        highest = max(highest, min(1.0, p_values[index] * (count - step)))
        adjusted[index] = highest
    return tuple(adjusted)
