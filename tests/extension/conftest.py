"""One Jupyter server and one kernel for all tests of the extension."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.extension.jupyter import Jupyter, pose_as_kernel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sse_widget.session import Session


@pytest.fixture(scope="session")
def jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    folder: Path = tmp_path_factory.mktemp("jupyter")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR"):
            patch.setenv(name, str(folder / name))
        patch.setenv("JUPYTER_NO_CONFIG", "1")
        with Jupyter(folder) as made:
            yield made


@pytest.fixture(scope="session")
def kernel_id(jupyter: Jupyter) -> str:
    """Return the id of a real kernel, which does not use sse_widget: the test's own session poses as its server."""
    return jupyter.start_kernel()


@pytest.fixture
def kernel(session: Session, jupyter: Jupyter, kernel_id: str, monkeypatch: pytest.MonkeyPatch) -> Session:
    """Return a session whose server takes this process for the kernel."""
    pose_as_kernel(monkeypatch, jupyter, kernel_id)
    session.server.start()
    return session
