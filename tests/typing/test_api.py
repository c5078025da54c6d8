"""The public types, as mypy sees them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


@pytest.mark.timeout(120)  # a machine that has no cache yet
def test_mypy_accepts_what_users_write_and_refuses_what_is_wrong() -> None:
    """`wrong.py` says of each line which error it has to have; a line without it is an error: an unused ignore."""
    files = ["tests/typing/api.py", "tests/typing/wrong.py"]
    command = [sys.executable, "-m", "mypy", "--strict", "--warn-unused-ignores", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - mypy
    assert done.stdout == "Success: no issues found in 2 source files\n"
