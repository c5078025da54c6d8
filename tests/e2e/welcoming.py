"""A server that lets every page do everything: shows that an attack would work if nothing stood in its way."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import parse_qs, urlsplit

GIF = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")
CONTENT = {
    "image": ("image/gif", GIF),
    "script": ("text/javascript", b"1"),
    "module": ("text/javascript", b"export const read = 1"),
    "client": ("text/javascript", b"export const read = 1"),
    "style": ("text/css", b""),
    "frame": ("text/html", b"read"),
    "form": ("text/html", b"read"),
    "packs": ("text/event-stream", b"event: open\ndata: read\n\n"),
    "stream": ("text/event-stream", b"data: read\n\n"),
}
PAGE = b"<!doctype html><title>elsewhere</title><body>"


class Welcoming:
    """Listens on 127.0.0.1, serves an empty page at `/`, and answers whatever `as=` in the query stands for.

    Attributes
    ----------
    heard : dict of str to str
        By `as=`: the whole request, but for preflights.
    requests : list of str
        All requests as they came.
    """

    def __init__(self, port: int = 0) -> None:
        self.heard: dict[str, str] = {}
        self.requests: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode(errors="replace")
                what = parse_qs(urlsplit(self.path).query).get("as", [""])[0]
                text = f"{self.requestline}\n{self.headers}\n{body}"
                server.requests.append(text)
                if self.command != "OPTIONS":
                    server.heard[what] = text
                page = self.path == "/"
                kind, content = ("text/html", PAGE) if page else CONTENT.get(what, ("application/json", b"read"))
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.send_header("Access-Control-Allow-Origin", self.headers.get("Origin", "*"))
                self.send_header("Access-Control-Allow-Credentials", "true")
                self.send_header("Access-Control-Allow-Headers", "authorization, content-type")
                self.send_header("Access-Control-Allow-Methods", "GET, POST")
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_OPTIONS = answer  # noqa: N815 – http.server's names

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
