"""Log-ratios of CPU per request: what one block says about two arms, and about two processes of one arm.

The estimand of a block is ΣCPU ÷ Σrequests of the candidate over ΣCPU ÷ Σrequests of the baseline, both
sums over every process of the arm and every slice in which it was loaded.  It is a ratio of sums, not a
mean of ratios: a slice with few requests weighs little.  Ratios are kept as natural logarithms, because
swapping the arms then only flips the sign, and means and intervals of them are symmetric.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Protocol

from harness.model import Block, Cost, Role, Window


class _Metered(Protocol):
    """What a Cost and a Window have in common."""

    @property
    def cpu_ns(self) -> int | None: ...

    @property
    def requests(self) -> int: ...


def _per_request_ns(metered: Sequence[_Metered]) -> float | None:
    """ΣCPU ÷ Σrequests; None where a part was not metered, or nothing was answered or spent."""
    cpu_ns, requests = 0, 0
    for part in metered:
        if part.cpu_ns is None:
            return None
        cpu_ns += part.cpu_ns
        requests += part.requests
    return cpu_ns / requests if cpu_ns > 0 and requests > 0 else None


def cost_per_request_ns(costs: Iterable[Cost], role: Role) -> float | None:
    """CPU nanoseconds per request of one arm: ΣCPU ÷ Σrequests over its processes.

    Costs of several blocks may be given together.  None where the arm is absent, one of its processes
    could not be read, or it answered nothing: a partial sum would look cheap.
    """
    return _per_request_ns([cost for cost in costs if cost.role == role])


def _log_ratio(numerator: float | None, denominator: float | None) -> float | None:
    if numerator is None or denominator is None:
        return None
    return math.log(numerator / denominator)


def _by_slice(windows: Iterable[Window]) -> dict[int, list[Window]]:
    slices: defaultdict[int, list[Window]] = defaultdict(list)
    for window in windows:
        slices[window.slice].append(window)
    return dict(slices)


def _shared_windows(block: Block) -> list[Window]:
    """Windows of the slices in which both arms were loaded and metered.

    At request grain the arms meet the same noise only there; a slice that lost one arm would tilt the ratio.
    """
    shared: list[Window] = []
    for windows in _by_slice(block.windows).values():
        whole = all(window.cpu_ns is not None for window in windows)
        if whole and {window.role for window in windows} == {"baseline", "candidate"}:
            shared.extend(windows)
    return shared


def block_log_ratio(block: Block) -> float | None:
    """Log of candidate ÷ baseline in CPU per request, or None where either arm has no figure.

    At request grain the sums run over the slices that both arms shared, where there are any; at the other
    grains over the whole measured phase.
    """
    shared = _shared_windows(block) if block.grain == "request" else []
    if shared:
        return _log_ratio(
            _per_request_ns([window for window in shared if window.role == "candidate"]),
            _per_request_ns([window for window in shared if window.role == "baseline"]),
        )
    return _log_ratio(cost_per_request_ns(block.costs, "candidate"), cost_per_request_ns(block.costs, "baseline"))


def instance_log_ratio(block: Block, role: Role) -> float | None:
    """Log of the second process ÷ the first one of the same arm in CPU per request: the A/A of one block.

    Its true value is zero.  At request grain the two processes may have been loaded in different slices, each
    beside a process of the other arm; then both are compared with the partner that they shared, so that
    what changed between the slices cancels.  Where no partner was shared the plain ratio is taken.  None
    where the arm had no two processes or they could not be read.
    """
    instances = sorted({cost.instance for cost in block.costs if cost.role == role})
    if len(instances) < 2:  # noqa: PLR2004  (a pair of processes is what an A/A compares)
        return None
    first, second = instances[0], instances[1]
    if block.grain == "request":
        through_partner = _double_difference(_shared_windows(block), role, first, second)
        if through_partner is not None:
            return through_partner
    own = [cost for cost in block.costs if cost.role == role]
    return _log_ratio(
        _per_request_ns([cost for cost in own if cost.instance == second]),
        _per_request_ns([cost for cost in own if cost.instance == first]),
    )


def _double_difference(windows: list[Window], role: Role, first: int, second: int) -> float | None:
    """Mean over shared partners of log(second ÷ partner) − log(first ÷ partner)."""
    own: defaultdict[tuple[int, int], list[Window]] = defaultdict(list)
    partner: defaultdict[tuple[int, int], list[Window]] = defaultdict(list)
    for together in _by_slice(windows).values():
        mine = [window for window in together if window.role == role]
        others = [window for window in together if window.role != role]
        if len(mine) != 1 or len(others) != 1:
            # Both processes of the arm in one slice met the same noise: the plain ratio is right.
            continue
        pair = (mine[0].instance, others[0].instance)
        own[pair].append(mine[0])
        partner[pair].append(others[0])
    against = {pair: _log_ratio(_per_request_ns(own[pair]), _per_request_ns(partner[pair])) for pair in own}
    differences = []
    for shared in {other for _, other in against}:
        early, late = against.get((first, shared)), against.get((second, shared))
        if early is not None and late is not None:
            differences.append(late - early)
    return math.fsum(differences) / len(differences) if differences else None
