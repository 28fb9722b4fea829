"""The claims of two runs: which verdicts, and which conditions' verdicts, the second run gives again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.report import words

_SAME = {True: "same", False: "DIFFER", None: "not in both"}
_UNTESTED = "untested"

Row = dict[str, Any]


def pairs(first: Mapping[str, Any] | None, second: Mapping[str, Any] | None) -> list[Row]:
    """Each claim of either document of verdicts with its verdict in both; ``same`` is None where one has it not.

    ``conditions`` are compared one by one, since a claim's verdict also changes with what one run left out: they count
    those that both tested, A alone and B alone, and name those of both whose verdicts differ.
    """
    a, b = ({row["id"]: row for row in (one or {}).get("claims") or []} for one in (first, second))
    return [_pair(claim, a.get(claim), b.get(claim)) for claim in dict.fromkeys([*a, *b])]


def text(rows: Sequence[Row]) -> Iterator[tuple[str, ...]]:
    """Give the lines of a table: a claim's verdicts, below it every condition that both judged, and not alike."""
    yield ("claim", "A", "B", "")
    for row in rows:
        yield _line(row["id"], row, _said(row))
        for each in row["conditions"]["differ"]:
            yield _line(f"  {each['name']}", each, _SAME[False])


def _pair(claim: str, a: Row | None, b: Row | None) -> Row:
    same = None if a is None or b is None else bool(a["verdict"] == b["verdict"])
    verdicts = {"a": a and a["verdict"], "b": b and b["verdict"]}
    return {"id": claim, **verdicts, "same": same, "conditions": _conditions(_tested(a), _tested(b))}


def _tested(row: Row | None) -> dict[str, str]:
    conditions = (row or {}).get("conditions") or []
    return {one["name"]: one["verdict"] for one in conditions if one["verdict"] != _UNTESTED}


def _conditions(a: Mapping[str, str], b: Mapping[str, str]) -> Row:
    both = [name for name in a if name in b]
    differ = [{"name": name, "a": a[name], "b": b[name]} for name in both if a[name] != b[name]]
    return {"both": len(both), "a_alone": len(a) - len(both), "b_alone": len(b) - len(both), "differ": differ}


def _said(row: Row) -> str:
    """Whether the verdicts are the same; a difference that only comes from what one run left out is not one."""
    parts = row["conditions"]
    alone = [f"{parts[f'{side}_alone']} in {side.upper()} alone" for side in ("a", "b") if parts[f"{side}_alone"]]
    if row["same"] is not False or not alone or not parts["both"]:
        return _SAME[row["same"]]
    agreed = "DIFFER" if parts["differ"] else "same"
    return f"{agreed} in what both tested ({parts['both']}; {', '.join(alone)})"


def _line(name: str, row: Row, said: str) -> tuple[str, ...]:
    return (name, row["a"] or words.MISSING, row["b"] or words.MISSING, said)
