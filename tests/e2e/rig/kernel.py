"""A second client of a notebook's kernel: the tests look into it without leaving a trace in the notebook."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

import zmq
from jupyter_client.session import Session

if TYPE_CHECKING:
    from pathlib import Path

ANSI = re.compile(r"\x1b\[[0-9;]*m")


class KernelError(Exception):
    """The code raised in the kernel; the message is its traceback there."""


class Kernel:
    """A client on the shell channel of a running kernel.

    The kernel answers when it is idle: requests queue behind a running cell. Nothing shows in the notebook: no output,
    no execution count, no history. A plain socket rather than `BlockingKernelClient`, which would need an event loop
    where Playwright's is already running.

    Parameters
    ----------
    connection_file : Path
        The kernel's own; it stays valid over restarts.
    """

    def __init__(self, connection_file: Path) -> None:
        info = json.loads(connection_file.read_text())
        self._session = Session(key=info["key"].encode(), signature_scheme=info["signature_scheme"])
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.linger = 0
        self._socket.connect(f"{info['transport']}://{info['ip']}:{info['shell_port']}")

    def run(self, code: str, timeout_s: float = 10) -> None:
        """Execute statements in the notebook's namespace; raise `KernelError` if they raise."""
        self._request(code, {}, timeout_s)

    def value(self, expression: str, timeout_s: float = 10) -> Any:
        """Evaluate an expression in the notebook's namespace and return its value, which JSON must be able to hold."""
        as_json = f"__import__('IPython').display.JSON(data={{'value': ({expression})}})"
        reply = self._request("", {"it": as_json}, timeout_s)
        result = reply["user_expressions"]["it"]
        if result["status"] == "error":
            raise KernelError(_traceback(result))
        return result["data"]["application/json"]["value"]

    def wait_for(self, expression: str, timeout_s: float = 10, every_s: float = 0.02) -> Any:
        """Evaluate an expression again and again until it is true; return its value, or raise with its last one."""
        deadline = time.monotonic() + timeout_s
        while True:
            value = self.value(expression, max(1.0, deadline - time.monotonic()))
            if value:
                return value
            if time.monotonic() > deadline:
                raise TimeoutError(f"{expression} is still {value!r} after {timeout_s} s")
            time.sleep(every_s)

    def wait_ready(self, timeout_s: float = 30) -> None:
        """Ask until the kernel answers, as `BlockingKernelClient.wait_for_ready` does.

        ipykernel 7.3 was seen to leave a request unanswered that came while it started.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                self._request("", {}, 1.0)
            except TimeoutError:
                if time.monotonic() > deadline:
                    raise
            else:
                return

    def close(self) -> None:
        """Disconnect; the kernel goes on. Idempotent."""
        self._socket.close()
        self._context.term()

    def _request(self, code: str, expressions: dict[str, str], timeout_s: float) -> dict[str, Any]:
        content = {
            "code": code,
            "silent": True,
            "store_history": False,
            "user_expressions": expressions,
            "allow_stdin": False,
            "stop_on_error": False,
        }
        sent = self._session.msg("execute_request", content)
        self._session.send(self._socket, sent)
        deadline = time.monotonic() + timeout_s
        while self._socket.poll(max(0, round((deadline - time.monotonic()) * 1000))):
            _, reply = self._session.recv(self._socket)
            if reply is None or reply["parent_header"].get("msg_id") != sent["msg_id"]:
                continue  # the late answer to a request that timed out
            if reply["content"]["status"] != "ok":
                raise KernelError(_traceback(reply["content"]))
            return dict(reply["content"])
        asked = code or ", ".join(expressions.values())
        raise TimeoutError(f"the kernel did not answer within {timeout_s} s (is a cell running?): {asked}")


def _traceback(content: dict[str, Any]) -> str:
    lines = content.get("traceback") or [f"{content.get('ename', content['status'])}: {content.get('evalue', '')}"]
    return ANSI.sub("", "\n".join(lines))
