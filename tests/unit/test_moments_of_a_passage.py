"""Which requests of a passage were sent before a fault, where its moment is known as an interval."""

from __future__ import annotations

import numpy as np

from harness import passage
from harness.happenings import Happened
from tests.support.passages import COURSE

S = 1_000_000_000
MS = 1_000_000


def test_what_leaves_while_a_signal_is_delivered_was_not_sent_before_it():
    """A user's server would be charged with refusing what came before its SIGTERM, and refused what came after."""
    told = Happened(fault="terminate", on="target", start_s=1.0, began_ns=S, acknowledged_ns=S + 20 * MS, ended_ns=None)
    moments = passage.clock(COURSE, 0, [told])
    left = np.array([S - MS, S + 10 * MS, S + 30 * MS])
    answered = np.array([True, False, False])
    requests = passage.Seen(
        due_ns=left,
        start_ns=left,
        end_ns=left + MS,
        correct=answered,
        in_time=answered,
        drop=np.array(["", "refused", "refused"]),
        names=np.array(["a", "a", "a"]),
    )
    found = {one.moment: (one.sent, one.drops) for one in passage.groups(requests, moments)}
    assert found == {"before": (1, {}), "during": (1, {"refused": 1}), "over": (1, {"refused": 1})}
    assert moments.began_ns == S + 20 * MS
