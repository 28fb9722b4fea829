"""The serializers give the same meaning, but for the differences that are written down."""

from __future__ import annotations

import asyncio
import importlib
import json
import subprocess
import sys
from uuid import UUID

import pytest

from targets.serializers.corpus import ORDER, bodies, disagreements, read_as, values, written_as
from targets.serializers.differences import READ, SERVED, WRITTEN
from targets.service.repositories.seed import item_id
from targets.service.schemas.orders import OrderCreate
from targets.service.settings import serializers
from tests.support import serving

NAMES = serializers()
MODULES = {name: importlib.import_module(f"targets.serializers.{name}") for name in NAMES}
PATHS = (
    "/ping",
    "/health/ready",
    f"/api/v1/items/{item_id(3)}",
    "/api/v1/items?limit=7",
    "/api/v1/items/export",
    "/api/v1/items?limit=0",
    "/nowhere",
)


def test_the_folder_holds_these_serializers():
    """Without this an arm could vanish from the comparison unnoticed."""
    assert NAMES == ["msgspec", "orjson", "pydantic", "stdlib"]
    assert all(module.LABEL and module.__doc__ for module in MODULES.values())


def test_written_values_differ_exactly_as_listed():
    """Without this a switch of serializers would change answers that nobody was warned about."""
    outcomes = {
        case: {name: written_as(module.dumps, value) for name, module in MODULES.items()}
        for case, value in values().items()
    }
    assert disagreements(outcomes, "pydantic") == WRITTEN


def test_read_bodies_differ_exactly_as_listed():
    """Without this a switch of serializers would accept or refuse other orders than before."""
    decoders = {name: module.decoder(OrderCreate) for name, module in MODULES.items()}
    outcomes = {
        case: {name: read_as(decode, raw) for name, decode in decoders.items()} for case, raw in bodies().items()
    }
    assert disagreements(outcomes, "pydantic") == READ


def answers(name):
    """Give what the service with one serializer answers to the paths and to every body."""

    async def run():
        async with serving.service(serializer=name) as client:
            shown = [await client.get(path, headers={"X-Request-ID": "same"}) for path in PATHS]
            json_type = {"content-type": "application/json"}
            posted = {
                case: await client.post("/api/v1/orders", content=raw, headers=json_type)
                for case, raw in bodies().items()
            }
            return shown, posted

    return asyncio.run(run())


@pytest.fixture(scope="module")
def everything():
    """Give the answers of every serializer."""
    return {name: answers(name) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_answers_have_the_same_status_headers_and_meaning(everything, name):
    """Without this a cheaper serializer could be cheaper because it says less."""
    for expected, answer in zip(everything["pydantic"][0], everything[name][0], strict=True):
        assert answer.status_code == expected.status_code
        assert answer.json() == expected.json()
        assert answer.headers == expected.headers


def test_posted_bodies_get_the_same_status_exactly_but_for_the_list(everything):
    """Without this a switch of serializers would change the API's contract silently."""
    statuses = {
        case: {name: str(posted[case].status_code) for name, (_, posted) in everything.items()} for case in bodies()
    }
    assert disagreements(statuses, "pydantic") == SERVED
    assert {status for by in statuses.values() for status in by.values()} <= {"201", "400", "422"}


@pytest.mark.parametrize("name", NAMES)
def test_orders_are_answered_alike(everything, name):
    """Without this decimals, dates or ids would change their spelling with the serializer."""
    order = everything[name][1]["whole"].json()
    expected = everything["pydantic"][1]["whole"].json()
    assert UUID(order.pop("id"))
    assert order == {key: value for key, value in expected.items() if key != "id"}
    assert (order["placed_at"], order["total"]) == (ORDER["placed_at"], "25.00")


def test_the_document_describes_the_body_for_every_serializer():
    """Without this clients made from the document could not place orders on one of the arms."""

    async def document(name):
        async with serving.service(serializer=name) as client:
            return (await client.get("/openapi.json")).json()

    documents = {name: asyncio.run(document(name)) for name in NAMES}
    for name in ("orjson", "stdlib"):
        assert documents[name] == documents["pydantic"]
    body = documents["msgspec"]["paths"]["/api/v1/orders"]["post"]["requestBody"]
    schema = body["content"]["application/json"]["schema"]
    known = documents["pydantic"]["components"]["schemas"]["OrderCreate"]
    assert schema["properties"].keys() == known["properties"].keys()
    assert schema["required"] == known["required"]


def lines_of(*argv):
    """Run a probe and give its lines."""
    done = subprocess.run(
        [sys.executable, "-m", *argv],
        cwd=serving.ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_micro_probe_measures_every_serializer_in_every_repeat():
    """Without this a comparison could rest on unequal numbers of observations."""
    lines = lines_of("targets.probes.serializer_micro", "--repeats", "3", "--budget", "0.5")
    cells = {(line["subject"], line["operation"], line["payload"], line["repeat"]) for line in lines}
    assert len(cells) == len(lines) == 3 * len(NAMES) * 6
    assert all(line["ns_per_op"] > 0 for line in lines)
    order = [line["subject"] for line in lines]
    assert order[: len(order) // 3] != order[len(order) // 3 : 2 * len(order) // 3]


def test_the_difference_probe_agrees_with_the_list():
    """Without this a published count of differences would not be what the tests know."""
    lines = {(line["operation"], line["reference"]): line for line in lines_of("targets.probes.serializer_differences")}
    expected = {case for case, by in WRITTEN.items() if "orjson" in by}
    assert set(lines["encode", "pydantic"]["by_case"]) == expected
    assert lines["encode", "pydantic"]["differences"] == len(expected)
    assert lines["decode_validate", "pydantic"]["differences"] == 0
