"""What each algorithm must admit and tell, by arithmetic alone; instants and spans are seconds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from targets.probes.spread import Answer


@dataclass(frozen=True, slots=True)
class Rule:
    """An algorithm (fixed, sliding or bucket) with its figures."""

    kind: str
    limit: int
    window_s: int

    def most(self, began_s: float, ended_s: float) -> int:
        """Give how many requests may be admitted in a span, at most.

        A client that was silent for a window before it is sure of the limit.
        """
        span_s = ended_s - began_s
        if self.kind == "fixed":
            return self.limit * (int(ended_s // self.window_s) - int(began_s // self.window_s) + 1)
        if self.kind == "sliding":
            return self.limit * (1 + int(span_s // self.window_s))
        return self.limit + math.floor(span_s * self.limit / self.window_s)

    def judged(self, answers: Sequence[Answer]) -> bool:
        """Tell whether a client's answers, one after the other, all say and do what they must.

        What came after the first window's end is left out: by then a new one has begun.
        """
        began_s, used = answers[0].sent_s, 0
        edge_s = began_s // self.window_s * self.window_s if self.kind == "fixed" else began_s
        for answer in answers:
            if answer.end_s >= edge_s + self.window_s:
                break
            used += answer.admitted
            regained = self.most(began_s, answer.end_s) - self.limit
            right = self._count_right(answer, used, regained) and self._fields_right(answer)
            if not right:
                return False
        return True

    def _count_right(self, answer: Answer, used: int, regained: int) -> bool:
        """Compare Remaining with what is left; only a bucket gives something back before its window's end."""
        left = self.limit - used
        if answer.admitted:
            return max(0, left) <= answer.remaining <= left + regained
        return answer.remaining == 0 and left <= 0

    def _fields_right(self, answer: Answer) -> bool:
        latest_s = math.ceil(answer.end_s + self.window_s)
        if self.kind == "fixed":
            latest_s = math.ceil(answer.end_s // self.window_s + 1) * self.window_s
        waits = answer.retry_after_s is None if answer.admitted else 1 <= (answer.retry_after_s or 0) <= self.window_s
        return waits and answer.limit == self.limit and answer.sent_s < answer.reset_s <= latest_s
