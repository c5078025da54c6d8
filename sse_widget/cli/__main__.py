"""`python -m sse_widget.cli`: the same command, where the script is not on the PATH."""

from __future__ import annotations

from sse_widget.cli.main import main

if __name__ == "__main__":
    main(prog_name="sse-widget")
