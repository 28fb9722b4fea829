"""On how many values of the corpus orjson is no drop-in replacement, as JSON lines.

``python -m targets.probes.serializer_differences``

Each line is ``{"subject", "reference", "operation", "cases", "differences", "by_case"}``: the subject's
outcome against the reference's, ``by_case`` giving both where they differ.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from targets.serializers.corpus import bodies, disagreements, read_as, values, written_as
from targets.service.schemas.orders import OrderCreate

SUBJECT = "orjson"
REFERENCES = ("stdlib", "pydantic")


def observations() -> list[dict[str, Any]]:
    """Compare the subject with each reference, writing values and reading bodies."""
    names = (SUBJECT, *REFERENCES)
    modules = {name: importlib.import_module(f"targets.serializers.{name}") for name in names}
    dumps = {name: module.dumps for name, module in modules.items()}
    decoders = {name: module.decoder(OrderCreate) for name, module in modules.items()}
    written = _outcomes(dumps, written_as, values())
    read = _outcomes(decoders, read_as, bodies())
    operations = {"encode": written, "decode_validate": read}
    return [_line(op, table, reference) for op, table in operations.items() for reference in REFERENCES]


def _outcomes(
    functions: Mapping[str, Callable[[Any], Any]],
    outcome: Callable[[Any, Any], str],
    cases: Mapping[str, Any],
) -> dict[str, dict[str, str]]:
    return {
        case: {name: outcome(function, value) for name, function in functions.items()} for case, value in cases.items()
    }


def _line(operation: str, outcomes: Mapping[str, Mapping[str, str]], reference: str) -> dict[str, Any]:
    pairs = {case: {name: by[name] for name in (SUBJECT, reference)} for case, by in outcomes.items()}
    by_case = {case: pairs[case] for case in disagreements(pairs, reference)}
    return {
        "subject": SUBJECT,
        "reference": reference,
        "operation": operation,
        "cases": len(pairs),
        "differences": len(by_case),
        "by_case": by_case,
    }


def main() -> int:
    """Print the observations."""
    for line in observations():
        sys.stdout.write(json.dumps(line) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
