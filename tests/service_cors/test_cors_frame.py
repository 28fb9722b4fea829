"""CORS of the service over ASGI, its stack whole: who may read, what a preflight grants, what no list may say."""

from __future__ import annotations

import asyncio

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from starlette.middleware.cors import CORSMiddleware

from targets.probes.foreign_origins import foreign
from targets.service.middleware.cors import CorsMiddleware
from targets.service.practices.cors import Listed
from tests.support import serving

SHOP = "https://shop.example"
ALLOWED = "access-control-allow-origin"


def calls(requests, **settings):
    """Send requests one after the other to a service with these settings of CORS, and give the responses."""

    async def run():
        async with serving.service(cors={"kind": "listed", "origins": (SHOP,), **settings}) as client:
            return [await client.request(method, path, headers=headers) for method, path, headers in requests]

    return asyncio.run(run())


def get(headers, path="/ping", **settings):
    """Send one GET."""
    return calls([("GET", path, headers)], **settings)[0]


def preflight(origin=SHOP, method="GET", headers=None, **settings):
    """Send one preflight."""
    fields = {"Origin": origin, "Access-Control-Request-Method": method}
    return calls(
        [("OPTIONS", "/ping", fields | ({"Access-Control-Request-Headers": headers} if headers else {}))], **settings
    )[0]


def marks(answer):
    """Give the fields of CORS in an answer."""
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


@pytest.mark.parametrize("path", ["/ping", "/nowhere", "/api/v1/items?limit=0"])
def test_a_listed_origin_may_read_answers_and_errors(path):
    """Without this a script would be told "network error" where the service says what is wrong."""
    answer = get({"Origin": SHOP}, path, credentials=True)
    assert marks(answer) == {
        ALLOWED: SHOP,
        "access-control-allow-credentials": "true",
        "access-control-expose-headers": "X-Request-ID, Retry-After",
    }
    assert answer.headers["vary"] == "Origin"


def test_cors_stands_outside_of_what_refuses():
    """Without this a script could not obey Retry-After: CORS would stand inside of what refuses."""

    async def run():
        cors = {"kind": "listed", "origins": (SHOP,)}
        async with serving.service(cors=cors, shedding={"kind": "limit", "in_flight_max": 1}) as client:
            return (await client.get("/internal/arm")).json()["stack"]

    stack = asyncio.run(run())
    assert stack.index("SecurityHeadersMiddleware") < stack.index("CorsMiddleware") < stack.index("SheddingMiddleware")


@pytest.mark.parametrize("headers", [{}, {"Origin": "https://evil.test"}, {"Origin": "null"}])
def test_others_get_the_same_answer_without_a_mark(headers):
    """Without this a browser would hand the answer to a script of any site, or a cache one site's to another."""
    answer = get(headers, credentials=True)
    assert (answer.status_code, marks(answer), answer.headers["vary"]) == (200, {}, "Origin")


def test_two_origins_are_nobody():
    """Without this what stands first would decide, and a proxy in between may read the other."""
    fields = [("Origin", SHOP), ("Origin", "https://evil.test")]
    assert marks(get(fields)) == {}
    refused = calls([("OPTIONS", "/ping", [*fields, ("Access-Control-Request-Method", "GET")])])[0]
    assert (refused.status_code, marks(refused)) == (403, {})


def test_a_preflight_grants_what_is_listed():
    """Without this a browser would not send the request, or would ask again each time."""
    answer = preflight(method="PATCH", headers="content-type", methods=("GET", "PATCH"), max_age_s=600)
    assert (answer.status_code, answer.content) == (204, b"")
    assert marks(answer) == {
        ALLOWED: SHOP,
        "access-control-allow-methods": "GET, PATCH",
        "access-control-allow-headers": "Content-Type",
        "access-control-max-age": "600",
    }
    assert "Origin" in answer.headers["vary"]
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("asked", "code", "marked"),
    [
        ({"origin": "https://evil.test"}, "cors-origin-refused", False),
        ({"method": "DELETE"}, "cors-method-refused", True),
        ({"method": "post"}, "cors-method-refused", True),
        ({"method": "HEAD"}, "cors-method-refused", True),
        ({"headers": "Content-Type, X-Evil"}, "cors-header-refused", True),
    ],
)
def test_a_preflight_for_anything_else_is_a_problem(asked, code, marked):
    """Without this a browser would send HEAD and POST, which it takes for safe, whatever the list says."""
    answer = preflight(**asked)
    assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")
    assert answer.json()["code"] == code
    assert (ALLOWED in answer.headers) == marked
    assert "access-control-allow-methods" not in answer.headers


def test_options_without_a_preflights_fields_reaches_the_service():
    """Without this the frame would answer requests that are not its own."""
    assert calls([("OPTIONS", "/ping", {"Origin": SHOP})])[0].status_code == 405


def test_everybody_may_read_a_service_without_credentials():
    """Without this a public service could not be used from every site, as it is meant."""
    answer = get({"Origin": "https://any.test"}, origins=("*",))
    assert answer.headers[ALLOWED] == "*"
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    "fields",
    [
        {"origins": ("*",), "credentials": True},
        {"origins": ("*", SHOP)},
        {"origins": ()},
        {"origins": ("null",)},
        {"origins": ("https://*.example",)},
        {"origins": (SHOP + "/",)},
        {"origins": (SHOP + ":443",)},
        {"origins": ("http://shop.example:80",)},
        {"origins": ("https://Shop.example",)},
        {"origins": ("https://shöp.example",)},
        {"origins": (SHOP,), "methods": ("*",)},
        {"origins": (SHOP,), "methods": ()},
        {"origins": (SHOP,), "headers": ("*",)},
        {"origins": (SHOP,), "headers": ("X-A, X-B",)},
        {"origins": (SHOP,), "max_age_s": -1},
    ],
)
def test_a_list_that_admits_all_or_nobody_is_refused(fields):
    """Without this the service would start with the one setting that the standard forbids, or one that never fits."""
    with pytest.raises(ValidationError):
        Listed(**fields)


@pytest.mark.parametrize("origin", ["http://localhost:3000", "http://127.0.0.1:8080", "http://[::1]:3000"])
def test_development_may_list_its_own_machine(origin):
    """Without this a developer could only turn the check off."""
    assert get({"Origin": origin}, origins=(SHOP, origin)).headers[ALLOWED] == origin


@given(origin=st.one_of(st.sampled_from(foreign(0, 200)), st.binary(max_size=60)))
def test_no_origin_but_a_listed_one_is_ever_marked(origin):
    """Without this a trick with prefixes, suffixes, letters or bytes would let a foreign script read."""
    sent = []

    async def app(_, __, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"vary", b"Accept")]})

    async def send(message):
        sent.append(message)

    frame = CorsMiddleware(app, origins={SHOP}, methods=("GET",), headers=(), exposed=(), credentials=True, max_age_s=1)
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"origin", origin)]}
    asyncio.run(frame(scope, None, send))
    fields = dict(sent[0]["headers"])
    assert (ALLOWED.encode() in fields) == (origin == SHOP.encode())
    assert fields[b"vary"] == b"Accept, Origin"


def test_what_starlettes_own_does_otherwise():
    """Without this nobody would know why the service brings a frame of its own, or when it is no longer needed."""

    async def run():
        app = FastAPI()
        app.add_middleware(CORSMiddleware, allow_origins=[SHOP], allow_methods=["GET"], allow_credentials=True)
        async with serving.asgi(app) as client:
            fields = {"Origin": SHOP, "Access-Control-Request-Method": "PUT"}
            refused = await client.options("/", headers=fields)
            two = await client.get("/", headers=[("Origin", SHOP), ("Origin", "https://evil.test")])
            foreign_one = await client.get("/", headers={"Origin": "https://evil.test"})
            return refused, two, foreign_one

    refused, two, foreign_one = asyncio.run(run())
    assert (refused.status_code, refused.headers["content-type"]) == (400, "text/plain; charset=utf-8")
    assert two.headers[ALLOWED] == SHOP
    assert ALLOWED not in foreign_one.headers
    assert foreign_one.headers["access-control-allow-credentials"] == "true"
