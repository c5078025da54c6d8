"""Install the kernels that the end-to-end tests run on, side by side, under `.kernels/`.

ipykernel changed how comm messages reach a busy kernel in 7.0 and again in 7.4, so the tests run on all three
generations, in one JupyterLab. Each kernel is the virtual environment plus a directory of its own at the front of
`PYTHONPATH`; the rig finds the kernelspecs because it sets `JUPYTER_PATH` to `.kernels/share/jupyter`.

    python -m tools.kernels
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KERNELS_DIR = ROOT / ".kernels"
JUPYTER_PATH = KERNELS_DIR / "share" / "jupyter"

# Kernel name: its ipykernel, and what only that version needs beside the environment's packages.
KERNELS = {
    "ipykernel-6.31": ("6.31.0", ["nest-asyncio==1.6.0"]),
    "ipykernel-7.3": ("7.3.0", []),
    "ipykernel-7.4": ("7.4.0", []),
}
NEWEST = "ipykernel-7.4"


def install(version: str, extra: list[str]) -> Path:
    """Install one ipykernel into its own directory; do nothing if it is there."""
    target = KERNELS_DIR / version
    if not (target / f"ipykernel-{version}.dist-info").is_dir():
        requirements = [f"ipykernel=={version}", *extra]
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--upgrade", "--target", str(target)]
        subprocess.run([*command, *requirements], check=True)
    return target


def check(version: str, target: Path) -> None:
    """Raise if a process with this kernel's environment imports another ipykernel."""
    code = "import ipykernel; print(ipykernel.__version__)"
    env = {**os.environ, "PYTHONPATH": str(target)}
    found = subprocess.run([sys.executable, "-c", code], env=env, check=True, capture_output=True, text=True)
    if found.stdout.strip() != version:
        raise AssertionError(f"expected ipykernel {version} in {target}, got {found.stdout.strip()}")


def write_spec(name: str, version: str, target: Path) -> None:
    """Write the kernelspec that puts the directory first on the kernel's path."""
    spec = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": f"Python (ipykernel {version})",
        "language": "python",
        "env": {"PYTHONPATH": str(target)},
        "metadata": {"debugger": True},
    }
    directory = JUPYTER_PATH / "kernels" / name
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "kernel.json").write_text(json.dumps(spec, indent=2) + "\n")


def main() -> None:
    """Install, check and register every kernel."""
    for name, (version, extra) in KERNELS.items():
        target = install(version, extra)
        check(version, target)
        write_spec(name, version, target)
        print(f"kernel {name} is ready")


if __name__ == "__main__":
    main()
