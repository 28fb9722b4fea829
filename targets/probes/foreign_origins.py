"""Origins that look like listed ones and are not, methods and fields that nobody listed."""

from __future__ import annotations

import random
import string

LISTED = (b"https://shop.example", b"https://app.shop.example:8443", b"http://localhost:3000")
METHODS = (b"GET", b"PATCH")
NAMES = (b"Content-Type", b"Authorization")
EVIL = b"https://evil.test"

_AFTER = (b".evil.test", b"@evil.test", b":443", b":80", b":8444", b".", b"/", b"?", b"#", b"%00", b"%2eevil.test")
_BESIDE = (b"\\evil.test", b"evil", b";evil", b",https://evil.test", b" https://evil.test", b"\xc2\xa0", b"\x0b.evil")
_BEFORE = (b"https://evil.test/", b"https://evil.test#", b"https://evil.test?", b"blob:", b"view-source:", b"//", b"x")
_WHOLE = (
    b"",
    b"*",
    b"null",
    b"NULL",
    b"file://",
    b"data:",
    b"https://",
    b"https://*.example",
    b"https://[::1]",
    b"https://127.0.0.1",
    b"//shop.example",
    b"shop.example",
    b"https:shop.example",
    b"https:///shop.example",
    b"http://shop.example",
    b"wss://shop.example",
    b"chrome-extension://shop.example",
    b"HTTPS://shop.example",
    b"https://SHOP.example",
    b"https://evil.shop.example",
    b"https://evilshop.example",
    b"https://shopXexample",
    b"https://shop_example",
    b"https://shop%2eexample",
    b"https://user:password@shop.example",
    "https://shοp.example".encode(),  # a Greek omicron
    b"https://xn--shp-0ld.example",  # such a name as it travels
    b"https://shop.example\xff",
    b"http://localhost",
    b"http://localhost:30000",
    b"http://localhost:3000.evil.test",
    b"https://localhost:3000",
    b"https://evil.test\r\n https://shop.example",  # a folded line
    b"https://evil.test\nhttps://shop.example",
    b"https://evil.test\rhttps://shop.example",
    b"https://evil.test\r\nOrigin: https://shop.example",  # two fields …
    b"https://shop.example\r\nOrigin: https://evil.test",  # … in either order
    EVIL,
)

UNLISTED_METHODS = (
    *(b"PUT", b"DELETE", b"POST", b"HEAD", b"OPTIONS", b"TRACE", b"CONNECT", b"QUERY", b"PURGE"),
    *(b"get", b"Patch", b"patch", b"*", b"GET,PATCH", b"GET PATCH", b"GETPATCH", b"G", "PÄTCH".encode(), b"A" * 2000),
    b"GET\r\nAccess-Control-Request-Method: DELETE",
)
UNLISTED_NAMES = (
    *(b"X-Evil", b"*", b"Content-Type, X-Evil", b"content-type,x-evil", b"X-Evil,Authorization", b"Content-Typ"),
    *(b"Content-Type;X-Evil", b"Content-Type X-Evil", b"A" * 2000, b"Cookie", b"Idempotency-Key"),
)


def foreign(seed: int, drawn: int) -> tuple[bytes, ...]:
    """Give tricks that are known, and so many listed origins with one or two characters changed, each once."""
    known = [*_WHOLE, *(one + end for one in LISTED[:2] for end in (*_AFTER, *_BESIDE))]
    known += [start + one for one in LISTED[:1] for start in _BEFORE]
    draw = random.Random(seed)
    changed = [_changed(draw.choice(LISTED), draw) for _ in range(drawn)]
    return tuple(dict.fromkeys(one for one in (*known, *changed) if one.strip() not in LISTED))


def _changed(origin: bytes, draw: random.Random) -> bytes:
    letters = string.ascii_letters + string.digits + ".-:/@%_"
    text = origin.decode()
    for _ in range(draw.choice((1, 1, 2))):
        place = draw.randrange(len(text))
        act = draw.choice(("put", "drop", "swap"))
        text = text[:place] + ("" if act == "drop" else draw.choice(letters)) + text[place + (act != "put") :]
    return text.encode()
