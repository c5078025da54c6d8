"""`SSEWidget`: the face, without a notebook."""

from __future__ import annotations

import asyncio
import gc
import logging
import pickle
import threading
from typing import TYPE_CHECKING, Any

import ipywidgets
import orjson
import pytest
import traitlets

import sse_widget as sse
from sse_widget.core.event import Event, Gap
from sse_widget.errors import ChannelClosed
from sse_widget.widget.widget import SSEWidget
from tests.conftest import eventually
from tests.widget.page import Page, elsewhere, packs_of, sent

if TYPE_CHECKING:
    from sse_widget.hub.channel import Channel
    from sse_widget.session import Session
    from tests.widget.conftest import MakeWidget
    from tests.widget.page import MainThread

VIEW = "application/vnd.jupyter.widget-view+json"
NOTHING_YET = "<p><b>prices</b>: no events yet. The live log needs a running kernel.</p>"


def registry() -> dict[str, ipywidgets.Widget]:
    """Return the widgets that ipywidgets keeps alive."""
    return dict(ipywidgets.widgets.widget._instances)


def secrets_of(session: Session) -> list[str]:
    return [session.server.guard.bearer, session.server.guard.key]


# Making one


def test_a_widget_takes_a_channel_or_its_path(
    make: MakeWidget, prices: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert make()._feed.channel is prices
    monkeypatch.setattr("sse_widget.widget.widget.current", lambda: prices.host)
    assert make("/channels/prices")._feed.channel is prices


@pytest.mark.parametrize(
    ("source", "kind", "said"),
    [
        (
            "prices",
            ValueError,
            (
                "expected a channel or a path such as '/channels/prices', got 'prices'; "
                "did you mean sse_widget.channel('prices')?"
            ),
        ),
        (
            "/channels/other",
            ValueError,
            (
                "expected the path of a channel of this kernel, got '/channels/other'; "
                "make it with sse_widget.channel(...)"
            ),
        ),
        (5, TypeError, "expected a channel, got int; make one with sse_widget.channel('name')"),
    ],
)
def test_what_is_no_source_is_answered_with_what_to_do(
    session: Session, monkeypatch: pytest.MonkeyPatch, source: Any, kind: type[Exception], said: str
) -> None:
    monkeypatch.setattr("sse_widget.widget.widget.current", lambda: session)
    before = registry()
    with pytest.raises(kind) as error:
        SSEWidget(source)
    assert str(error.value) == said
    assert registry() == before


@pytest.mark.parametrize(
    ("keywords", "kind", "said"),
    [
        (
            {"histroy": 5},
            TypeError,
            "SSEWidget got an unexpected keyword 'histroy'; did you mean 'history'?",
        ),
        (
            {"url_templat": ""},
            TypeError,
            "SSEWidget got an unexpected keyword 'url_templat'; did you mean 'url_template'?",
        ),
        ({"max_row": 5}, TypeError, "SSEWidget got an unexpected keyword 'max_row'; did you mean 'max_rows'?"),
        ({"history": 0}, ValueError, "expected history to be a positive number of events, got 0"),
        ({"history": True}, ValueError, "expected history to be a positive number of events, got True"),
        ({"history": "5"}, ValueError, "expected history to be a positive number of events, got '5'"),
        ({"after": "nonsense"}, ValueError, "expected an event, an event id, 'oldest' or 'newest', got 'nonsense'"),
        (
            {"transport": "pigeon"},
            ValueError,
            "expected transport to be one of 'auto', 'direct', 'jupyter', 'comm', got 'pigeon'",
        ),
        (
            {"url_template": "localhost"},
            ValueError,
            "expected url_template to be an address without a path, such as 'http://localhost:{port}', got 'localhost'",
        ),
        ({"max_rows": 0}, traitlets.TraitError, None),
        ({"height": 5}, traitlets.TraitError, None),
    ],
)
def test_a_mistake_is_told_and_leaves_nothing_behind(
    prices: Channel, session: Session, keywords: dict[str, Any], kind: type[Exception], said: str | None
) -> None:
    before = registry()
    with pytest.raises(kind) as error:
        SSEWidget(prices, **keywords)
    assert said is None or str(error.value) == said
    del error
    gc.collect()  # what was half made is closed by ipywidgets; that must not fail
    kinds = {type(widget) for widget in registry().values() if widget not in before.values()}
    assert SSEWidget not in kinds
    assert session._feeds == {}
    assert prices.stats().readers == []


def test_a_live_trait_is_no_keyword(prices: Channel) -> None:
    with pytest.raises(TypeError, match="SSEWidget got an unexpected keyword 'count'"):
        SSEWidget(prices, count=5)


def test_a_keyword_like_no_other_is_answered_without_private_names(prices: Channel) -> None:
    with pytest.raises(TypeError) as error:
        SSEWidget(prices, qqqqqqq=5)
    assert "known are after, " in str(error.value)
    assert ", _" not in str(error.value)


def test_a_closed_channel_is_answered_with_what_to_do(prices: Channel) -> None:
    prices.close()
    with pytest.raises(ChannelClosed) as error:
        SSEWidget(prices)
    assert str(error.value) == (
        "expected an open channel, got <Channel 'prices': 0 events pushed, 0 held (0.0 MiB), closed>; "
        "make it anew with sse_widget.channel('prices')"
    )


def test_traits_of_ipywidgets_are_keywords_too(make: MakeWidget) -> None:
    widget = make(title="Prices", height="100px", max_rows=10, layout=ipywidgets.Layout(width="50%"))
    assert (widget.title, widget.height, widget.max_rows, widget.layout.width) == ("Prices", "100px", 10, "50%")
    assert make().title == "prices"


def test_a_new_widget_has_received_nothing(feed: SSEWidget) -> None:
    values = {name: getattr(feed, name) for name in ("event", "data", "type", "event_id", "count", "lost")}
    assert values == {"event": None, "data": None, "type": "", "event_id": "", "count": 0, "lost": 0}
    assert (feed.state, feed.transport, feed.transport_log, feed.latency_ms, feed.error) == ("idle", "", (), None, "")
    assert (feed.events, feed.paused, feed._listening) == ([], False, False)


# Where it begins


@pytest.mark.parametrize(("after", "position"), [("oldest", 0), ("newest", 3), ("{epoch}-2", 2)])
def test_it_begins_where_it_is_told(make: MakeWidget, prices: Channel, after: str, position: int) -> None:
    prices.push_many(range(3))
    widget = make(after=after.format(epoch=prices.epoch))
    assert sent(widget, "welcome")[0]["start"] == f"{prices.epoch}-{position}"


def test_it_begins_after_an_event(make: MakeWidget, session: Session, prices: Channel) -> None:
    events = prices.push_many(range(3))
    widget = make(after=events[0])
    Page(session, widget).catches_up()
    assert widget.events == events[1:]
    assert make(after=Event(9, id=events[1].id))._feed.place(None)[1].sequence == 2


@pytest.mark.parametrize("after", ["other-5", "{epoch}-99"])
def test_after_an_id_of_another_life_comes_a_gap_of_unknown_size(
    make: MakeWidget, session: Session, prices: Channel, after: str, main: MainThread
) -> None:
    prices.push_many(range(3))
    widget = make(after=after.format(epoch=prices.epoch))
    gaps: list[Event] = []
    widget.on("gap", gaps.append)
    with widget.subscribe() as source:
        Page(session, widget).catches_up()
        gap, *events = source.take_all()
    assert isinstance(gap, Gap)
    assert (gap.lost, [event.data for event in events]) == (None, [0, 1, 2])
    main.is_free()
    assert [gap.data for gap in gaps] == [{"lost": None}]
    assert (widget.count, widget.lost) == (3, 0)


# What was received


def test_the_traits_show_the_last_event(feed: SSEWidget, page: Page) -> None:
    event = page.gets({"a": 1}, {"a": 2}, type="trade")[1]
    assert feed.event is event
    assert (feed.data, feed.type, feed.event_id) == ({"a": 2}, "trade", event.id)
    assert (feed.count, feed.state, feed.transport, feed.latency_ms) == (2, "open", "direct", 3.0)


def test_inside_an_observer_the_traits_are_those_of_its_event(feed: SSEWidget, page: Page, main: MainThread) -> None:
    got: list[object] = []
    feed.observe(lambda change: got.append((feed.data, change.old and change.old.data)), "event")
    page.gets(1, 2)
    assert feed.data == 2
    main.is_free()
    assert got == [(1, None), (2, 1)]
    assert feed.data == 2


def test_two_pages_that_interleave_give_each_event_once(feed: SSEWidget, page: Page, session: Session) -> None:
    other = Page(session, feed, name="other")
    expected = page.channel.push_many(range(2500))
    page.post(page.reads(1))
    other.post(other.reads(2))
    page.post(page.reads(2))
    other.catches_up()
    page.catches_up()
    assert feed.events == expected
    assert (feed.count, feed.lost) == (2500, 0)


def test_two_widgets_of_one_page_are_served_by_one_batch(make: MakeWidget, session: Session, prices: Channel) -> None:
    first, second = make(), make()
    prices.push_many(range(3))
    answer = Page(session, first, second).catches_up()
    assert answer == {widget.model_id: {"cursor": f"{prices.epoch}-3", "resume": False} for widget in (first, second)}
    assert first.events == second.events == prices.history


def test_a_page_with_a_hole_is_sent_back(feed: SSEWidget, page: Page) -> None:
    page.channel.push_many(range(2500))
    _lost, *rest = page.reads()
    assert page.post(rest)[feed.model_id] == {"cursor": f"{page.channel.epoch}-0", "resume": True}
    assert feed.count == 0
    page.cursor = f"{page.channel.epoch}-0"
    page.catches_up()
    assert feed.count == 2500


def test_events_keeps_the_last_ones_without_gaps(make: MakeWidget, session: Session) -> None:
    channel = session.hub.channel("small", history=4)
    widget = make(channel, history=6)
    page = Page(session, widget)
    page.gets(1, 2)
    channel.push_many(range(10))
    page.catches_up()
    assert [event.data for event in widget.events] == [2, 6, 7, 8, 9]
    assert (widget.count, widget.lost) == (6, 6)


def test_since_gives_what_follows_and_disturbs_nobody(feed: SSEWidget, page: Page) -> None:
    events = page.gets(*range(4))
    before = len(feed.comm.messages)
    assert feed.since(events[1]) == feed.since(events[1].id) == events[2:]
    assert feed.since(events[3]) == []
    assert len(feed.comm.messages) == before
    assert not feed._listening
    feed.close()
    assert feed.since(events[1]) == events[2:]


def test_since_begins_with_a_gap_where_some_are_gone(make: MakeWidget, session: Session) -> None:
    widget = make(history=3)
    page = Page(session, widget)
    events = page.gets(*range(10))
    gap, *rest = widget.since(events[1])
    assert isinstance(gap, Gap)
    assert (gap.lost, rest) == (5, events[7:])


def test_to_pandas_has_a_row_for_each_event(feed: SSEWidget, page: Page) -> None:
    page.gets({"price": 1}, {"price": 2})
    assert list(feed.to_pandas()["price"]) == [1, 2]


def test_events_can_be_pickled(feed: SSEWidget, page: Page) -> None:
    page.gets({"a": [1]})
    assert pickle.loads(pickle.dumps(feed.event)) == feed.event  # noqa: S301 - our own


# Messages


def test_the_kernel_speaks_first_and_answers_hello(feed: SSEWidget, session: Session, prices: Channel) -> None:
    guard, limits = session.server.guard, session.server.limits
    (welcome,) = sent(feed, "welcome")
    expected = {
        "url": f"http://127.0.0.1:{session.server.start()}",
        "server": guard.server_id,
        "bearer": guard.bearer,
        "key": guard.key,
        "heartbeat_s": limits.heartbeat_s,
        "silence_s": limits.silence_s,
        "feed": feed.model_id,
        "channel": "prices",
        "start": f"{prices.epoch}-0",
        "count": 0,
        "lost": 0,
    }
    assert {name: welcome[name] for name in expected} == expected
    Page(session, feed).gets(1, 2, 3)
    feed.max_rows = 2
    feed._take_message(feed, {"kind": "hello", "page": "p"}, [])
    assert sent(feed, "welcome")[1] == {**welcome, "start": f"{prices.epoch}-1", "count": 1}


def test_an_address_of_the_users_own_is_sent_to_the_page(make: MakeWidget, session: Session) -> None:
    widget = make(url_template="https://hub.example:{port}")
    assert sent(widget, "welcome")[0]["url"] == f"https://hub.example:{session.server.start()}"


def test_a_page_tells_its_state_over_the_comm(feed: SSEWidget, page: Page) -> None:
    page.says("failed", transport="", transport_log=["direct: no"], text="the page cannot reach the kernel")
    assert (feed.state, feed.transport_log, feed.error) == (
        "failed",
        ("direct: no",),
        "the page cannot reach the kernel",
    )
    page.says("open", text="")
    assert (feed.state, feed.transport, feed.error) == ("open", "direct", "")
    page.leaves()
    assert feed.state == "idle"


def test_a_message_of_another_kind_is_ignored(feed: SSEWidget) -> None:
    before = len(feed.comm.messages)
    feed._take_message(feed, {"kind": "something new"}, [])
    feed._take_message(feed, {}, [])
    assert len(feed.comm.messages) == before


def test_messages_arrive_by_way_of_ipywidgets(feed: SSEWidget) -> None:
    content = {"kind": "status", "page": "p", "n": 1, "state": "connecting"}
    feed.comm.handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})
    assert feed.state == "connecting"


def test_a_batch_over_the_comm_is_taken_and_answered(make: MakeWidget, prices: Channel) -> None:
    widget = make(transport="comm")
    prices.push_many(range(3))
    body = {"packs": packs_of(prices), "wanted": [[widget.model_id]], "feeds": {widget.model_id: {"state": "open"}}}
    message = {
        "kind": "received",
        "page": "p",
        "n": 7,
        "carry": True,
        "back": False,
        "cursor": f"{prices.epoch}-3",
        "body": orjson.dumps(body).decode(),
    }
    widget._take_message(widget, message, [])
    assert sent(widget, "answer") == [
        {
            "kind": "answer",
            "page": "p",
            "n": 7,
            "feeds": {widget.model_id: {"cursor": f"{prices.epoch}-3", "resume": False}},
        }
    ]
    assert (widget.count, widget.state) == (3, "open")


def test_a_batch_over_the_comm_is_taken_too_where_the_user_forces_another_way(
    feed: SSEWidget, page: Page, prices: Channel
) -> None:
    prices.push(1)
    body = {"packs": page.reads(), "wanted": [[feed.model_id]], "feeds": {}}
    feed._take_message(feed, {"kind": "received", "page": "p", "n": 1, "body": orjson.dumps(body).decode()}, [])
    assert (feed.count, len(sent(feed, "answer"))) == (1, 1)


def test_the_comm_carries_events_as_soon_as_python_listens_or_the_widget_is_shown(
    make: MakeWidget, prices: Channel
) -> None:
    listened_to, shown, greeted, quiet = (make(transport="auto") for _ in range(4))
    prices.push(1)
    listened_to.subscribe()
    shown._repr_mimebundle_()
    greeted._take_message(greeted, {"kind": "hello", "page": "p"}, [])
    for widget in (listened_to, shown, greeted):
        eventually(lambda widget=widget: sent(widget, "packs") != [])
    assert sent(quiet, "packs") == []


# Listening, pausing


def test_listening_is_told_to_the_page_and_taken_back(feed: SSEWidget, main: MainThread) -> None:
    def told() -> list[bool]:
        return [data["state"]["_listening"] for _, data in feed.comm.messages if "_listening" in data.get("state", {})]

    source = feed.subscribe()
    assert told() == [False, True]  # with the first state, and when somebody came
    source.close()
    eventually(lambda: (main.is_free(), told())[1] == [False, True, False])


def test_a_subclass_may_observe_with_a_decorator(session: Session, prices: Channel, main: MainThread) -> None:
    class Noting(SSEWidget):
        @traitlets.observe("event")
        def _note(self, change: traitlets.Bunch) -> None:
            noted.append(change.new)

    noted: list[Event] = []
    widget = Noting(prices, transport="direct")
    assert widget._listening
    prices.push(1)
    widget._feed.receive(packs_of(prices))
    main.is_free()
    assert noted == prices.history
    widget.close()
    assert session._feeds == {}


def test_pausing_is_a_trait(feed: SSEWidget, page: Page) -> None:
    feed.pause()
    assert feed.paused
    page.gets(1)
    assert feed.count == 1
    feed.resume()
    assert not feed.paused


# Shown


def test_it_is_shown_as_a_widget_with_a_snapshot_beside_it(feed: SSEWidget, page: Page, session: Session) -> None:
    page.gets(*({"text": "<b>" * 1000, "n": number} for number in range(50)), type="trade")
    data, metadata = feed._repr_mimebundle_()
    assert data[VIEW]["model_id"] == feed.model_id
    assert data["text/plain"] == repr(feed)
    assert data["text/html"].startswith("<p><b>prices</b>: the last 20 of 50 events</p><table>")
    assert len(data["text/html"].encode()) < 50_000
    everything = orjson.dumps([data, metadata, feed.get_state()], default=str).decode()
    assert not [secret for secret in secrets_of(session) if secret in everything]


@pytest.mark.parametrize(
    ("bundle", "shown"),
    [
        (({VIEW: "v"}, {"m": 1}), ({VIEW: "v", "text/html": NOTHING_YET}, {"m": 1})),
        ({VIEW: "v"}, ({VIEW: "v", "text/html": NOTHING_YET}, {})),
        (None, None),
    ],
)
def test_it_takes_what_any_anywidget_gives_to_be_shown(
    feed: SSEWidget, monkeypatch: pytest.MonkeyPatch, bundle: object, shown: object
) -> None:
    monkeypatch.setattr("anywidget.AnyWidget._repr_mimebundle_", lambda _self: bundle)
    assert feed._repr_mimebundle_() == shown


def test_repr_is_one_short_line_without_secrets(feed: SSEWidget, page: Page) -> None:
    page.gets("x" * 10_000)
    assert repr(feed) == "<SSEWidget on 'prices': open, 1 events, 0 lost>"
    feed.close()
    assert repr(feed) == "<SSEWidget on 'prices': closed, 1 events, 0 lost>"


def test_no_secret_is_logged_or_synced(make: MakeWidget, session: Session, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        widget = make(transport="auto")
        page = Page(session, widget)
        widget.on(callback=lambda _event: 1 / 0, thread=True)
        page.gets(1)
        eventually(lambda: widget.error != "")
        page.channel.push_many(range(3))
        page.channel.clear()
        page.catches_up()
        widget.close()
    text = caplog.text + str(widget.trait_values()) + str(widget.get_state())
    assert "ZeroDivisionError" in text
    assert not [secret for secret in secrets_of(session) if secret in text]


# Closing


def test_closing_is_final_and_idempotent(feed: SSEWidget, page: Page, session: Session) -> None:
    page.gets(1)
    model_id = feed.model_id
    feed.on(callback=print, thread=True)
    feed.close()
    feed.close()
    assert model_id not in registry()
    assert session._feeds == {}
    assert page.channel.stats().readers == []
    assert (feed.state, feed.count, [event.data for event in feed.events]) == ("closed", 1, [1])
    text = orjson.dumps({"feeds": {model_id: {"state": "open"}}}).decode()
    assert elsewhere(lambda: session.received_over_comm("page", text)) == {"feeds": {model_id: None}}


def test_closing_tells_observers_of_the_state(feed: SSEWidget, main: MainThread) -> None:
    got: list[str] = []
    feed.observe(lambda change: got.append(change.new), "state")
    feed.close()
    main.is_free()
    assert got == ["closed"]


def test_a_closed_widget_receives_nothing_that_was_on_its_way(feed: SSEWidget, page: Page) -> None:
    inside = feed._feed
    packs = (page.channel.push(1), page.reads())[1]
    feed.close()
    inside.receive(packs)
    assert feed.events == []


def test_closing_all_widgets_of_the_kernel_closes_it(feed: SSEWidget) -> None:
    ipywidgets.Widget.close_all()
    assert feed.state == "closed"


# Where it runs


def test_in_a_program_without_a_loop_callbacks_run_on_a_thread(
    make: MakeWidget, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("IPython.get_ipython", lambda: None)
    widget = make()
    page = Page(session, widget)
    got: list[tuple[object, str]] = []

    def note(event: Event) -> None:
        got.append((event.data, threading.current_thread().name))
        if event.data == 0:
            raise KeyboardInterrupt

    widget.on(callback=note)
    page.gets(*range(20))
    eventually(lambda: len(got) == 20)
    assert got == [(number, "sse_widget callbacks") for number in range(20)]


def test_in_a_program_with_a_loop_callbacks_run_on_it(
    make: MakeWidget, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("IPython.get_ipython", lambda: None)

    async def main() -> list[object]:
        widget = make()
        page = Page(session, widget)
        got: list[object] = []
        done = asyncio.Event()

        @widget.on()
        def note(event: Event) -> None:
            got.append((event.data, threading.current_thread()))
            if event.data == 19:
                done.set()

        elsewhere(lambda: page.gets(*range(20)))
        assert got == []  # this coroutine has the loop
        async with asyncio.timeout(10):
            await done.wait()
        return got

    assert asyncio.run(main()) == [(number, threading.main_thread()) for number in range(20)]


def test_a_widget_that_was_made_in_a_loop_that_has_ended_can_still_be_closed(
    make: MakeWidget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("IPython.get_ipython", lambda: None)

    async def main() -> SSEWidget:
        widget = make()
        widget.on(callback=print)
        return widget

    widget = asyncio.run(main())
    widget.subscribe().close()
    widget.close()
    assert widget.state == "closed"


def test_the_public_name_is_this_class() -> None:
    assert sse.SSEWidget is SSEWidget
