"""The file by which a kernel tells the Jupyter server where it listens, and the secret that opens it.

`sse-widget-KERNEL_ID.json`, 0600, next to the kernel's connection file, which is in Jupyter's runtime folder
(docs/protocol.md, 8). The kernel writes it, the extension reads it; whoever finds that of a dead kernel takes it away.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import socket
import stat
import sys
import tempfile
from multiprocessing.process import parent_process
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from sse_widget.server.guard import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from sse_widget.server.guard import Guard

__all__ = [
    "FOLDER_PREFIX",
    "KERNEL_ID",
    "MAX_SOCKET_PATH_BYTES",
    "Runtime",
    "connection_file",
    "kernel_id",
    "read",
    "remove",
    "runtime_file",
    "sweep",
    "write",
]

logger = logging.getLogger(__name__)

KERNEL_ID: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
FOLDER_PREFIX: Final = "sse-widget-"
MAX_SOCKET_PATH_BYTES: Final = 100  # Linux takes 107, macOS 103
_MAX_FILE_BYTES: Final = 16 << 10
_MAX_PORT: Final = 65535
_CONNECTION_FILE = re.compile(rf"kernel-({KERNEL_ID})\.json")
_SECRET = re.compile(r"[0-9a-f]{64}")
_URL = re.compile(r"http://127\.0\.0\.1:([0-9]{1,5})")
_PID: Final = os.getpid()  # a process forked from the kernel's is not the kernel


class Runtime(NamedTuple):
    """How to reach a kernel's server: by `socket`, or, where there is none, by `url`, with the `key` for its proof."""

    bearer: Secret
    pid: int
    node: str  # the machine: in a home directory that several share, a pid says nothing without it
    server: str
    socket: str = ""
    url: str = ""
    key: Secret = Secret()

    @classmethod
    def of(cls, guard: Guard, *, socket_path: str = "", port: int = 0) -> Runtime:
        """Describe this process's server; without a socket's path it is reached by its port."""
        made = cls(guard.bearer, os.getpid(), socket.gethostname(), guard.server_id, socket_path)
        return made if socket_path else made._replace(url=f"http://127.0.0.1:{port}", key=guard.key)

    @classmethod
    def parse(cls, content: bytes) -> Runtime:
        """Read what `encode` has made.

        Raises
        ------
        ValueError
            If it is anything else.
        """
        found = orjson.loads(content)
        if not isinstance(found, dict):
            message = f"expected a JSON object, got {type(found).__name__}"
            raise ValueError(message)  # noqa: TRY004 - the content of a file, not an argument
        made = cls(
            Secret(_text(found, "bearer")),
            found.get("pid", 0),
            _text(found, "node"),
            _text(found, "server"),
            _text(found, "socket"),
            _text(found, "url"),
            Secret(_text(found, "key")),
        )
        made.check()
        return made

    def check(self) -> None:
        """Raise a `ValueError` if this is no way to a kernel of this machine."""
        if type(self.pid) is not int or self.pid <= 0:
            message = f"expected pid to be a positive number, got {self.pid!r}"
        elif not _SECRET.fullmatch(self.bearer) or (self.url and not _SECRET.fullmatch(self.key)):
            message = "expected bearer and key to be 64 hexadecimal digits"
        elif bool(self.socket) == bool(self.url):
            message = f"expected either a socket or a url, got {self.socket!r} and {self.url!r}"
        elif self.socket and not self.socket.startswith("/"):
            message = f"expected socket to be an absolute path, got {self.socket!r}"
        elif self.url and not 0 < self.port <= _MAX_PORT:
            message = f"expected url to be 'http://127.0.0.1:PORT', got {self.url!r}"
        else:
            return
        raise ValueError(message)

    def encode(self) -> bytes:
        """Return the content of the file; what is empty is left out."""
        filled = {name: value for name, value in self._asdict().items() if value}
        return orjson.dumps(filled, default=str)  # a `Secret` says what it is only as str

    @property
    def port(self) -> int:
        """The port in `url`; 0 if there is none."""
        found = _URL.fullmatch(self.url)
        return int(found[1]) if found else 0

    def check_socket(self) -> None:
        """Raise an `OSError` unless the socket is where only this user could have put it.

        The folder may have been taken away since: what is among the temporary files is cleaned up on many machines,
        and then anybody may make one of that name and wait for the bearer.
        """
        folder = Path(self.socket).parent
        if not _is_private(folder.lstat(), stat.S_ISDIR):
            message = f"expected {folder} to be a folder that only this user can enter"
            raise PermissionError(message)

    @property
    def is_dead(self) -> bool:
        """True if the kernel's process is known to have ended."""
        return self.node == socket.gethostname() and not _is_alive(self.pid)


def connection_file() -> Path | None:
    """Return the connection file of the Jupyter kernel that this process is; None if it is none.

    Never imports ipykernel: in its kernel it has been imported.
    """
    module: Any = sys.modules.get("ipykernel.kernelapp")
    if module is None or not module.IPKernelApp.initialized():
        return None
    if os.getpid() != _PID or parent_process() is not None:
        return None
    return Path(module.IPKernelApp.instance().abs_connection_file).absolute()


def runtime_file(connection_file: Path) -> Path | None:
    """Return the runtime file's path; None for a kernel without an id, which no Jupyter server has started."""
    found = _CONNECTION_FILE.fullmatch(connection_file.name)
    return connection_file.with_name(f"{FOLDER_PREFIX}{found[1]}.json") if found else None


def kernel_id() -> str:
    """Return the id by which the Jupyter server knows the kernel that this process is; "" if it knows none."""
    path = connection_file()
    found = None if path is None else _CONNECTION_FILE.fullmatch(path.name)
    return found[1] if found else ""


def write(path: Path, runtime: Runtime) -> None:
    """Write the file so that only this user can read it and nobody sees half of it.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    # mkstemp: 0600 from its first moment, whatever the umask is.
    descriptor, temporary = tempfile.mkstemp(prefix=".sse-widget-", dir=path.parent)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor, not a path
            file.write(runtime.encode())
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise


def read(path: Path) -> Runtime | None:
    """Return what the file says; None if there is none, or not one to trust. Takes away that of a dead kernel."""
    try:
        # Never through a link, and never waiting for the writer of a named pipe.
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        with open(os.open(path, flags), "rb") as file:  # noqa: PTH123
            if not _is_private(os.fstat(file.fileno())):
                logger.warning("expected %s to be a file that only this user can read; not used", path)
                return None
            runtime = Runtime.parse(file.read(_MAX_FILE_BYTES))
    except OSError:
        return None
    except ValueError as error:
        logger.warning("%s is not used: %s", path, error)
        return None
    if runtime.is_dead:
        remove(path, runtime)
        return None
    return runtime


def remove(path: Path, runtime: Runtime) -> None:
    """Take away the socket, and the file if it is still this server's: after a restart it may be another's."""
    with contextlib.suppress(OSError, ValueError):
        if Runtime.parse(path.read_bytes()) == runtime:
            path.unlink()
    folder = Path(runtime.socket).parent
    if runtime.socket and folder.name.startswith(FOLDER_PREFIX):
        with contextlib.suppress(OSError):
            Path(runtime.socket).unlink(missing_ok=True)
            folder.rmdir()


def sweep(folder: Path) -> None:
    """Take away what killed kernels have left."""
    for path in folder.glob(f"{FOLDER_PREFIX}*.json"):
        read(path)


def _text(found: dict[str, Any], name: str) -> str:
    value = found.get(name, "")
    if not isinstance(value, str):
        message = f"expected {name} to be a text, got {type(value).__name__}"
        raise ValueError(message)  # noqa: TRY004
    return value


def _is_private(status: os.stat_result, is_kind: Callable[[int], bool] = stat.S_ISREG) -> bool:
    if not is_kind(status.st_mode):
        return False
    if sys.platform == "win32":  # its modes say nothing; the user's profile is the user's
        return True
    return status.st_uid == os.geteuid() and not status.st_mode & 0o077


def _is_alive(pid: int) -> bool:
    if sys.platform == "win32":  # there, signal 0 is Ctrl-C
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):  # somebody else's; no pid at all
        return True
    return True
