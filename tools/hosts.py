"""Install the hosts that the end-to-end tests drive – JupyterHub, Notebook 7, Voila, marimo – under `.hosts/`.

An environment of its own, because some hosts pin what others want newer. `sse_widget` is in it as a path to this
repository, with the files that its wheel would put beside it: those that make Jupyter Server load the extension.

    python -m tools.hosts
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOSTS = ROOT / ".hosts"
PYTHON = HOSTS / "bin" / "python"
NODE_BIN = HOSTS / "node_modules" / ".bin"
PINS = ROOT / "requirements" / "hosts.txt"
PROXY = "configurable-http-proxy@5.3.0"
DEBIAN = {"nginx": "nginx-light", "ip": "iproute2", "setpriv": "util-linux"}


def make_environment() -> None:
    """Make the virtual environment with the pinned packages."""
    if not PYTHON.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(HOSTS)], check=True)
    (HOSTS / ".gitignore").write_text("*\n")
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--no-deps", "--requirement", str(PINS)], check=True)


def link_package() -> None:
    """Put sse_widget there as its wheel would, but with links into the repository."""
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    found = subprocess.run([str(PYTHON), "-c", code], check=True, capture_output=True, text=True)
    (Path(found.stdout.strip()) / "sse_widget.pth").write_text(f"{ROOT}\n")
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    for source, target in wheel.get("shared-data", {}).items():
        for file in _files(ROOT / source):
            link = HOSTS / target / file.relative_to(ROOT / source)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.unlink(missing_ok=True)
            link.symlink_to(file)


def _files(source: Path) -> list[Path]:
    return [each for each in source.rglob("*") if each.is_file()] if source.is_dir() else [source]


def install_proxy() -> None:
    """Install JupyterHub's proxy."""
    if not (NODE_BIN / "configurable-http-proxy").exists():
        npm = [str(ROOT / "tools" / "with_node"), "npm", "install", "--prefix", str(HOSTS), "--no-audit", "--no-fund"]
        subprocess.run([*npm, "--silent", PROXY], check=True)


def install_programs() -> None:
    """Install what Debian has, where that is possible; the tests that need it say so where it is not."""
    missing = sorted({package for program, package in DEBIAN.items() if not find_program(program)})
    if not missing:
        return
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if not shutil.which("apt-get") or subprocess.run([*sudo, "true"], capture_output=True, check=False).returncode:
        print(f"not installed: {', '.join(missing)}; the tests that need them will be skipped", file=sys.stderr)
        return
    apt = [*sudo, "apt-get"]
    subprocess.run([*apt, "update"], check=False, stdout=sys.stderr)
    install = ["install", "--yes", "--no-install-recommends", *missing]
    subprocess.run([*apt, *install], check=True, stdout=sys.stderr, stdin=subprocess.DEVNULL)


def find_program(name: str) -> str | None:
    """Return the path of a system program; an ordinary user's PATH often lacks /usr/sbin."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")


def main() -> None:
    """Install everything that is missing."""
    make_environment()
    link_package()
    install_proxy()
    install_programs()
    print(f"the hosts are in {HOSTS.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
