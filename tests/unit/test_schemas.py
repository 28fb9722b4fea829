"""JSON Schemas of the documents."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from harness import schemas
from harness.errors import UsageError
from harness.model import Block, Cost
from tests.support.schemas import faults

REGIME: dict[str, Any] = {
    "name": "open",
    "rate_rps": 500.0,
    "users": None,
    "arrivals": "poisson",
    "utilisation": 0.5,
    "grains": {"slice": {"ratio": 1.0}},
    "grain_spread": None,
    "ratio": 1.0,
    "low": 0.9,
    "high": 1.1,
    "latency": {"baseline": None, "candidate": {"p50_ms": 1.0, "p95_ms": 2.0, "p99_ms": None, "max_ms": 9.0}},
}
DOCUMENTS: dict[str, dict[str, Any]] = {
    "duel": {
        "schema": 1,
        "metric": "cpu_us_per_request",
        "baseline": {"label": "uvicorn", "value": 100.0},
        "candidate": {"label": "granian", "value": 101.0},
        "ratio": 1.01,
        "low": 0.99,
        "high": 1.03,
        "confidence": 0.95,
        "noise_floor": 0.02,
        "blocks": {"valid": 8, "invalid": 1, "reasons": {"send_lag": 1}},
        "latency": {"baseline": None, "candidate": None},
        "verdict": "no difference",
        "sentence": "They do not differ.",
        "regimes": [REGIME],
        "run": "/runs/x",
    },
    "error": {"schema": 1, "error": {"code": "usage", "message": "m", "mend": "d", "run": None}},
    "selftest": {
        "schema": 1,
        "ok": True,
        "checks": [
            {
                "name": "dose",
                "injected": 5.0,
                "reported": 5.1,
                "unit": "µs",
                "error": 0.02,
                "tolerance": 0.03,
                "ok": True,
            }
        ],
    },
    "claims": {
        "schema": 1,
        "run": None,
        "claims": [
            {
                "number": 9,
                "id": "x",
                "section": "HTTP Client",
                "statement": "S.",
                "verdict": "untested",
                "sentence": "Not tested here.",
                "estimates": [],
                "reason": "needs Toxiproxy",
                "rerun": None,
            }
        ],
    },
    "trial": {
        "schema": 1,
        "seed": 7,
        "output": "/load",
        "grain": "slice",
        "slice_s": 0.5,
        "arms": [{"name": "baseline", "url": "http://127.0.0.1:41001"}],
        "load": {"model": "open", "rate_rps": 500, "warmup_s": 2, "measure_s": 5},
        "expect": [200],
        "parameters": {"paths": ["/ping"]},
        "workers": 1,
        "switches": None,
    },
}


@pytest.mark.parametrize("name", schemas.names())
def test_each_schema_is_a_json_document_whose_references_lead_somewhere(name):
    """Whoever validates our output would be handed a schema that no validator can load."""
    schema = schemas.schema(name)
    text = json.dumps(schema)
    assert schema["title"] == name
    assert schema["description"]
    for part in text.split('"$ref": "#/$defs/')[1:]:
        assert part.partition('"')[0] in schema["$defs"]


def test_the_documents_of_the_contract_have_schemas():
    """A document would be printed that nobody can check."""
    assert set(schemas.names()) == {
        "run", "block", "duel", "claims", "selftest", "gate", "plan", "trial", "error",
    }  # fmt: skip


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_of_the_contract_fit(name):
    """Our own output would be refused by our own schema."""
    schema = schemas.schema(name)
    assert faults(DOCUMENTS[name], schema) == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_missing_field_is_noticed(name):
    """A field that vanished from a document would be found by users first."""
    schema = schemas.schema(name)
    for field in schema["required"]:
        broken = {key: value for key, value in DOCUMENTS[name].items() if key != field}
        assert faults(broken, schema) == [f"$: {field!r} is a required property"]


def test_a_made_up_verdict_is_noticed():
    """A program that reads our verdicts would meet a word that it does not know."""
    schema = schemas.schema("duel")
    assert faults({**DOCUMENTS["duel"], "verdict": "great"}, schema)


def test_a_stored_block_fits_its_schema():
    """The schema of block.json would describe something else than what is stored."""
    block = Block(
        number=1,
        condition="c",
        grain="slice",
        seed=7,
        started_utc="2026-11-24T03:15:00Z",
        start_order=("a", "b"),
        costs=(Cost(role="baseline", instance=0, cpu_ns=None, requests=10),),
        windows=(),
        checks=(),
        voids=(),
        sent=10,
        due=10,
        completed=10,
        errors={"refused": 1},
        utilisation=0.5,
        generator_work=None,
        send_lag_p99_ms=None,
        wall_s=5.0,
    )
    schema = schemas.schema("block")
    assert faults(json.loads(msgspec.json.encode(block)), schema) == []


def test_an_unknown_schema_lists_the_choices():
    """A typing slip would end in a traceback."""
    with pytest.raises(UsageError, match="unknown schema 'dual'") as caught:
        schemas.schema("dual")
    assert caught.value.mend.startswith("Choose from: duel")
