"""A server that lies about what was done: the broken twin of Toxiproxy."""

from __future__ import annotations

import contextlib
import http.server
import threading
from collections.abc import Iterator

from harness.backends import toxiproxy as tp


@contextlib.contextmanager
def lying(answers: dict[str, tuple[int, str]]) -> Iterator[tp.Toxiproxy]:
    """Serve these answers by method and path, whatever was done."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            status, text = answers.get(f"{self.command} {self.path}", (200, "[]"))
            self.send_response(status)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        do_POST = do_DELETE = do_GET  # noqa: N815  (the names are the library's)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield tp.Toxiproxy(f"http://127.0.0.1:{server.server_address[1]}", None, "2.12.0")
        server.shutdown()
