"""The Jupyter Server extension: kernels' streams under Jupyter's own address, behind Jupyter's own login.

Enabled by installing the package (`jupyter_server_config.d/sse_widget.json`). It runs in the Jupyter server, which may
have another environment than the kernel; where it is missing, a page takes another way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

__all__ = ["load_jupyter_server_extension"]


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "sse_widget.extension"}]


def load_jupyter_server_extension(server_app: ServerApp) -> None:
    """Add the routes to a Jupyter server.

    Parameters
    ----------
    server_app : jupyter_server.serverapp.ServerApp
        The server that loads the extension.
    """
    from sse_widget.extension.handlers import routes  # noqa: PLC0415 - jupyter_server is no dependency of the package

    server_app.web_app.add_handlers(".*$", routes(server_app.base_url))  # type: ignore[no-untyped-call]


_load_jupyter_server_extension = load_jupyter_server_extension  # the name that jupyter_server looks for first
