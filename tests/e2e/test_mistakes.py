"""What a user sees who gets something wrong: a message that says what to do, and everything as it was before."""

from __future__ import annotations

SETUP = """
import sse_widget as sse
prices = sse.channel("prices")
prices.push({"price": 1})
feed = sse.SSEWidget(prices)
feed
"""
MISTAKES = {
    "sse.SSEWidget(prices, histroy=5)": (
        "TypeError: SSEWidget got an unexpected keyword 'histroy'; did you mean 'history'?"
    ),
    "prices.push({'f': lambda: 1})": (
        "TypeError: expected data that JSON can hold, got function at data['f']; push numbers,"
    ),
    "sse.SSEWidget('prices')": "did you mean sse_widget.channel('prices')?",
    "feed.wait(lambda event: False, timeout=0.2)": (
        "WaitTimeout: expected a matching event from the widget on 'prices' within 0.2 s, got 0 others\n"
    ),
    "hidden = sse.SSEWidget(sse.channel('other'))\nhidden.close()\nhidden.wait(timeout=1)": (
        "ChannelClosed: expected an open widget, got one on 'other' that was closed; make a new SSEWidget"
    ),
    "old = sse.channel('old')\nold.close()\nsse.SSEWidget(old)": (
        "ChannelClosed: expected an open channel, got <Channel 'old': 0 events pushed, 0 held (0.0 MiB), closed>; "
        "make it anew with sse_widget.channel('old')"
    ),
    "feed.on(print)": "write @feed.on() with parentheses",
    "feed.event = 1": 'TraitError: The "event" trait is read-only.',
}


def test_each_mistake_is_answered_with_what_to_do(open_notebook):
    notebook = open_notebook(SETUP)
    notebook.run(0)
    notebook.kernel.wait_for("feed.state == 'open' and feed.count == 1")
    for source, message in MISTAKES.items():
        assert message in notebook.execute(source, check=False), source
    assert notebook.kernel.value("[feed.state, feed.count, len(prices.history)]") == ["open", 1, 1]


def test_waiting_where_no_page_is_open_says_so(open_notebook):
    notebook = open_notebook(SETUP)
    notebook.run(0)
    kernel = notebook.kernel
    kernel.wait_for("feed.state == 'open'")
    notebook.page.goto("about:blank")
    kernel.wait_for("feed.state == 'idle'", timeout_s=20)
    kernel.run("try:\n    feed.wait(timeout=0.5)\nexcept sse.NoPage as error:\n    said = str(error)")
    assert kernel.value("said") == (
        "expected a matching event from the widget on 'prices' within 0.5 s, got 0 others; "
        "no page has this widget open. "
        "Show the widget (as the last line of a cell, in a notebook that is open in a browser), "
        "or read the channel without a page: channel.subscribe()"
    )


def test_a_closed_channel_as_a_cells_last_line_says_how_to_make_it_anew(open_notebook):
    notebook = open_notebook(SETUP, "prices.close()\nprices")
    assert "make it anew with sse_widget.channel('prices')" in notebook.run_all()[1]
    notebook.wait("document.querySelector('[data-state]').dataset.state === 'ended'", "the view to say that it ended")


def test_a_callback_that_raises_is_shown_and_the_others_go_on(open_notebook):
    notebook = open_notebook(SETUP)
    notebook.run(0)
    notebook.execute("good = []\nfeed.on(callback=lambda event: 1 / 0)\nfeed.on(callback=good.append)")
    notebook.execute("prices.push({'price': 2})\nprices.push({'price': 3})")
    notebook.kernel.wait_for("len(good) >= 2")
    notebook.wait("document.querySelector('[data-state]').innerText.includes('ZeroDivisionError')", "the traceback")
    assert "ZeroDivisionError" in notebook.kernel.value("feed.error")
