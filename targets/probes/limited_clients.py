"""Clients of a rate-limited service: bursts, walks, habits; each is new to the service, and so has its whole limit."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple
from uuid import uuid4

from targets.probes.limit_arithmetic import Rule
from targets.probes.spread import Answer, Line, ask

BEYOND = 5
"""Requests of a walk after its limit is spent."""
LEAD_S = 0.6
"""Before the edge: six clients at once spend their limits in a third of it on a calm machine."""
MARGIN_S = 0.02
"""Waited beyond what was told: who comes a moment too early was not obedient."""
GAP_S = 0.01
"""Between the requests of a client that heeds nothing: ten times as fast as its limit."""
WINDOWS = 3
"""That an obedient client spends."""
PATIENCE = 3
"""Times as many requests are sent in the hope of a refusal: on a busy machine a client may be slower than its limit."""


class Burst(NamedTuple):
    """What was admitted of one client, and what the arithmetic allows at most in the time that it took."""

    admitted: int
    most: int


class Life(NamedTuple):
    """How one client fared; 0 tries where it never came to its limit."""

    tries: int
    admitted: int


class Edge(NamedTuple):
    """What one client was admitted around an edge, from its first request to its last answer."""

    admitted: int
    span_s: float


def burst(rule: Rule, lines: Sequence[Line], count: int) -> Burst:
    """Send so many requests of one client at once, shared out among the connections."""
    client = _new()
    shares = [len(range(number, count, len(lines))) for number in range(len(lines))]
    _await_window(rule)
    with ThreadPoolExecutor(len(lines)) as pool:
        parts = list(pool.map(lambda line, share: [ask(line, client) for _ in range(share)], lines, shares))
    answers = [answer for part in parts for answer in part]
    began_s, ended_s = min(one.sent_s for one in answers), max(one.end_s for one in answers)
    return Burst(sum(one.admitted for one in answers), rule.most(began_s, ended_s))


def walk(rule: Rule, lines: Sequence[Line]) -> bool:
    """Spend a limit step by step, each time through the next process; tell whether all that was said was right."""
    client = _new()
    _await_window(rule)
    return rule.judged([ask(lines[step % len(lines)], client) for step in range(rule.limit + BEYOND)])


def lived(rule: Rule, habit: str, lines: Sequence[Line]) -> Life:
    """Be one client of one habit."""
    client, steps = _new(), iter(range(1_000_000))
    return HABITS[habit](rule, lambda: ask(lines[next(steps) % len(lines)], client))


def edge(rule: Rule, lines: Sequence[Line]) -> Edge:
    """Spend a limit just before an edge, and again just behind it."""
    client = _new()
    edge_s = (time.time() // rule.window_s + 2) * rule.window_s
    answers: list[Answer] = []
    for start_s in (edge_s - LEAD_S, edge_s + MARGIN_S):
        time.sleep(max(0.0, start_s - time.time()))
        answers += [ask(lines[step % len(lines)], client) for step in range(rule.limit)]
    return Edge(sum(one.admitted for one in answers), answers[-1].end_s - answers[0].sent_s)


def _heeds_remaining(rule: Rule, send: Callable[[], Answer]) -> Life:
    admitted = 0
    for _ in range(WINDOWS * rule.limit):
        answer = send()
        admitted += answer.admitted
        if answer.remaining == 0:
            time.sleep(max(0.0, answer.reset_s + MARGIN_S - time.time()))
    return Life(WINDOWS * rule.limit, admitted)


def _heeds_retry_after(rule: Rule, send: Callable[[], Answer]) -> Life:
    """Count what follows a rest: the first refusal is how this client learns that there is a limit."""
    tries = admitted = 0
    rested = False
    for _ in range(PATIENCE * WINDOWS * rule.limit):
        if tries == WINDOWS:
            break
        answer = send()
        tries += rested
        admitted += rested and answer.admitted
        rested = answer.retry_after_s is not None
        if answer.retry_after_s is not None:
            time.sleep(answer.retry_after_s + MARGIN_S)
    return Life(tries, admitted)


def _heeds_nothing(rule: Rule, send: Callable[[], Answer]) -> Life:
    answers = []
    for _ in range(WINDOWS * rule.limit):
        answers.append(send())
        time.sleep(GAP_S)
    if rule.most(answers[0].sent_s, answers[-1].end_s) >= len(answers):
        # On a machine that is so busy it was no faster than its limit.
        return Life(0, 0)
    return Life(len(answers), sum(one.admitted for one in answers))


HABITS: dict[str, Callable[[Rule, Callable[[], Answer]], Life]] = {
    "heeds Remaining": _heeds_remaining,
    "heeds Retry-After": _heeds_retry_after,
    "heeds nothing": _heeds_nothing,
}
SAID = tuple(HABITS)


def _new() -> str:
    return f"probe-{uuid4()}"


def _await_window(rule: Rule) -> None:
    """Sleep until a fixed window begins where half of the last one is over: no edge shall fall into what follows."""
    left_s = rule.window_s - time.time() % rule.window_s
    if rule.kind == "fixed" and left_s < rule.window_s / 2:
        time.sleep(left_s + MARGIN_S)
