"""nginx in front of a Jupyter server: TLS and HTTP/2, everything else as it comes."""

from __future__ import annotations

import socket
import subprocess
from typing import TYPE_CHECKING, Self

from tests.e2e.hosts.process import Process, environment, free_port
from tools.hosts import find_program

if TYPE_CHECKING:
    from pathlib import Path

# Buffering and the limit of a body are nginx's defaults: what works here works behind a proxy that nobody tuned.
CONFIG = """
daemon off;
master_process off;
pid {home}/nginx.pid;
error_log {home}/nginx-error.log info;
events {{ worker_connections 512; }}
http {{
    access_log {home}/nginx-access.log;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    map $http_upgrade $connection_upgrade {{ default upgrade; "" close; }}
    server {{
        listen 127.0.0.1:{port} ssl http2;
        ssl_certificate {home}/cert.pem;
        ssl_certificate_key {home}/key.pem;
        {more}
        location / {{
            proxy_pass {upstream};
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header X-Real-IP $remote_addr;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
        }}
    }}
}}
"""


def why_no_nginx() -> str:
    """Return why there is no nginx; "" if there is."""
    return "" if find_program("nginx") else "nginx is missing; run: make hosts"


class Nginx:
    """A running nginx.

    Parameters
    ----------
    home : Path
        An empty directory for its files.
    upstream : str
        As `proxy_pass` takes it: `http://unix:/path/to.sock:` or `http://127.0.0.1:8888`.
    """

    def __init__(self, home: Path, upstream: str) -> None:
        self.home, self.port = home, free_port()
        self._upstream = upstream
        self._process: Process | None = None

    def __enter__(self) -> Self:
        program = find_program("nginx")
        if program is None:
            raise FileNotFoundError("there is no nginx; run: make hosts")
        self.home.mkdir(parents=True)
        self._make_certificate()
        self._start(program, "")
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.stop()

    @property
    def log(self) -> str:
        """Its access log so far."""
        return (self.home / "nginx-access.log").read_text()

    def cut(self, *, refuse: str = "") -> None:
        """End every connection that goes through it, and start again, refusing paths that hold the text `refuse`."""
        program = find_program("nginx")
        if self._process is None or program is None:
            raise RuntimeError("nginx does not run")
        self._process.stop()
        self._start(program, f"location ~ {refuse} {{ return 502; }}" if refuse else "")

    def _start(self, program: str, more: str) -> None:
        config = self.home / "nginx.conf"
        config.write_text(CONFIG.format(home=self.home, port=self.port, upstream=self._upstream, more=more))
        command = [program, "-p", str(self.home), "-c", str(config), "-e", str(self.home / "nginx-error.log")]
        self._process = Process(command, self.home / "nginx.log", environment(self.home), self.home)
        try:
            self._process.wait_for(self._accepts, "nginx to listen")
        except BaseException:
            self._process.stop()
            raise

    def _accepts(self) -> bool:
        with socket.create_connection(("127.0.0.1", self.port), timeout=5):
            return True

    def _make_certificate(self) -> None:
        names = "subjectAltName=DNS:hub.test,DNS:localhost"
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        command += ["-days", "2", "-subj", "/CN=hub.test", "-addext", names]
        files = ["-keyout", str(self.home / "key.pem"), "-out", str(self.home / "cert.pem")]
        subprocess.run([*command, *files], check=True, capture_output=True)  # noqa: S603 – all of it is ours
