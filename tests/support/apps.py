"""Small ASGI apps that the harness has never seen, written into a folder of the test."""

from __future__ import annotations

from pathlib import Path

PLAIN = """
import os, time
BURN_NS = int(float(os.environ.get("BURN_US", "0")) * 1000)

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            event = await receive()
            kind = event["type"].removeprefix("lifespan.")
            await send({"type": f"lifespan.{kind}.complete"})
            if kind == "shutdown":
                return
    end = time.perf_counter_ns() + 100_000 + BURN_NS
    while time.perf_counter_ns() < end:
        pass
    status = {"/missing": 404, "/broken": 500, "/moved": 307}.get(scope["path"], 200)
    headers = [(b"content-length", b"2"), (b"location", b"/elsewhere")]
    await send({"type": "http.response.start", "status": status, "headers": headers[: 2 if status == 307 else 1]})
    await send({"type": "http.response.body", "body": b"ok"})
"""
"""Works 100 µs and BURN_US more; /missing answers 404, /broken 500, /moved a redirect."""


def write(folder: Path, source: str = PLAIN) -> Path:
    """Write the app as ``strange.py``; returns its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "strange.py").write_text(source)
    return folder
