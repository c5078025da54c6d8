"""JupyterLab in a process that ends when the process that started it is gone.

A test run that is killed cannot clean up; without this a Lab, its kernels and their memory would stay behind.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

from jupyterlab.labapp import main


def end_with(parent: int) -> None:
    """Terminate this server, and with it its kernels, once `parent` is gone."""
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=end_with, args=[int(sys.argv.pop(1))], daemon=True).start()
    sys.exit(main())
