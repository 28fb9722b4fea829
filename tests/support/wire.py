"""A server that misbehaves on demand, and a launcher of trials through a real Locust process."""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=1\r\nhel\r\n2\r\nlo\r\n0\r\nTrailer: 1\r\n\r\n"
CLOSE = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"
HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhello"
EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + OK
UNTIL_EOF = b"HTTP/1.0 200 OK\r\n\r\nhello"
MISSING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"

ANSWERS = {
    "/chunked": CHUNKED,
    "/close": CLOSE,
    "/early": EARLY,
    "/eof": b"",
    "/garbage": b"SSH-2.0-x\r\n\r\n",
    "/half": HALF,
    "/missing": MISSING,
    "/until-eof": UNTIL_EOF,
}
ENDINGS = {"/close", "/eof", "/garbage", "/half", "/hang", "/rst", "/silent-close", "/until-eof"}


@dataclass
class Server:
    """What the server at ``url`` was asked, by path; ``bodies`` keeps the first bodies of POSTs."""

    url: str
    counts: Counter[str] = field(default_factory=Counter)
    bodies: list[bytes] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def server() -> Iterator[Server]:
    """Serve on a free loopback port until the block ends."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    it = Server(f"http://127.0.0.1:{listener.getsockname()[1]}")
    threading.Thread(target=_accept, args=(listener, it), daemon=True).start()
    try:
        yield it
    finally:
        listener.close()


def refused_url() -> str:
    """Give the address of a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def _accept(listener: socket.socket, it: Server) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(client, it), daemon=True).start()


def _serve(client: socket.socket, it: Server) -> None:
    with client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        waiting = b""
        while True:
            try:
                while b"\r\n\r\n" not in waiting:
                    data = client.recv(65536)
                    if not data:
                        return
                    waiting += data
                waiting = _answer(client, it, waiting)
            except OSError:
                return
            if waiting is None:
                return


def _answer(client: socket.socket, it: Server, waiting: bytes) -> bytes | None:
    head, _, rest = waiting.partition(b"\r\n\r\n")
    method, target = head.split(b" ", 2)[:2]
    length = 0
    for line in head.split(b"\r\n")[1:]:
        if line.lower().startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
    while len(rest) < length:
        rest += client.recv(65536)
    path = target.decode().partition("?")[0]
    with it.lock:
        it.counts[path] += 1
        if length and len(it.bodies) < 200:
            it.bodies.append(rest[:length])
    if path == "/hang":
        time.sleep(30)
    elif path == "/rst":
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    else:
        answer = _page(path) if path.startswith("/pages/") else ANSWERS.get(path, OK)
        client.sendall(answer if method != b"HEAD" else answer.partition(b"hello")[0])
    return None if path in ENDINGS else rest[length:]


def _page(path: str) -> bytes:
    number = int(path.rpartition("/")[2])
    following = f"/pages/{number + 1}" if number < 4 else None
    body = json.dumps({"items": [], "links": {"next": following}}).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


@dataclass(frozen=True)
class Outcome:
    """What a trial left: its summary and its rows as dictionaries."""

    done: dict[str, Any]
    rows: list[dict[str, int]]
    log: str


def locust(*arguments: str, environment: dict[str, str] | None = None, headless: bool = True) -> subprocess.Popen[str]:
    """Start Locust, without its web UI unless that is asked for."""
    alone = ("--headless", "--only-summary") if headless else ()
    command = [str(Path(sys.executable).parent / "locust"), *alone, *arguments]
    return subprocess.Popen(
        command,
        env={**{k: v for k, v in os.environ.items() if k != "LOAD_TRIAL"}, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
    )


def trial_document(output: Path, urls: list[str], load: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Make a trial document; the arms' roles alternate."""
    arms = [
        {"name": ("baseline", "candidate")[i % 2], "url": url, "instance": i // 2 + 1} for i, url in enumerate(urls)
    ]
    base = {"schema": 1, "seed": 7, "output": str(output), "grain": "block", "slice_s": 0.2, "arms": arms}
    loads = {"warmup_s": 0.2, "measure_s": 0.8, **load}
    return {**base, "load": loads, "expect": [200], "parameters": {}, "workers": 1, "switches": None, **more}


def run(scenario: str | Path, document: dict[str, Any]) -> list[Outcome]:
    """Run a trial in as many Locust processes as it has workers, and read what they left."""
    output = Path(document["output"])
    output.mkdir(parents=True, exist_ok=True)
    trial = output / "trial.json"
    trial.write_text(json.dumps(document))
    path = scenario if isinstance(scenario, Path) else ROOT / "scenarios" / f"{scenario}.py"
    workers = range(1, document["workers"] + 1)
    processes = [
        locust("-f", str(path), "-u", "1", "-r", "1", environment={"LOAD_TRIAL": str(trial), "LOAD_WORKER": str(k)})
        for k in workers
    ]
    try:
        for k, process in zip(workers, processes, strict=True):
            while not (output / f"ready-{k}").exists():
                assert process.poll() is None, process.communicate()[0]
                time.sleep(0.01)
        temporary = output / "start.tmp"
        temporary.write_text(json.dumps({"t0_ns": time.monotonic_ns() + 50_000_000}))
        temporary.rename(output / "start.json")
        return [_outcome(output, k, p) for k, p in zip(workers, processes, strict=True)]
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.wait()


def _outcome(output: Path, k: int, process: subprocess.Popen[str]) -> Outcome:
    log = process.communicate(timeout=60)[0]
    assert process.returncode == 0, log
    done = json.loads((output / f"done-{k}.json").read_text())
    raw = (output / f"requests-{k}.bin").read_bytes()
    rows = [dict(zip(done["columns"], row, strict=True)) for row in struct.iter_unpack(done["row"], raw)]
    assert len(rows) == done["rows"]
    return Outcome(done, rows, log)
