"""One attempt: a request, and what its outcome means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import httpx
import msgspec

from targets.service.correlation import CURRENT
from targets.service.resilience.deadline import Deadline
from targets.service.resilience.failures import CallError
from targets.service.upstream.places import BUSY_S

AGAIN = frozenset({429, 502, 503, 504})
"""Statuses that speak of a moment, not of the request (RFC 9110, section 15.6; RFC 6585 for 429)."""
OK = 200
TOO_MANY, SERVER_ERROR, GATEWAY_TIMEOUT = 429, 500, 504


@dataclass(frozen=True, slots=True)
class Quote:
    """What the upstream says."""

    id: int
    price: Decimal
    currency: str


def headers_of(request_id: str, number: int, waited_s: float) -> dict[str, str]:
    """Give what an attempt carries: whose it is, which one it is, and how long it is waited for."""
    current = CURRENT.get()
    headers = {"X-Request-ID": request_id, "X-Attempt": str(number), "X-Timeout-Ms": str(int(waited_s * 1e3))}
    if current is not None and current.traceparent is not None:
        headers["traceparent"] = current.traceparent
    return headers


async def sent(client: httpx.AsyncClient, path: str, headers: Mapping[str, str]) -> Quote:
    """Send one request and read its answer; CallError for whatever else comes."""
    try:
        answer = await client.get(path, headers=headers)
    except httpx.TimeoutException as error:
        again = isinstance(error, httpx.ConnectTimeout | httpx.ReadTimeout)
        raise CallError("time-out", f"It did not answer in time ({type(error).__name__}).", again=again) from error
    except (httpx.NetworkError, httpx.ProtocolError) as error:
        detail = f"The connection failed ({type(error).__name__})."
        raise CallError("connection", detail, again=True) from error
    except httpx.RequestError as error:
        raise CallError("answer", f"Its answer cannot be read ({type(error).__name__}).") from error
    return _read(answer)


def over(deadline: Deadline) -> CallError | None:
    """Give the error of an attempt that would come too late; None while there is time."""
    return CallError("deadline", "The time of the call is up.") if deadline.over() else None


def _read(answer: httpx.Response) -> Quote:
    status = answer.status_code
    if status == OK:
        try:
            return msgspec.json.decode(answer.content, type=Quote)
        except msgspec.MsgspecError as error:
            raise CallError("answer", "Its answer is no quote.") from error
    detail, again = f"It answered {status}.", status in AGAIN
    if status == GATEWAY_TIMEOUT:
        raise CallError("time-out", detail, again=again)
    retry_after_s = _retry_after_s(answer.headers.get("retry-after"))
    if status == TOO_MANY or retry_after_s is not None:
        raise CallError("busy", detail, again=again, retry_after_s=retry_after_s or BUSY_S)
    raise CallError("status" if status >= SERVER_ERROR else "refused", detail, again=again)


def _retry_after_s(text: str | None) -> float | None:
    """Read delay-seconds (RFC 9110, section 10.2.3); a date, or what cannot be read, is nothing."""
    return float(text) if text is not None and text.isascii() and text.isdigit() else None
