"""The README's and the design's examples, for mypy and not to be run: what users write is what the types allow."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, assert_type

import sse_widget as sse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import pandas as pd


def push_from_anywhere() -> None:
    prices = sse.channel("prices")
    assert_type(prices, sse.Channel)
    sse.channel("prices", history=1000, history_bytes=1 << 20, history_s=60)
    event = prices.push({"symbol": "AAPL", "price": 191.2})
    assert_type(event, sse.Event)
    prices.push({"side": "buy"}, type="trade")
    assert_type(prices.push_many(range(3), type="n"), list[sse.Event])
    threading.Thread(target=prices.push, args=(1,)).start()
    for received in prices.subscribe():
        assert_type(received, sse.Event)
    assert_type(prices.history, list[sse.Event])
    assert_type(prices.since(event), list[sse.Event])
    assert_type(prices.since(event.id), list[sse.Event])
    frame: pd.DataFrame = prices.to_pandas()
    frame.describe()
    assert_type(prices.stats().readers, list[dict[str, Any]])
    prices.drain(timeout=10)
    pump = prices.pump(range(3), type="n")
    assert_type(pump.result(timeout=10), int)
    assert_type(pump.error, BaseException | None)
    pump.stop()
    prices.drain(None)
    assert_type(prices.url + prices.curl(), str)
    prices.clear()
    prices.close()


def from_outside(url: str) -> None:
    wiki = sse.relay(url)
    assert_type(wiki, sse.Channel)
    sse.relay(url, "POST", {"Authorization": "Bearer x"}, {"stream": True}, into=wiki, done=None, silence_s=5)
    if wiki.source is not None:
        assert_type(wiki.source.result(timeout=10), int)
        wiki.source.stop()


def a_session_in_a_file(prices: sse.Channel) -> None:
    with prices.record("session.jsonl", overwrite=True) as recording:
        assert_type(recording.path.name, str)
    assert_type(recording.result(), int)
    assert_type(sse.replay("session.jsonl", speed=10, into="again"), sse.Channel)


def an_event(event: sse.Event) -> None:
    assert_type(event.id + event.type + event.channel, str)
    assert_type(event.time, float)
    print(event.data["price"])  # noqa: T201 - as users do
    if isinstance(event, sse.Gap):
        assert_type(event.lost, int | None)
    match event:
        case sse.Event({"price": price}, "trade"):
            print(price)  # noqa: T201


def show_and_react(prices: sse.Channel) -> None:
    feed = sse.SSEWidget(prices)
    sse.SSEWidget("/channels/prices", after="newest", history=10, title="Prices", max_rows=100, height="10em")
    assert_type(feed.count + feed.lost, Any)
    print(feed.event, feed.data, feed.type, feed.event_id, feed.state, feed.transport, feed.error)  # noqa: T201
    assert_type(feed.events, list[sse.Event])

    @feed.on("trade")
    def trade(event: sse.Event) -> None:
        print(event.data)  # noqa: T201

    trade(sse.Event(1))
    same: Callable[[sse.Event], None] = feed.on("trade", trade)
    feed.off(same)
    feed.on(callback=print, thread=True)
    feed.observe(lambda change: print(change.new), "event")  # noqa: T201
    for event in feed:
        assert_type(event, sse.Event)
        break
    assert_type(feed.wait(lambda event: event.data["price"] > 200, timeout=30), sse.Event)
    with feed.subscribe(after=feed.events[0]) as source:
        assert_type(source, sse.Subscription)
        assert_type(source.next(timeout=1), sse.Event)
        assert_type(source.wait(), sse.Event)
    feed.pause()
    feed.resume()
    feed.close()


def views(prices: sse.Channel) -> None:
    price = sse.Metric(prices, "quote.price", unit="USD", span_s=30, thresholds={"good": 0, "bad": 200}, title="Price")
    assert_type(price.field, str)
    assert_type(price.wait(timeout=1), sse.Event)
    widget: sse.SSEWidget = sse.Log(prices, max_rows=10)
    widget = sse.State(prices)
    widget = sse.LineChart(prices, x="time", y=["price"], by="symbol", seconds=60)
    widget = sse.LineChart(prices, y="price", points=1000)
    widget = sse.Table(prices, ["symbol", "quote.price"], key="symbol", formats={"quote.price": ",.2f"}, sort="-symbol")
    widget = sse.Text(prices, "choices.0.delta.content", separator="")
    widget = sse.Progress(prices, by="file", total=100, unit="MB")
    widget.close()


def requests() -> None:
    @sse.route("/countdown/{n:int}")
    async def countdown(request: sse.Request, n: int) -> AsyncIterator[object]:
        assert_type(request.run, str)
        for left in range(n):
            yield sse.Event({"left": left}, type="tick")

    made: AsyncIterator[object] = countdown(sse.Request("/", {}, {}, ""), 5)  # the decorator returns it as it is
    print(made)  # noqa: T201
    run = sse.handle_request("/countdown/5", print, types=["tick"], title="five")
    assert_type(run, sse.RequestWidget)
    assert_type(run.result(timeout=10), list[sse.Event])
    assert_type(run.channel, sse.Channel)
    print(run.id, run.url, run.curl())  # noqa: T201
    run.cancel()
    try:
        sse.handle_request("/nothing")
    except sse.RequestRefused as error:
        assert_type(error.status, int)


async def awaiting(prices: sse.Channel, feed: sse.SSEWidget) -> None:
    async for event in prices.subscribe(after="oldest"):
        assert_type(event, sse.Event)
    async for event in feed:
        assert_type(event, sse.Event)
    assert_type(await feed.next(), sse.Event)
    assert_type(await feed.subscribe().anext(), sse.Event)


def errors(feed: sse.SSEWidget) -> None:
    try:
        feed.wait(timeout=1)
    except sse.NoPage as error:
        assert_type(error, sse.NoPage)
    except (sse.WaitTimeout, sse.ChannelClosed, sse.EventTooLarge, sse.ServerStartError) as error:
        caught: sse.SSEWidgetError = error
        print(caught)  # noqa: T201


def web_pages() -> None:
    assert_type(sse.open_page(), str)
    assert_type(sse.allow_origin("http://localhost:8000"), str)
