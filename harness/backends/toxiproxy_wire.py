"""The wire to Toxiproxy's API: every call is bounded in time, and whatever fails says what to do.

The package toxiproxy-python speaks it.  Its objects keep one address for the whole process, wait for ever and let
answers of 500 and 503 pass; so only its lowest layer is used, one consumer per call with the server's own address.
"""

from __future__ import annotations

import json
from typing import Any, Literal
from urllib.parse import urlsplit

from harness.errors import CannotMeasure

CALL_S = 3.0
"""An answer takes some ms.  Removing a toxic from connections that nobody reads can take for ever."""

FAILED = 400
"""Statuses from here on refuse what was asked."""


class ToxiproxyError(CannotMeasure):
    """Toxiproxy refused something, did not answer in time, or is gone: what happened, and what to do."""

    def __str__(self) -> str:
        return f"{self.message} {self.mend}"


def call(url: str, method: Literal["get", "post", "delete"], path: str, document: Any = None) -> Any:
    """Ask once; gives the parsed answer, None where it is empty.  Raises ToxiproxyError."""
    # Lazy: an import of 0.1 s that only trials with proxies need.
    from requests import Timeout  # noqa: PLC0415  (as above)
    from toxiproxy.api import APIConsumer  # type: ignore[import-untyped]  # noqa: PLC0415  (as above)
    from toxiproxy.exceptions import (  # type: ignore[import-untyped]  # noqa: PLC0415  (as above)
        InvalidToxic,
        NotFound,
        ProxyExists,
    )

    parts = urlsplit(url)
    consumer = type("Consumer", (APIConsumer,), {"host": parts.hostname, "port": parts.port})
    words: dict[str, Any] = {"timeout": CALL_S, "proxies": {"no_proxy": parts.hostname}}
    if document is not None:
        words["json"] = document
    what = f"{method.upper()} {path}"
    try:
        answer = getattr(consumer, method)(path, **words)
    except (InvalidToxic, NotFound, ProxyExists) as error:
        raise _refused(what, error.args[0]) from error
    except Timeout as error:
        raise ToxiproxyError(
            f"Toxiproxy at {url} did not answer {what} within {CALL_S:g} s: it stalls.",
            "Run the trial again; where TOXIPROXY_URL names the server, start that anew.",
        ) from error
    except OSError as error:
        raise ToxiproxyError(
            f"Toxiproxy at {url} cannot be reached ({what}): it has died or was never there.",
            "Run the trial again; where TOXIPROXY_URL names the server, start that, or unset it for one of our own.",
        ) from error
    if answer.status_code >= FAILED:
        raise _refused(what, answer.content)
    return _parsed(answer.content)


def version(url: str) -> str:
    """What the server says it is: "2.12.0", or "git" where its builder named no version.  Raises ToxiproxyError."""
    answer = call(url, "get", "/version")
    return str(answer["version"] if isinstance(answer, dict) and "version" in answer else answer)


def _refused(what: str, content: bytes) -> ToxiproxyError:
    answer = _parsed(content)
    said = answer["error"] if isinstance(answer, dict) and "error" in answer else answer
    return ToxiproxyError(f"Toxiproxy refused {what}: {said}.", "Mend what it says; `harness list faults` has limits.")


def _parsed(content: bytes) -> Any:
    text = content.decode(errors="replace").strip()
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text
