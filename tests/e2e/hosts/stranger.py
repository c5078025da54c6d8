"""A stranger's server on the port that the page takes for the kernel's; it answers everything and writes it down."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


class Stranger:
    """Listens on 127.0.0.1, on the page's side.

    Parameters
    ----------
    port : int
        0: any.

    Attributes
    ----------
    heard : list of str
        Every request: its first line, headers and body.
    """

    def __init__(self, port: int = 0) -> None:
        self.heard: list[str] = []
        stranger = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                stranger.heard.append(f"{self.requestline}\n{self.headers}{body.decode(errors='replace')}")
                self.send_response(200)
                for name, value in stranger.welcoming(self.headers.get("Origin", "*")).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(b"{}")

            do_GET = do_POST = do_PUT = do_DELETE = do_OPTIONS = answer  # noqa: N815 – http.server's names

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, name="stranger", daemon=True)

    @staticmethod
    def welcoming(origin: str) -> dict[str, str]:
        """Return headers by which the browser lets any page say anything: the stranger wants to hear secrets."""
        return {
            "Content-Type": "application/json",
            "Content-Length": "2",
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Headers": "*, authorization, content-type",
            "Access-Control-Allow-Methods": "*",
            "Access-Control-Allow-Private-Network": "true",
        }

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
