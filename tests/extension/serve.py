"""`python -m tests.extension.serve FOLDER`: the Jupyter server in a process of its own, to be measured."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.extension.jupyter import Jupyter


def main() -> None:
    """Serve until stdin is closed."""
    with Jupyter(Path(sys.argv[1])) as jupyter:
        sys.stdout.write(json.dumps({"port": jupyter.port, "kernel_id": jupyter.start_kernel()}) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
