"""Pictures of the page `/`: a kernel with a few channels, as they are in an afternoon's work."""

from __future__ import annotations

import asyncio
import math
import random
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

from sse_widget.pages import page_link
from sse_widget.runs.routes import Target
from sse_widget.session import Session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from playwright.sync_api import Browser as PlaywrightBrowser

__all__ = ["take"]

SEED: Final = 4
EVENTS_PER_S: Final = 120.0
SAMPLES: Final = 25
"""So many looks of the page, one a second, are in the little curves."""
SIZE: Final = {"width": 1280, "height": 900}


async def _download(_request: object, n: int) -> AsyncIterator[dict[str, int]]:
    for done in range(n):
        yield {"done": done, "total": n}
        await asyncio.sleep(0.2)


class _Feeds:
    """Pushes into all channels until it is stopped."""

    def __init__(self, session: Session) -> None:
        self._random = random.Random(SEED)  # noqa: S311 - pictures
        self._stop = threading.Event()
        channel = session.hub.channel
        self._prices, self._trades = channel("prices"), channel("trades")
        self._loss, self._gpu, self._logs = channel("training/loss"), channel("gpu"), channel("logs", history=2000)
        channel("webhooks").push_many(
            [{"ref": "refs/heads/main", "commit": f"9f3c2e{n}"} for n in range(3)], type="push"
        )
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def close(self) -> None:
        """End."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        n, price, some = 0, 191.2, self._random
        while not self._stop.wait(some.expovariate(EVENTS_PER_S * (1 + 0.6 * math.sin(n / 300)))):
            n += 1
            price += some.gauss(0, 0.05)
            tick: dict[str, Any] = {"symbol": some.choice(["AAPL", "MSFT", "NVDA"]), "price": round(price, 2)}
            self._prices.push(tick)
            if n % 4 == 0:
                self._trades.push({"side": some.choice(["buy", "sell"]), **tick}, type="trade")
            if n % 12 == 0:
                self._loss.push({"step": n, "loss": round(2 / (1 + n / 900) + some.random() * 0.05, 4)})
            if n % 50 == 0:
                self._gpu.push({"util": round(70 + 20 * math.sin(n / 300)), "mem_gb": 31.4})
            if n % 3 == 0:
                self._logs.push({"level": "INFO", "text": f"GET /api/items/{n} 200"})


def take(browser: PlaywrightBrowser, images: Path) -> list[Path]:
    """Write page-light.png and page-dark.png."""
    paths = []
    images.mkdir(parents=True, exist_ok=True)
    with closing(Session()) as session, closing(_Feeds(session)):
        session.runs.routes.add("/download/{n:int}", _download)
        session.runs.start(Target.of("/download/900"))
        with session.hub.channel("trades").subscribe():  # somebody who does not read
            for scheme in ("light", "dark"):
                context = browser.new_context(viewport=SIZE, color_scheme=scheme)  # type: ignore[arg-type]
                page = context.new_page()
                page.goto(page_link(session))
                page.locator("[data-state=open] .sse-widget-title").wait_for()
                page.wait_for_timeout(SAMPLES * 1000)
                path = images / f"page-{scheme}.png"
                page.screenshot(path=path)
                paths.append(path)
                context.close()
    return paths
