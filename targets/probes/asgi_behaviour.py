"""Whether one ASGI server behaves like another towards app and client, as JSON lines.

``python -m targets.probes.asgi_behaviour``

Each line is ``{"subject", "reference", "case", "cases", "mismatches", "seen", "twin"}``: one behaviour of the
witness app, as a client saw it behind both servers.  The twin is the reference under another root path: a
comparison that takes it for equal sees nothing.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from targets.servers import granian, uvicorn

HOST = "127.0.0.1"
SUBJECT, REFERENCE, TWIN = "granian", "uvicorn", "uvicorn under another root path"
APP = "targets.truth.witness:app"

PATIENCE_S = 5.0
"""Longer than any behaviour here takes; what has not come by then does not come."""

BODY = bytes(range(256)) * 20_000
"""5 MB: more than any server buffers in one piece."""

Address = tuple[str, int]
Case = Callable[[Address], Any]


def raw(address: Address, *parts: bytes, pause_s: float = 0.0, shut: bool = False) -> bytes:
    """What comes back for these bytes until the server closes or falls silent."""
    with socket.create_connection(address, PATIENCE_S) as link:
        for part in parts:
            with suppress(OSError):
                link.sendall(part)
            time.sleep(pause_s)
        if shut:
            link.shutdown(socket.SHUT_WR)
        link.settimeout(1.0)
        found = b""
        with suppress(OSError):
            while piece := link.recv(65536):
                found += piece
        return found


def get(path: str, *headers: str, method: str = "GET", close: bool = True, version: str = "1.1") -> bytes:
    """A request as bytes."""
    lines = [f"{method} {path} HTTP/{version}", "Host: witness", *headers]
    return "\r\n".join([*lines, *(["Connection: close"] if close else []), "", ""]).encode("latin-1")


def status_of(answer: bytes) -> str:
    """The status of an answer, or that there is none."""
    return answer.split(b" ")[1].decode() if answer.startswith(b"HTTP/") else "no answer"


def body_of(answer: bytes) -> bytes:
    """The body of an answer, chunks joined."""
    head, _, body = answer.partition(b"\r\n\r\n")
    if b"transfer-encoding: chunked" not in head.lower():
        return body
    joined = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size or b"0", 16)
        if not length:
            break
        joined, body = joined + body[:length], body[length + 2 :]
    return joined


def told(*headers: str, path: str = "/scope", method: str = "GET", version: str = "1.1") -> Case:
    """What the app was told of a request."""

    def case(address: Address) -> Any:
        answer = raw(address, get(path, *headers, method=method, version=version))
        return json.loads(body_of(answer)) if status_of(answer) == "200" and body_of(answer) else status_of(answer)

    return case


def _plain(path: str, *headers: str, method: str = "GET") -> Case:
    def case(address: Address) -> Any:
        answer = raw(address, get(path, *headers, method=method))
        return status_of(answer), body_of(answer).decode("latin-1")

    return case


def _status(path: str) -> Case:
    return lambda address: status_of(raw(address, get(path)))


def _stream(address: Address) -> Any:
    """Whether the first chunk comes long before the last."""
    with socket.create_connection(address, PATIENCE_S) as link:
        link.sendall(get("/stream"))
        first = last = None
        found = b""
        while piece := link.recv(65536):
            found += piece
            last = time.monotonic()
            if first is None and b"chunk 0" in found:
                first = last
    spread_s = (last or 0.0) - (first or 0.0)
    return body_of(found).decode(), "as it is made" if spread_s > 0.15 else "at once"  # noqa: PLR2004  (of 0.25 s)


def _upload(address: Address) -> Any:
    return _plain_body(raw(address, get("/upload", f"Content-Length: {len(BODY)}", method="POST") + BODY))


def _chunked(address: Address) -> Any:
    pieces = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (BODY[:10], BODY[10:70_000], BODY[70_000:99_999]))
    return _plain_body(
        raw(address, get("/upload", "Transfer-Encoding: chunked", method="POST") + pieces + b"0\r\n\r\n")
    )


def _plain_body(answer: bytes) -> Any:
    return status_of(answer), body_of(answer).decode("latin-1")


def _expect_continue(address: Address) -> Any:
    head = get("/upload", "Content-Length: 4", "Expect: 100-continue", method="POST")
    return status_of(raw(address, head, b"body", pause_s=0.3))


def _early(address: Address) -> Any:
    return status_of(raw(address, get("/early", "Content-Length: 1000", method="POST"), b"x" * 1000, pause_s=0.2))


def _pipelined(address: Address) -> Any:
    answer = raw(address, get("/scope?first", close=False) + get("/scope?second"))
    return [word for word in ("first", "second") if f'"query_string": "{word}"' in answer.decode("latin-1")]


def _keeps(address: Address) -> Any:
    """Whether a connection serves a second request."""
    with socket.create_connection(address, PATIENCE_S) as link:
        link.sendall(get("/empty", close=False))
        first = link.recv(65536)
        link.sendall(get("/empty"))
        return status_of(first), status_of(link.recv(65536))


def _cookies(address: Address) -> Any:
    head = raw(address, get("/cookies")).partition(b"\r\n\r\n")[0].decode("latin-1")
    return [line.lower() for line in head.split("\r\n") if line.lower().startswith(("set-cookie", "x-latin"))]


def _cut(address: Address) -> Any:
    """An app that fails in the middle must not look complete."""
    answer = raw(address, get("/fail-late", close=False))
    return status_of(answer), body_of(answer).decode("latin-1")


def _seen_after(path: str, *, leave: bool) -> Case:
    def case(address: Address) -> Any:
        with socket.create_connection(address, PATIENCE_S) as link:
            link.sendall(get(path))
            if not leave:
                link.settimeout(1.0)
                with suppress(OSError):
                    link.recv(65536)
            time.sleep(0.2)
        time.sleep(0.3)
        return _seen(address)

    return case


def _seen(address: Address) -> Any:
    return json.loads(body_of(raw(address, get("/seen"))))


def _echo(address: Address) -> Any:
    with connect(_ws(address, "/ws"), subprotocols=["b", "a"], open_timeout=PATIENCE_S) as link:  # type: ignore[list-item]
        link.send("text")
        link.send(b"\x00\xff" * 40_000)
        text, binary = link.recv(PATIENCE_S), link.recv(PATIENCE_S)
        return link.subprotocol, text, len(binary), type(binary).__name__


def _server_closes(address: Address) -> Any:
    with connect(_ws(address, "/ws"), open_timeout=PATIENCE_S) as link:
        link.send("close")
        try:
            link.recv(PATIENCE_S)
        except ConnectionClosed as closed:
            return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else "cut"
    return "not closed"


def _client_closes(address: Address) -> Any:
    with connect(_ws(address, "/ws"), open_timeout=PATIENCE_S) as link:
        link.close(4001)
    time.sleep(0.3)
    return [line for line in _seen(address) if line.startswith("websocket")][-1:]


def _refused(address: Address) -> Any:
    try:
        with connect(_ws(address, "/ws-refused"), open_timeout=PATIENCE_S):
            return "accepted"
    except InvalidStatus as refused:
        return refused.response.status_code


def _ws(address: Address, path: str) -> str:
    return f"ws://{address[0]}:{address[1]}{path}"


CASES: dict[str, Case] = {
    "plain request": told("X-One: 1", "X-Two: a", "X-Two: b"),
    "path with escapes": told(path="/a%20b%2Fc/%C3%A9?q=%20+&r=%C3%A9"),
    "HTTP/1.0": told(version="1.0"),
    "HEAD": _plain("/scope", method="HEAD"),
    "streaming": _stream,
    "large body": _upload,
    "chunked body": _chunked,
    "100-continue": _expect_continue,
    "answer before the body was read": _early,
    "pipelined requests": _pipelined,
    "kept connection": _keeps,
    "answer without a body": _status("/empty"),
    "two headers of one name": _cookies,
    "app fails before its answer": _status("/fail"),
    "app fails in its answer": _cut,
    "answer shorter than announced": lambda address: body_of(raw(address, get("/short", close=False))).decode(),
    "client goes away": _seen_after("/wait", leave=True),
    "work behind the answer": _seen_after("/after", leave=False),
    "WebSocket echo": _echo,
    "WebSocket closed by the app": _server_closes,
    "WebSocket closed by the client": _client_closes,
    "WebSocket refused": _refused,
}


@contextmanager
def serving(name: str, folder: Path) -> Iterator[tuple[Address, Callable[[], list[str]]]]:
    """Serve the witness; the second value ends the server and gives what its lifespan wrote."""
    with socket.create_server((HOST, 0)) as probe:
        address = (HOST, probe.getsockname()[1])
    module = granian if name == SUBJECT else uvicorn
    command = module.command(python=sys.executable, app=APP, factory=False, host=HOST, port=address[1], options={}) + (
        ["--root-path", "/twin"] if name == TWIN else []
    )
    log = folder / f"{name.replace(' ', '-')}.lifespan"
    process = subprocess.Popen(
        command,
        env={**os.environ, "WITNESS_LOG": str(log)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def end() -> list[str]:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE_S)
        return log.read_text().split() if log.exists() else []

    try:
        _wait(address, process)
        yield address, end
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def _wait(address: Address, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError):
            if status_of(raw(address, get("/scope"))) == "200":
                return
        time.sleep(0.05)
    raise RuntimeError(f"no server on {address[0]}:{address[1]}")


def outcomes(name: str, folder: Path) -> dict[str, str]:
    """Every behaviour behind one server, as text that can be compared."""
    found = {}
    with serving(name, folder) as (address, end):
        for case, observe in CASES.items():
            try:
                found[case] = repr(observe(address))
            except Exception as error:  # noqa: BLE001  (a server that breaks the client is an outcome)
                found[case] = f"{type(error).__name__}: {error}".replace(str(address[1]), "PORT")
        found["lifespan"] = repr(end())
    return found


def observations() -> list[dict[str, Any]]:
    """Compare the subject, and the twin, with the reference."""
    with tempfile.TemporaryDirectory(prefix="witness-") as place:
        seen = {name: outcomes(name, Path(place)) for name in (SUBJECT, REFERENCE, TWIN)}
    return [
        {
            "subject": subject,
            "reference": REFERENCE,
            "case": case,
            "cases": 1,
            "mismatches": int(seen[subject][case] != expected),
            "seen": {subject: seen[subject][case], REFERENCE: expected},
            "twin": subject == TWIN,
        }
        for subject in (SUBJECT, TWIN)
        for case, expected in seen[REFERENCE].items()
    ]


def main() -> int:
    """Print the observations."""
    for line in observations():
        sys.stdout.write(json.dumps(line) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
