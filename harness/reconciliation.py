"""What the clients recorded against what the servers recorded, request by request.

Servers leave a ledger: fixed-size records, appended one by one, which outlive a SIGKILL.  Client and server rows meet
in the logical id and the attempt that every request carries.  What does not add up is a finding, and is printed.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

RECORD = struct.Struct("<qiiiiq")
"""Logical id, attempt, event, status, process id, CLOCK_MONOTONIC in ns."""

ARRIVED, ANSWERED, ABORTED = 1, 2, 3
"""The application got the request; it gave its whole answer to the server; it was cancelled or failed."""

SERVERS_OWN_MIN = 400
"""A status from here on may be the server's own answer (a full queue, a time-out), of which the application knows
nothing; a success never is."""


class Record(Struct, frozen=True):
    """One line of a ledger."""

    logical_id: int
    attempt: int
    event: int
    status: int
    pid: int
    t_ns: int


class Sent(Struct, frozen=True):
    """One request as its client saw it."""

    logical_id: int
    attempt: int
    status: int
    """0: no whole answer came."""
    error: str | None
    """Class of the failure; "unsent" where it never left; None where an answer came."""


class Account(Struct, frozen=True):
    """Every request in one class; the unexplained ones by what is wrong with them."""

    explained: dict[str, int]
    unexplained: dict[str, int]

    @property
    def adds_up(self) -> bool:
        """Whether nothing is left unexplained."""
        return not self.unexplained


def read(folder: Path) -> list[Record]:
    """Records of all processes, each process's in its order; a record cut off by a crash is not one."""
    found = []
    for path in sorted(folder.glob("*.bin")):
        data = path.read_bytes()
        whole = len(data) - len(data) % RECORD.size
        found += [Record(*fields) for fields in RECORD.iter_unpack(data[:whole])]
    return found


def reconcile(sent: Iterable[Sent], records: Sequence[Record]) -> Account:
    """Put every request, and every record without one, into its class."""
    by_id: dict[tuple[int, int], list[Record]] = {}
    for record in records:
        if record.logical_id >= 0:
            by_id.setdefault((record.logical_id, record.attempt), []).append(record)
    classes: Counter[str] = Counter()
    for request in sent:
        classes[_class(request, by_id.pop((request.logical_id, request.attempt), []))] += 1
    strangers = sum(any(one.event == ARRIVED for one in left) for left in by_id.values())
    explained = {name: count for name, count in classes.items() if name in EXPLAINED}
    unexplained = {name: count for name, count in classes.items() if name not in EXPLAINED}
    if strangers:
        unexplained["arrived and never sent"] = strangers
    return Account(explained, unexplained)


EXPLAINED = frozenset(
    {
        "answered",
        "the server's own answer",
        "never left",
        "never arrived",
        "lost in work",
        "cancelled in work",
        "answer lost",
    }
)
"""Classes in which both sides agree on what happened."""


def _class(request: Sent, records: Sequence[Record]) -> str:
    arrivals = [one for one in records if one.event == ARRIVED]
    answers = [one for one in records if one.event == ANSWERED]
    if len(arrivals) > 1:
        return "arrived more than once"
    if request.error is not None:
        return _failed(request, arrivals, answers, records)
    if not arrivals:
        return "the server's own answer" if request.status >= SERVERS_OWN_MIN else "answered by nobody we know"
    if not answers:
        # A server answers for an application that failed or was cancelled.
        own = request.status >= SERVERS_OWN_MIN
        return "the server's own answer" if own else "answered, and the server says not"
    return "answered" if answers[0].status == request.status else "answered with another status"


def _failed(request: Sent, arrivals: Sequence[Record], answers: Sequence[Record], records: Sequence[Record]) -> str:
    if not arrivals:
        return "never left" if request.error in {"unsent", "refused"} else "never arrived"
    if request.error in {"unsent", "refused"}:
        return "arrived and was never sent"
    if answers:
        return "answer lost"
    return "cancelled in work" if any(one.event == ABORTED for one in records) else "lost in work"


def words(account: Account) -> str:
    """The account in one line."""
    said = _listed(account.explained)
    return said if account.adds_up else f"{said}; UNEXPLAINED: {_listed(account.unexplained)}"


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items(), key=lambda item: -item[1])) or "none"
