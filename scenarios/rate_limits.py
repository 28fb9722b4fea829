"""Clients of three habits meet a rate limit: they heed it, ignore it, or burst across a window's edge."""

from __future__ import annotations

from collections.abc import Generator
from uuid import uuid4

from support.quota import REFUSED, Told, told
from support.wire.connection import Flow
from support.wire.engine import Session
from support.wire.request import request
from support.wire.user import WireUser

OBEDIENT, DISOBEDIENT, EDGE = "obedient", "disobedient", "edge"
HABITS = (OBEDIENT, DISOBEDIENT, EDGE)

MARGIN_S = 0.02
"""Waited beyond what the server told: a client that comes a moment too early was not obedient."""

Rests = Generator[float, tuple[int, Told], None]
"""A habit: yields how long to rest before the next request, and receives its status and what it told."""


class RateLimits(WireUser):
    """Parameters: ``path``, ``header`` (names the client: its sessions share a limit), ``shares`` of the habits.

    obedient: rests until Reset when Remaining is 0, and for Retry-After when it was refused.  disobedient: rests for
    ``gap_s`` between its requests, whatever it was told.  edge: rests until ``lead_s`` before Reset, spends what
    remains, and after Reset the next window's limit.  Rows are named ``{path} ({habit})``; a refusal is an unexpected
    status.  A session is a client of its own, made anew for each run, and sends ``requests`` requests.

    The closed model gives each user one session at a time.  In the open model requests leave when they are due: where
    all sessions rest, one more begins.
    """

    parameters = {
        "path": "/api/v1/items?limit=1",
        "header": "X-Client",
        "shares": {OBEDIENT: 0.4, DISOBEDIENT: 0.4, EDGE: 0.2},
        "gap_s": 0.01,
        "lead_s": 0.2,
        "requests": 1_000,
    }

    def flow(self, session: Session) -> Flow:
        """Be one client of one habit."""
        given = {**self.parameters, **session.parameters}
        habit = _habit(session, {**dict.fromkeys(HABITS, 0.0), **given["shares"]})
        # Not drawn from the seed: the next run with it would find the limits used up.
        headers = {str(given["header"]): f"{habit}-{uuid4()}"}
        path = str(given["path"])
        rests = _begun(habit, float(given["gap_s"]), float(given["lead_s"]))
        pause_s = next(rests)
        for _ in range(int(given["requests"])):
            answer = yield request("GET", path, headers=headers, name=f"{path} ({habit})", pause_s=pause_s)
            pause_s = rests.send((answer.status, told(answer)))


def _habit(session: Session, shares: dict[str, float]) -> str:
    """Draw a habit; TypeError for a share of a habit that nobody knows."""
    unknown = sorted(set(shares) - set(HABITS))
    if unknown:
        raise TypeError(f"parameters.shares: unknown {', '.join(unknown)}; choose from {', '.join(HABITS)}")
    drawn: list[str] = session.random.choices(HABITS, [shares[habit] for habit in HABITS])
    return drawn[0]


def _begun(habit: str, gap_s: float, lead_s: float) -> Rests:
    if habit == OBEDIENT:
        return _heeding()
    return _ignoring(gap_s) if habit == DISOBEDIENT else _at_the_edge(lead_s)


def _heeding() -> Rests:
    """Rest as long as each answer asks; a refusal without Retry-After is waited out until Reset."""
    pause_s = 0.0
    while True:
        status, now = yield pause_s
        if status == REFUSED and now.retry_after_s is not None:
            pause_s = now.retry_after_s + MARGIN_S
        elif now.remaining == 0:
            pause_s = _until_reset(now)
        else:
            pause_s = 0.0


def _ignoring(gap_s: float) -> Rests:
    """Go on."""
    while True:
        yield gap_s


def _at_the_edge(lead_s: float) -> Rests:
    """Ask once to learn the window, spend the rest of it at its end, and the next one at its beginning."""
    pause_s = 0.0
    while True:
        _, now = yield pause_s
        pause_s = max(0.0, (now.reset_s or 0.0) - lead_s)
        for _ in ("before the edge", "behind it"):
            _, now = yield pause_s
            while now.remaining:
                _, now = yield 0.0
            pause_s = _until_reset(now)


def _until_reset(now: Told) -> float:
    return 0.0 if now.reset_s is None else now.reset_s + MARGIN_S
