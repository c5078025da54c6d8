"""Take the pictures of the README: `python -m tools.screenshots`, or `make screenshots`.

They are taken from the quickstart as it runs in a real JupyterLab, by the same steps as its test, and from the page `/`
in the same browser.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.e2e.rig import Browser, Lab, Notebook, NotebookFile
from tools.kernels import ROOT
from tools.page_pictures import take

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

__all__ = ["Tour", "main"]

IMAGES = ROOT / "docs" / "images"
THEMES: Final = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}


class Tour:
    """A walk through a notebook, with pictures of its first widget."""

    COUNT: Final = "Number(document.querySelector('[data-state]').dataset.count)"

    def __init__(self, file: NotebookFile, context: BrowserContext, images: Path) -> None:
        self.images = images
        self.notebook = Notebook(file, context).open()

    def run(self) -> None:
        """Run all cells; wait until the log moves."""
        self.notebook.run_all(timeout_s=60)
        self.notebook.wait("document.querySelector('[data-state]')?.dataset.state === 'open'", "the log to be live")

    def count(self) -> int:
        """Return how many events the log says it has received."""
        return int(self.notebook.page.evaluate(self.COUNT))

    def picture(self, theme: str) -> Path:
        """Write a picture of the log in a theme of JupyterLab."""
        page = self.notebook.page
        page.evaluate(f"jupyterapp.commands.execute('apputils:change-theme', {json.dumps({'theme': THEMES[theme]})})")
        self.notebook.wait(
            f"document.body.dataset.jpThemeLight === '{str(theme == 'light').lower()}'", f"the {theme} theme"
        )
        self.images.mkdir(parents=True, exist_ok=True)
        path = self.images / f"quickstart-{theme}.png"
        view = page.locator("[data-state]").first
        view.scroll_into_view_if_needed()
        view.screenshot(path=path)
        return path


def main() -> None:
    """Write docs/images/quickstart-light.png and -dark.png, page-light.png and -dark.png."""
    with tempfile.TemporaryDirectory() as folder, Lab(Path(folder) / "home") as lab, Browser() as browser:
        content = json.loads((ROOT / "notebooks" / "quickstart.ipynb").read_text())
        tour = Tour(NotebookFile.copy(lab, content), browser.context, IMAGES)
        tour.run()
        for theme in THEMES:
            print(tour.picture(theme).relative_to(ROOT))
        for path in take(browser.chromium, IMAGES):
            print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
