"""Orders to a service that takes them at run time (``POST /control``): given, acknowledged, taken back."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from harness.errors import CannotMeasure
from harness.runtimes.runtime import Server

PATH = "/control"

ANSWER_S = 2.0
"""The service answers at once, however long its queue: it takes orders beside its work."""


def order(url: str, wanted: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """Give an order; returns the moment of its acknowledgement and all that is in force.

    Raises CannotMeasure where the service does not take it, or says something else than was asked.
    """
    connection = http.client.HTTPConnection(url.removeprefix("http://").rstrip("/"), timeout=ANSWER_S)
    try:
        connection.request("POST", PATH, json.dumps(dict(wanted)), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise CannotMeasure(f"{PATH} does not answer: {error}", "Is the service behind the target running?") from error
    finally:
        connection.close()
    at_ns = time.monotonic_ns()
    if answer.status != http.client.OK:
        raise CannotMeasure(f"{PATH} answers {answer.status}: {body[:200].decode(errors='replace')}", "Mend the order.")
    found: dict[str, Any] = json.loads(body)["behaviour"]
    wrong = [name for name, value in wanted.items() if found.get(name) != value]
    if wrong:
        raise CannotMeasure(f"{PATH} did not set {', '.join(wrong)}", "Mend the service.")
    return at_ns, found


def lasting(server: Server | None, wanted: Mapping[str, Any]) -> tuple[int, Callable[[], int]]:
    """Give an order that can be taken back; returns its acknowledgement, and what restores the fields as they were.

    Raises CannotMeasure as ``order`` does, and where no service of ours is there.
    """
    if server is None:
        raise CannotMeasure("No service that takes orders is there.", "Let the course start one (upstream).")
    url = server.url
    _, before = order(url, {})
    at_ns, _ = order(url, wanted)
    old = {name: before[name] for name in wanted}
    return at_ns, lambda: order(url, old)[0]
