"""Write requirements/lock.txt: the versions of everything that the extras name, as they work together.

    make lock                       the newest of all
    python -m tools.lock --keep     what is locked stays; what is missing is added

Names and versions only, so that the file is the same wherever it is made.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements" / "lock.txt"
HEADER = "# Written by `make lock`; used as a constraint by tools/bootstrap and tools/with_node.\n"


def requirements() -> list[str]:
    """Return what pyproject.toml asks for, all extras included."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [*project["dependencies"], *(each for extra in project["optional-dependencies"].values() for each in extra)]


def freeze(wanted: list[str], kept: Path | None = None) -> list[str]:
    """Install into a fresh environment and return `name==version` of all that is there."""
    with tempfile.TemporaryDirectory() as directory:
        venv.create(directory, with_pip=True)
        pip = [str(Path(directory) / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
        limits = [] if kept is None else ["--constraint", str(kept)]
        subprocess.run([*pip, "install", "--quiet", *limits, *wanted], check=True)
        listed = subprocess.run([*pip, "list", "--format=freeze"], check=True, capture_output=True, text=True)
    own = ("pip==", "setuptools==", "wheel==")  # the environment's, not ours
    return sorted(
        (line for line in listed.stdout.splitlines() if "==" in line and not line.startswith(own)), key=str.casefold
    )


def main() -> None:
    """Write the lock."""
    pins = freeze(requirements(), LOCK if sys.argv[1:] == ["--keep"] else None)
    LOCK.parent.mkdir(exist_ok=True)
    LOCK.write_text(HEADER + "\n".join(pins) + "\n")
    print(f"{LOCK.relative_to(ROOT)}: {len(pins)} packages", file=sys.stderr)


if __name__ == "__main__":
    main()
