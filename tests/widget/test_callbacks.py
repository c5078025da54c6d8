"""`on`, `off` and `observe`."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
import traitlets

from sse_widget.errors import ChannelClosed
from sse_widget.widget.live import EVENT_TRAITS, STATE_TRAITS
from tests.conftest import eventually
from tests.widget.page import elsewhere, sent

if TYPE_CHECKING:
    from sse_widget.core.event import Event
    from sse_widget.widget.widget import SSEWidget
    from tests.widget.conftest import MakeWidget
    from tests.widget.page import MainThread, Page

# on, off


def test_on_as_a_decorator_returns_the_function(feed: SSEWidget, page: Page, main: MainThread) -> None:
    got: list[object] = []

    @feed.on("trade")
    def trade(event: Event) -> None:
        got.append(event.data)

    @feed.on()
    def everything(event: Event) -> None:
        got.append(("all", event.data))

    page.gets(1, type="trade")
    page.gets(2)
    main.is_free()
    assert got == [1, ("all", 1), ("all", 2)]
    assert callable(trade)
    feed.off(trade)
    feed.off(everything)
    feed.off(everything)
    page.gets(3)
    main.is_free()
    assert len(got) == 3


def test_on_with_a_function_returns_the_function(feed: SSEWidget, page: Page, main: MainThread) -> None:
    got: list[Event] = []
    assert feed.on("trade", print) is print
    feed.off(print)
    feed.on(callback=got.append)
    events = page.gets(1, 1, 1)
    main.is_free()
    assert got == events


def test_on_with_thread_runs_at_once_and_the_others_when_the_main_thread_is_free(
    feed: SSEWidget, page: Page, main: MainThread
) -> None:
    at_once, later = [], []
    feed.on(callback=lambda event: later.append((event.data, threading.current_thread())))

    @feed.on("trade", thread=True)
    def work(event: Event) -> None:
        at_once.append((event.data, threading.current_thread().name))

    page.gets(*range(100), type="trade")
    eventually(lambda: len(at_once) == 100)
    assert at_once == [(number, "sse_widget callbacks") for number in range(100)]
    assert later == []
    main.is_free()
    assert later == [(number, threading.main_thread()) for number in range(100)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((print,), "expected the type of the events, got the function <built-in function print>; write @feed.on() "),
        ((5,), "expected the type of the events as a str, got 5"),
        (("trade", 5), "expected a function to call, got 5"),
    ],
)
def test_wrong_arguments_are_told_at_once(feed: SSEWidget, arguments: tuple[Any, ...], said: str) -> None:
    with pytest.raises(TypeError) as error:
        feed.on(*arguments)
    assert str(error.value).startswith(said)
    assert not feed._listening


def test_on_a_closed_widget_says_so(feed: SSEWidget) -> None:
    feed.close()
    with pytest.raises(ChannelClosed) as error:
        feed.on("trade", print)
    assert str(error.value) == "expected an open widget, got one on 'prices' that was closed; make a new SSEWidget"


# observe


def test_observers_of_event_get_every_event_in_order_exactly_once(
    feed: SSEWidget, page: Page, main: MainThread
) -> None:
    got: list[Event] = []
    feed.observe(lambda change: got.append(change.new), "event")
    events = page.gets("same", "same", "same")
    page.post(page.reads())
    page.cursor = f"{page.channel.epoch}-0"
    page.catches_up()  # the page sends them again
    events += page.gets("same")
    main.is_free()
    assert got == events


@pytest.mark.parametrize("name", ["data", "type", "event_id"])
def test_observers_of_the_events_parts_get_each_equal_value(
    feed: SSEWidget, page: Page, main: MainThread, name: str
) -> None:
    got: list[object] = []
    feed.observe(lambda change: got.append((change.name, change.old, change.new, change.owner, change.type)), name)
    events = page.gets(1, 1, type="trade")
    main.is_free()
    first, second = ({"data": event.data, "type": event.type, "event_id": event.id}[name] for event in events)
    assert got == [(name, None, first, feed, "change"), (name, first, second, feed, "change")]


def test_inside_an_observer_the_traits_are_those_of_its_event_and_elsewhere_the_newest(
    feed: SSEWidget, page: Page, main: MainThread
) -> None:
    inside, outside = [], []

    def react(change: traitlets.Bunch) -> None:
        assert change.new is feed.event
        inside.append((feed.data, feed.type, feed.event_id == change.new.id))
        outside.append(elsewhere(lambda: feed.data))

    feed.observe(react, "event")
    page.gets(1, 2, 3)
    assert feed.data == 3
    main.is_free()
    assert inside == [(1, "message", True), (2, "message", True), (3, "message", True)]
    assert outside == [3, 3, 3]
    assert feed.data == 3


def test_an_observer_of_all_names_hears_of_events_too(feed: SSEWidget, page: Page, main: MainThread) -> None:
    names: list[str] = []
    feed.observe(lambda change: names.append(change.name))
    page.gets(1)
    main.is_free()
    assert [name for name in names if name in EVENT_TRAITS] == list(EVENT_TRAITS)
    assert "count" in names


def test_observers_of_count_and_lost_are_told_the_change_once_a_turn(
    feed: SSEWidget, page: Page, main: MainThread
) -> None:
    got: list[tuple[str, object, object]] = []
    feed.observe(lambda change: got.append((change.name, change.old, change.new)), ["count", "lost"])
    main.is_free()
    assert got == []  # nothing has changed yet
    page.gets(*range(10))
    main.is_free()
    page.channel.push_many(range(5))
    page.channel.clear()
    page.gets("x")
    main.is_free()
    assert got == [("count", 0, 10), ("count", 10, 11), ("lost", 0, 5)]


def test_an_observer_that_comes_later_is_told_what_changes_from_then_on(
    feed: SSEWidget, page: Page, main: MainThread
) -> None:
    page.gets(*range(10))
    got: list[tuple[object, object]] = []
    feed.observe(lambda change: got.append((change.old, change.new)), "count")
    main.is_free()
    page.gets("x")
    main.is_free()
    feed.observe(print, "state")  # tells nothing of what the others know
    page.gets("y")
    main.is_free()
    assert got == [(10, 11), (11, 12)]


def test_observers_of_the_connection_are_told_without_any_event(feed: SSEWidget, page: Page, main: MainThread) -> None:
    got: list[tuple[str, object]] = []
    feed.observe(lambda change: got.append((change.name, change.new)), list(STATE_TRAITS))
    page.says("connecting", transport="")
    main.is_free()
    page.says("reconnecting", transport="", transport_log=["direct: no"], text="the page cannot reach the kernel")
    main.is_free()
    page.post(text="")
    main.is_free()
    assert got == [
        ("state", "connecting"),
        ("state", "reconnecting"),
        ("transport_log", ("direct: no",)),
        ("error", "the page cannot reach the kernel"),
        ("latency_ms", 3.0),
        ("state", "open"),
        ("transport", "direct"),
        ("error", ""),
    ]


def test_an_observer_that_raises_does_not_stop_the_others_and_is_shown(
    feed: SSEWidget, page: Page, main: MainThread
) -> None:
    got: list[object] = []
    errors: list[str] = []
    feed.observe(lambda change: errors.append(change.new), "error")
    feed.observe(lambda _change: 1 / 0, "event")
    feed.observe(lambda change: got.append(change.new.data), "event")
    feed.on(callback=lambda event: got.append(("on", event.data)))
    page.gets(1, 2)
    main.is_free()
    assert got == [1, ("on", 1), 2, ("on", 2)]
    assert [message["text"] for message in sent(feed, "error")] == [feed.error, feed.error]
    assert feed.error.startswith("Traceback (most recent call last):\n")
    assert feed.error.endswith("ZeroDivisionError: division by zero\n")
    assert errors == [feed.error]


def test_an_error_on_a_worker_reaches_observers_and_the_page_too(feed: SSEWidget, page: Page, main: MainThread) -> None:
    errors: list[str] = []
    feed.observe(lambda change: errors.append(change.new), "error")
    feed.on(callback=lambda event: event.data["missing"], thread=True)
    page.gets({})
    eventually(lambda: sent(feed, "error") != [])
    eventually(lambda: (main.is_free(), errors)[1] != [])
    assert errors == [feed.error]
    assert errors[0].endswith("KeyError: 'missing'\n")


def test_unobserving_ends_listening(feed: SSEWidget, main: MainThread) -> None:
    def listening() -> bool:
        main.is_free()
        return feed._listening

    for observe, unobserve in [
        (lambda: feed.observe(print, "event"), lambda: feed.unobserve(print, "event")),
        (lambda: feed.observe(print), lambda: feed.unobserve(print)),
        (lambda: feed.observe(print, "count"), feed.unobserve_all),
        (lambda: feed.on("trade", print), lambda: feed.off(print)),
    ]:
        assert not listening()
        observe()
        assert listening()
        unobserve()
    assert not listening()
    feed.observe(print, "paused")  # a trait that no page has to be connected for
    assert not listening()


def test_a_trait_can_be_linked_to_another_widgets(feed: SSEWidget, page: Page, main: MainThread) -> None:
    class Label(traitlets.HasTraits):
        value = traitlets.Unicode()

    label = Label()
    link = traitlets.dlink((feed, "data"), (label, "value"), str)
    page.gets(1, 2)
    main.is_free()
    assert label.value == "2"
    link.unlink()
    page.gets(3)
    main.is_free()
    assert label.value == "2"


def test_each_widget_on_a_channel_has_callbacks_of_its_own(make: MakeWidget, main: MainThread) -> None:
    first, second = make(), make()
    first.on(callback=print)
    assert (first._listening, second._listening) == (True, False)
    assert list(main.calls)
