"""A bare web page from another origin, with nothing but client.js."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from sse_widget.pages import admit
from tests.e2e.rig.cutting_proxy import Cut, CuttingProxy
from tests.e2e.site import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from playwright.sync_api import Page

    from sse_widget.session import Session
    from tests.e2e.site import Site

N_EVENTS = 100
PADDING = "x" * 2_000  # so that there is a stream to cut
INTERVAL_S = 0.03
PATIENCE_MS = 60_000


def value(page: Page, expression: str) -> Any:
    return json.loads(page.evaluate(f"JSON.stringify({expression})"))


def wait_for(page: Page, expression: str) -> None:
    page.wait_for_function(expression, timeout=PATIENCE_MS)


def page_of(site: Site, url: str, bearer: str, body: str) -> str:
    """A page as a user writes it from the lines that `allow_origin` prints."""
    return site.write(
        f"""<script type="module">
        import {{ handleRequest, subscribe }} from "{url}/client.js";
        const kernel = {{ server: "{url}", bearer: "{bearer}" }};
        const got = window.got = {{ data: [], ids: [], states: [], gaps: [], outcome: null, error: null }};
        const note = (data, event) => {{ got.data.push(data); got.ids.push(event.id); }};
        const options = {{ ...kernel, onGap: (gap) => got.gaps.push(gap), onState: (state) => got.states.push(state) }};
        const over = (promise) => promise.then((outcome) => {{ got.outcome = outcome; }}, (error) => {{
          got.error = {{ name: error.name, kind: error.kind, class: error.class, text: error.text }};
        }});
        {body}
        </script>"""
    )


def test_the_original_example_in_a_bare_page_cut_three_times_its_handler_runs_once(
    session: Session, site: Site, open_page: Callable[[str], Page]
) -> None:
    calls: list[int] = []

    async def countdown(_request: object, n: int) -> AsyncIterator[dict[str, object]]:
        calls.append(n)
        for left in range(n, 0, -1):
            yield {"left": left, "padding": PADDING}
            await asyncio.sleep(INTERVAL_S)

    session.runs.routes.add("/countdown/{n:int}", countdown)
    with CuttingProxy(seed=4) as proxy:
        proxy.target_port = session.server.start()
        url = session.server.reached_as(proxy.url)
        admit(session, site.origin)
        proxy.cut([Cut("stream", "reset"), Cut("stream", "close"), Cut("stream", "reset")])
        body = f'over(handleRequest("/countdown/{N_EVENTS}", note, options));'
        page = open_page(page_of(site, url, session.server.guard.bearer, body))
        wait_for(page, "window.got?.outcome || window.got?.error")
        assert len(proxy.done) == 3
        assert proxy.requests["/events"] >= 4
    assert value(page, "got.error") is None
    assert value(page, "got.data.map((data) => data.left)") == list(range(N_EVENTS, 0, -1))
    assert value(page, "got.outcome") == {"count": N_EVENTS, "lost": 0}
    assert value(page, "got.gaps") == []
    assert value(page, "[got.states[0], got.states.at(-1)]") == ["connecting", "ended"]
    assert calls == [N_EVENTS]


def test_a_handler_that_raises_is_an_error_with_its_class(
    session: Session, site: Site, open_page: Callable[[str], Page]
) -> None:
    def fails(_request: object) -> Iterator[int]:
        yield 1
        raise ValueError("of the kernel alone")

    session.runs.routes.add("/fails", fails)
    admit(session, site.origin)
    body = 'over(handleRequest("/fails", note, options));'
    page = open_page(page_of(site, session.server.url, session.server.guard.bearer, body))
    wait_for(page, "window.got?.error")
    error = value(page, "got.error")
    assert (error["name"], error["kind"], error["class"]) == ("RequestError", "raised", "ValueError")
    assert "of the kernel alone" not in error["text"]
    assert value(page, "got.data") == [1]


def test_channels_are_read_over_one_connection_and_the_signal_ends_it(
    session: Session, site: Site, open_page: Callable[[str], Page]
) -> None:
    prices, news = session.hub.channel("prices"), session.hub.channel("news & more")
    admit(session, site.origin)
    body = """
        window.stop = new AbortController();
        over(subscribe(["prices", "news & more"], note, { ...options, after: "oldest", signal: stop.signal }));
    """
    page = open_page(page_of(site, session.server.url, session.server.guard.bearer, body))
    wait_for(page, "window.got?.states.includes('open')")
    for n in range(1_000):
        prices.push(n)
        news.push(-n)
    wait_for(page, "got.data.length === 2000")
    assert value(page, "got.data.filter((data) => data > 0)") == list(range(1, 1_000))
    assert len(prices.stats().readers) == len(news.stats().readers) == 1
    page.evaluate("stop.abort()")
    eventually(lambda: prices.stats().readers == [], "the page to have left")
    assert value(page, "got.states.at(-1)") == "closed"


def test_a_page_that_falls_behind_is_told_what_it_has_lost(
    session: Session, site: Site, open_page: Callable[[str], Page]
) -> None:
    prices = session.hub.channel("prices", history=10)
    start = prices.newest_id
    for n in range(30):
        prices.push(n)
    admit(session, site.origin)
    body = f'over(subscribe("prices", note, {{ ...options, after: "{start}" }}));'
    page = open_page(page_of(site, session.server.url, session.server.guard.bearer, body))
    wait_for(page, "window.got?.data.length === 10")
    assert value(page, "got.gaps") == [{"channel": "prices", "lost": 20}]


def test_a_page_of_an_origin_that_was_not_let_in_gets_nothing(
    session: Session, site: Site, open_page: Callable[[str], Page]
) -> None:
    session.hub.channel("prices").push("secret")
    admit(session, "http://localhost:1")
    body = 'over(subscribe("prices", note, { ...options, after: "oldest" }));'
    url = page_of(site, session.server.url, session.server.guard.bearer, body)
    page = open_page(url)
    outcome = page.evaluate(f"import('{session.server.url}/client.js').then(() => 'loaded', (error) => error.name)")
    assert outcome == "TypeError"
    assert value(page, "window.got ?? null") is None
    admit(session, site.origin)
    page.goto(url)
    wait_for(page, "window.got?.data.length === 1")
