"""The page `/` in a real Chromium: what it shows is what there is, and its secret is in nothing that stays."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from sse_widget.pages import page_link
from sse_widget.session import Session
from tests.e2e.site import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page

    from sse_widget.hub.channel import Channel
    from tests.e2e.site import Site

ROWS = ".sse-widget-page-row"
EVIL = '</script><img src=x onerror="owned=1"><svg onload=owned=1>'


def wait_for(page: Page, expression: str, argument: Any = None) -> None:
    """Poll from here: the page's policy lets nobody evaluate a text later, not even Playwright."""
    eventually(lambda: bool(page.evaluate(expression, argument)), expression)


def names(page: Page) -> list[str]:
    return page.locator(f"{ROWS} button").all_text_contents()


def cells(page: Page, name: str) -> list[str]:
    """The figures of a row: events/s, data/s, events, readers, behind, lost."""
    row = page.locator(ROWS).filter(has=page.get_by_role("button", name=name, exact=True))
    return row.locator("td.sse-widget-page-number").all_text_contents()


def wait_for_cell(page: Page, name: str, at: int, text: str) -> None:
    eventually(lambda: cells(page, name)[at] == text, f"{name}: {cells(page, name)} with {text!r} at {at}")


@contextmanager
def pushing(channel: Channel, per_s: float) -> Iterator[None]:
    """Push numbers at a rate."""
    stop = threading.Event()

    def run() -> None:
        start = time.monotonic()
        for n in itertools.count():
            if stop.wait(max(start + n / per_s - time.monotonic(), 0)):
                return
            channel.push({"n": n})

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.fixture
def live(session: Session, open_page: Callable[[str], Page]) -> Iterator[Page]:
    """The page, on a kernel with three channels."""
    for name, n_events in (("prices", 3), ("trades", 0), ("a & b/c", 1)):
        session.hub.channel(name).push_many(range(n_events))
    page = open_page("about:blank")
    said: list[str] = []
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(page_link(session))
    wait_for(page, "document.querySelector('[data-state=open] .sse-widget-title')")
    yield page
    assert [line for line in said if "favicon" not in line] == []  # nor did the policy have to stop anything


def test_what_the_page_shows_is_what_there_is(session: Session, live: Page) -> None:
    assert names(live) == ["prices", "trades", "a & b/c"]
    wait_for_cell(live, "prices", 2, "3")
    wait_for_cell(live, "prices", 3, "1")  # the page itself
    assert cells(live, "trades")[2:] == ["0", "0", "0", "0"]
    assert live.locator(".sse-widget-line").all_text_contents()[0].endswith("message0")
    prices = session.hub.channel("prices")
    with pushing(prices, 50):
        eventually(lambda: 40 <= float(cells(live, "prices")[0]) <= 60, "about 50 events a second in the table")
        wait_for(live, "document.querySelectorAll('.sse-widget-line').length > 100")
    session.hub.channel("new one").push("first")
    eventually(lambda: names(live)[-1] == "new one", "a new channel in the table")
    session.hub.channel("trades").close()
    eventually(lambda: "trades" not in names(live), "a closed channel to go")
    wait_for_cell(live, "prices", 2, f"{prices.log.newest:,}")
    wait_for(live, "(n) => document.querySelector('.sse-widget-view').dataset.count === n", str(prices.log.newest))


def test_a_slow_reader_is_seen_and_so_is_what_it_loses(session: Session, live: Page) -> None:
    slow = session.hub.channel("slow", history=100)
    after = slow.newest_id
    reader = slow.subscribe()
    slow.push_many(range(1000))
    eventually(lambda: "slow" in names(live), "the channel in the table")
    wait_for_cell(live, "slow", 4, "1,000")
    live.get_by_role("button", name="slow", exact=True).click()
    line = live.locator(".sse-widget-page-reader[data-behind=true]")
    line.wait_for()
    assert line.text_content() == "a subscription in the kernel1,000 behind"
    live.evaluate(
        """async ([after, bearer]) => {
          const headers = { Authorization: `Bearer ${bearer}` };
          const answer = await fetch(`/channels/slow?after=${after}`, { headers });
          const reader = answer.body.getReader();
          while (!window.gap) {
            const { value } = await reader.read();
            window.gap = new TextDecoder().decode(value).includes("event: gap");
          }
          await reader.cancel();
        }""",
        [after, session.server.guard.bearer],
    )
    wait_for_cell(live, "slow", 5, "900")
    reader.close()


def test_a_channel_is_chosen_by_keyboard(live: Page) -> None:
    title = live.locator(".sse-widget-view .sse-widget-title")
    assert title.text_content() == "prices"
    live.keyboard.press("Tab")
    live.keyboard.press("ArrowDown")
    live.keyboard.press("ArrowDown")
    wait_for(live, "document.querySelector('.sse-widget-title').textContent === 'a & b/c'")
    assert live.evaluate("document.activeElement.textContent") == "a & b/c"
    assert live.locator(".sse-widget-view").count() == 1


def test_the_curl_line_is_copied_with_the_secret_and_shown_without(session: Session, live: Page) -> None:
    channel = session.hub.channel("a & b/c")
    live.context.grant_permissions(["clipboard-read", "clipboard-write"])
    live.get_by_role("button", name="a & b/c", exact=True).click()
    live.get_by_role("button", name="Copy", exact=True).click()
    live.get_by_role("button", name="Copied").wait_for()
    assert live.evaluate("navigator.clipboard.readText()") == session.curl(channel)
    shown = session.curl(channel).replace(session.server.guard.bearer, "••••")
    assert live.locator(".sse-widget-page-code").text_content() == shown


def test_the_page_can_be_loaded_again_as_often_as_one_likes(live: Page) -> None:
    addresses = {live.url}
    for _ in range(3):
        live.reload()
        wait_for(live, "document.querySelector('[data-state=open] .sse-widget-title')")
        wait_for(live, "location.search !== ''")
        addresses.add(live.url)
    assert len(addresses) == 4
    assert all(re.fullmatch(r"http://127\.0\.0\.1:\d+/\?ticket=[0-9a-f]{32}", address) for address in addresses)


def test_a_link_that_was_used_opens_nothing(session: Session, open_page: Callable[[str], Page]) -> None:
    link = page_link(session)
    open_page(link).locator(".sse-widget-page-mark").wait_for()
    assert open_page(link).locator("body").text_content() == '{"error":"not authorised"}'


def test_the_secret_is_in_nothing_that_stays(session: Session, open_page: Callable[[str], Page]) -> None:
    session.hub.channel("prices").push(1)
    requests: list[str] = []
    page = open_page("about:blank")
    page.on("request", lambda request: requests.append(f"{request.url} {request.post_data or ''}"))
    page.goto(page_link(session))
    wait_for(page, "document.querySelector('[data-state=open] .sse-widget-title')")
    bearer = session.server.guard.bearer
    assert any("/page" in line for line in requests)
    assert [line for line in requests if bearer in line] == []
    kept = page.evaluate("JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }, history.state])")
    assert kept == '["",{},{},null]'
    assert bearer not in page.content()
    assert bearer not in page.url
    assert page.context.cookies() == []
    tickets = {ticket for line in requests for ticket in re.findall(r"ticket=([0-9a-f]{32})", line)}
    assert not any(session.server.guard.redeem_for_page(ticket) for ticket in tickets)


def test_names_types_and_data_are_text(session: Session, open_page: Callable[[str], Page]) -> None:
    session.hub.channel(EVIL).push({EVIL: EVIL}, type=EVIL)
    page = open_page(page_link(session))
    wait_for(page, "document.querySelector('.sse-widget-line')")
    page.locator(".sse-widget-line").first.click()
    assert names(page) == [EVIL]
    assert page.evaluate("typeof owned") == "undefined"
    assert page.locator("img, iframe, [onerror], [onload], body script").count() == 0


def test_a_link_in_another_page_is_followed_but_not_framed(
    session: Session, site: Site, open_page: Callable[[str], Page]
) -> None:
    session.hub.channel("prices")
    outside = open_page(site.write(f'<a href="{page_link(session)}" target="_blank">open</a>'))
    with outside.context.expect_page() as opened:
        outside.get_by_text("open").click()
    opened.value.locator(".sse-widget-page-mark").wait_for()
    framed = open_page(site.write(f'<iframe src="{page_link(session)}"></iframe>'))
    framed.wait_for_load_state()
    assert framed.frame_locator("iframe").locator(".sse-widget-page-mark").count() == 0


def test_a_kernel_that_ends_is_said_to_have(session: Session, open_page: Callable[[str], Page]) -> None:
    page = open_page(page_link(session))
    page.get_by_text("No channels yet.").wait_for()
    session.close()
    page.get_by_text("The kernel does not answer; trying again.").wait_for()
    assert page.locator(".sse-widget-page-state").text_content() == "No answer"


def test_another_kernel_at_the_same_port_is_not_taken_for_the_old_one(
    session: Session, open_page: Callable[[str], Page]
) -> None:
    page = open_page(page_link(session))
    page.get_by_text("No channels yet.").wait_for()
    port = session.server.start()
    session.close()
    with closing(Session()) as other:
        other.server.start(port)
        other.hub.channel("of another kernel")
        page.get_by_text("The kernel was restarted.").wait_for()
        assert names(page) == []


def test_without_channels_the_page_says_how_to_make_one(session: Session, open_page: Callable[[str], Page]) -> None:
    page = open_page(page_link(session))
    page.get_by_text("No channels yet.").wait_for()
    session.hub.channel("prices").push(1)
    page.get_by_role("button", name="prices", exact=True).wait_for()
    assert not page.get_by_text("No channels yet.").is_visible()


def test_a_hundred_thousand_lines_from_a_pipe_are_counted_right(session: Session, live: Page) -> None:
    numbers = session.hub.channel("numbers")
    live.get_by_role("button", name="numbers", exact=True).click()
    lines = "".join(f"{n}\n" for n in range(1, 100_001))
    command = [sys.executable, "-m", "sse_widget.cli", "push", "numbers", "--url", session.server.url]
    environment = os.environ | {"SSE_WIDGET_BEARER": str(session.server.guard.bearer)}
    done = subprocess.run(command, input=lines, text=True, env=environment, capture_output=True, check=False)  # noqa: S603
    assert (done.returncode, done.stderr) == (0, "")
    assert [event.data for event in numbers.history] == list(range(1, 100_001))
    wait_for(live, "document.querySelector('.sse-widget-view').dataset.count === '100000'")
    assert live.evaluate("document.querySelector('.sse-widget-view').dataset.lost") == "0"
    wait_for_cell(live, "numbers", 2, "100,000")
    assert cells(live, "numbers")[3:] == ["1", "0", "0"]
