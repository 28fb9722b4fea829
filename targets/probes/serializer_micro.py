"""Nanoseconds per operation of each serializer, in this process, as JSON lines.

``python -m targets.probes.serializer_micro [--repeats 12] [--budget 5] [--seed 0]``

Each line is ``{"subject", "operation", "payload", "ns_per_op", "repeat"}``.  A repeat runs each subject once,
in an order drawn anew, so that drift of the machine falls on all alike; ``ns_per_op`` is CPU time.
Operations: ``encode`` (record to answer, through the schema), ``decode_validate`` (body to checked object),
``dump`` (plain objects to JSON, no schema).
"""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from targets.serializers.corpus import ORDER
from targets.service.repositories.seed import seeded_items
from targets.service.schemas.items import ItemPage, ItemResponse
from targets.service.schemas.orders import OrderCreate
from targets.service.services.items import Links, Meta, Page
from targets.service.settings import serializers

LARGE_ITEMS = 1000
PAGE_ITEMS = 50
LARGE_LINES = 100
SEED_OF_ITEMS = 7


@dataclass(frozen=True, slots=True)
class Case:
    """One operation of one serializer on one payload."""

    subject: str
    operation: str
    payload: str
    run: Callable[[], Any]


def cases() -> list[Case]:
    """Build every operation of every serializer."""
    return [case for name in serializers() for case in _cases_of(name)]


def _cases_of(name: str) -> Iterator[Case]:
    serializer = importlib.import_module(f"targets.serializers.{name}")
    items = seeded_items(LARGE_ITEMS, SEED_OF_ITEMS)
    records: Mapping[str, tuple[Any, Any]] = {
        "item-1": (ItemResponse, items[0]),
        f"page-{PAGE_ITEMS}": (ItemPage, _page(items[:PAGE_ITEMS])),
        f"export-{LARGE_ITEMS}": (ItemPage, _page(items)),
    }
    for payload, (schema, record) in records.items():
        yield Case(name, "encode", payload, _bound(serializer.encoder(schema), record))
    plain = ItemPage.model_validate(_page(items[:PAGE_ITEMS])).model_dump(mode="json")
    yield Case(name, "dump", f"page-{PAGE_ITEMS}", _bound(serializer.dumps, plain))
    decode = serializer.decoder(OrderCreate)
    for count in (1, LARGE_LINES):
        body = json.dumps({**ORDER, "lines": [*ORDER["lines"]] * count}).encode()
        yield Case(name, "decode_validate", f"order-{count}", _bound(decode, body))


def _page(rows: Any) -> Page:
    return Page(rows, Meta(total=len(rows), cursor=None, limit=len(rows)), Links(next=None, prev=None))


def _bound(function: Callable[[Any], Any], argument: Any) -> Callable[[], Any]:
    return lambda: function(argument)


def measure(repeats: int, budget_s: float, seed: int) -> Iterator[dict[str, Any]]:
    """Give one observation for each case and repeat; all together last about ``budget_s``."""
    draw = random.Random(seed)
    subjects = cases()
    slice_ns = budget_s * 1e9 / (repeats * len(subjects))
    counts = {id(case): max(1, int(slice_ns / _once_ns(case))) for case in subjects}
    for repeat in range(repeats):
        draw.shuffle(subjects)
        for case in subjects:
            ns_per_op = _loop_ns(case.run, counts[id(case)]) / counts[id(case)]
            yield {
                "subject": case.subject,
                "operation": case.operation,
                "payload": case.payload,
                "ns_per_op": ns_per_op,
                "repeat": repeat,
            }


def _once_ns(case: Case) -> int:
    """Warm the case up and give the time of one call, in ns."""
    for _ in range(3):
        elapsed_ns = _loop_ns(case.run, 1)
    return max(elapsed_ns, 1)


def _loop_ns(run: Callable[[], Any], count: int) -> int:
    # As timeit does: a collection in the middle of one subject's turn would be another's garbage.
    gc.collect(0)
    gc.disable()
    try:
        start_ns = time.thread_time_ns()
        for _ in range(count):
            run()
        return time.thread_time_ns() - start_ns
    finally:
        gc.enable()


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and print the observations."""
    parser = argparse.ArgumentParser(description="Measure the serializers in this process.")
    parser.add_argument("--repeats", type=int, default=12)
    parser.add_argument("--budget", type=float, default=5.0, help="seconds in all, about")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    for line in measure(options.repeats, options.budget, options.seed):
        sys.stdout.write(json.dumps(line) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
