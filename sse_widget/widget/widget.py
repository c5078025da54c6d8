"""`SSEWidget`: the face. It maps traits and messages, and decides nothing."""

from __future__ import annotations

import pathlib
import threading
from typing import TYPE_CHECKING, Any, ClassVar

import anywidget
import traitlets

from sse_widget.core.cursor import Cursor
from sse_widget.errors import ChannelClosed
from sse_widget.hub.channel import Channel
from sse_widget.hub.table import TableMixin
from sse_widget.session import current
from sse_widget.widget.callbacks import CallbacksMixin
from sse_widget.widget.feed import Feed
from sse_widget.widget.foreign import read_by_pages
from sse_widget.widget.keywords import check_keywords, checked_history
from sse_widget.widget.listeners import Listeners
from sse_widget.widget.live import EVENT_TRAITS, LIVE_TRAITS, STATE_TRAITS, Live
from sse_widget.widget.main_loop import find_main_loop
from sse_widget.widget.reading import ReadingMixin
from sse_widget.widget.snapshot import MAX_ROWS, snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sse_widget.core.event import Event
    from sse_widget.widget.home import Home

__all__ = ["SSEWidget"]

DEFAULT_URL = "http://127.0.0.1:{port}"
OTHER_EPOCH = "unknown"
_ALL = 1 << 62
OPTIONS = frozenset({"after", "history", "transport", "url_template", "types", "credentials"})
TRANSPORTS = ("auto", "direct", "jupyter", "comm")

_STATIC = pathlib.Path(__file__).parent.parent / "static"


class SSEWidget(CallbacksMixin, ReadingMixin, TableMixin, anywidget.AnyWidget):
    """Show a stream of events, and sync what the page receives back into Python.

    What Python sees is what the browser received: each event once, in order, however many tabs, views and reloads
    there are. The page connects while the widget is shown or Python listens (a callback, an observer, a loop).

    Parameters
    ----------
    source : Channel or str
        What to show: a channel, its path on this kernel's server (`"/channels/prices"`), or the address of somebody
        else's stream (`"https://…"`), which the page then reads itself.
    after : Event or str, default "oldest"
        Begin after this event or event id; `"oldest"`: with the history; `"newest"`: with what is pushed from now on.
    history : int, default 100_000
        How many received events `events` keeps; loops and callbacks that fall further behind get a `Gap`.
    transport : {"auto", "direct", "jupyter", "comm"}, default "auto"
        How pages reach the stream; `"auto"`: the best way that works. See docs/transports.md.
    url_template : str, default "http://127.0.0.1:{port}"
        The address by which pages reach the kernel's server.
    title : str, optional
        Shown above the log; default: the channel's name.
    types : iterable of str, optional
        For an address: which event types to listen to besides `message`; a browser hears no others.
    credentials : bool, default False
        For an address: send the browser's cookies for it.
    max_rows : int, default 500
        How many rows the log shows at the most.
    height : str, default "320px"
        Height of the log, in CSS.
    **traits
        Other traits of an ipywidgets `DOMWidget`, such as `layout`.

    Raises
    ------
    TypeError
        If `source` is no channel, or a keyword is unknown; the message names the nearest one.
    ChannelClosed
        If the channel was closed.
    """

    _esm = _STATIC / "widget.js"
    _css = _STATIC / "widget.css"

    event = Live(lambda self: self._event, "The last event the page received; None before the first.")
    data = Live(lambda self: self._event and self._event.data, "Its JSON value.")
    type = Live(lambda self: self._event.type if self._event else "", "Its type.")
    event_id = Live(lambda self: self._event.id if self._event else "", "Its id.")
    count = Live(lambda self: self._feed.count, "How many events were received.")
    lost = Live(lambda self: self._feed.lost, "How many were announced as lost.")
    latency_ms = Live(lambda self: self._feed.latency_ms, "From the push to the page, of the last event [ms].")
    state = Live(
        lambda self: self._feed.status.state,
        '"idle", "connecting", "open", "reconnecting", "ended", "closed" or "failed".',
    )
    transport = Live(
        lambda self: self._feed.status.transport, 'How the page reaches the stream: "direct"; "" before it does.'
    )
    transport_log = Live(lambda self: self._feed.status.transport_log, "What the page tried, and why it was not taken.")
    error = Live(lambda self: self._wrong, "What is wrong, in words; empty if nothing is.")

    paused = traitlets.Bool(False, help="True while the views stand still; events still arrive.").tag(
        sync=True, echo_update=False
    )
    title = traitlets.Unicode(help="Shown above the log.").tag(sync=True)
    max_rows = traitlets.Int(500, min=1, max=10_000, help="How many rows the log shows at the most.").tag(sync=True)
    height = traitlets.Unicode("320px", help="Height of the log, in CSS.").tag(sync=True)
    _listening = traitlets.Bool(False, help="True while Python listens, so that the page connects.").tag(sync=True)
    _view = traitlets.Unicode("log", help="Which view the page shows.").tag(sync=True)

    _snapshot_events: ClassVar[int] = MAX_ROWS  # how many events `_snapshot` gets
    _shows_all: ClassVar[bool] = False  # a page that opens late needs every event there is, not only the last ones

    def __init__(
        self,
        source: Channel | str,
        *,
        after: Event | str = "oldest",
        history: int = 100_000,
        transport: str = "auto",
        url_template: str = DEFAULT_URL,
        types: Iterable[str] = (),
        credentials: bool = False,
        **traits: Any,
    ) -> None:
        settable = {name for name in self.trait_names() if not name.startswith("_")} - set(LIVE_TRAITS)
        check_keywords(self._name, traits, {*OPTIONS, *settable})
        if transport not in TRANSPORTS:
            raise ValueError(f"expected transport to be one of {', '.join(map(repr, TRANSPORTS))}, got {transport!r}")
        source, foreign = read_by_pages(source, types, traits, credentials=credentials)
        home: Home = source.host if isinstance(source, Channel) else current()  # type: ignore[assignment]  # a Session is both
        channel = home.find(source)
        if channel.closed:
            message = (
                f"expected an open channel, got {channel!r}; make it anew with sse_widget.channel({channel.name!r})"
            )
            raise ChannelClosed(message)
        found = channel.resolve(after)
        # An id of another epoch stays one: so the stream begins with a gap of unknown size.
        start = Cursor(channel.epoch if found.lost == 0 else OTHER_EPOCH, found.sequence)
        self._feed = Feed(channel, start, checked_history(history), self._state_changed)
        welcome = home.welcome(url_template)
        self._home, self._error = home, ""
        self._told: dict[str, Any] = {name: getattr(self, name) for name in STATE_TRAITS}
        self._telling: tuple[int, Event] | None = None  # the thread that calls observers now, and with which event
        main = find_main_loop()
        self._listeners = Listeners(
            self._feed, main, self._tell_event, self._tell_state, self._set_listening, self._show_error
        )
        super().__init__(**{"title": self._default_title(channel.name, traits), **traits})
        self._welcome = {
            **welcome,
            "kind": "welcome",
            "feed": self.model_id,
            "channel": channel.name,
            "transport": transport,
            **foreign,
        }
        self._feed.show_trouble = self._show_error
        home.enter(self.model_id, self._feed, self.close)
        if transport in {"auto", "comm"}:
            self._feed.carrier = home.carrier(channel, start, self.send, main, self._feed.page_left)
        self.on_msg(self._take_message)
        self._observers_changed()  # a subclass may have decorated some, before there was anybody to tell
        self._greet()

    # What was received

    @property
    def events(self) -> list[Event]:
        """The last events received, oldest first, at most `history` of them."""
        return [event for event in self._feed.log.after(0).items if event.type != "gap"]

    @property
    def _tabled(self) -> list[Event]:
        return self.events

    def since(self, event_id: Event | str) -> list[Event]:
        """Return the received events after `event_id`, oldest first; if some are gone, the first item is a `Gap`."""
        return self._listeners.look(event_id).take_all()

    def pause(self) -> None:
        """Let the views stand still. Events still arrive, are counted, and reach Python; `resume` shows them."""
        self.paused = True

    def resume(self) -> None:
        """Let the views move again."""
        self.paused = False

    def close(self) -> None:
        """End the widget: its loops and callbacks end, its views go, the page disconnects. Idempotent."""
        if self.comm is not None:  # ipywidgets calls this for widgets, too, whose making has failed
            self._home.leave(self.model_id)
            self._feed.close()
            self._listeners.close()
            super().close()

    # Traits and messages

    @property
    def _event(self) -> Event | None:
        telling = self._telling  # inside an observer, the traits are those of its event; everywhere else, the newest
        if telling is not None and telling[0] == threading.get_ident():
            return telling[1]
        return self._feed.latest

    def _set_listening(self, listening: bool) -> None:  # noqa: FBT001 - a trait's value
        self._listening = listening
        if listening:
            self._carry()

    def _state_changed(self) -> None:
        self._listeners.dispatcher.poke()

    def _tell_event(self, event: Event) -> None:
        self._telling = (threading.get_ident(), event)
        try:
            for name in EVENT_TRAITS:
                if self.observers_of(name):
                    old, self._told[name] = self._told.get(name), getattr(self, name)
                    self.tell(name, old, self._told[name], self._listeners.report)
        finally:
            self._telling = None

    def _tell_state(self) -> None:
        for name in STATE_TRAITS:
            old, new = self._told[name], getattr(self, name)
            if new != old:
                self._told[name] = new
                self.tell(name, old, new, self._listeners.report)

    def _show_error(self, text: str) -> None:
        self._error = text
        self.send({"kind": "error", "text": text})
        self._state_changed()  # a worker's error is told to observers, too

    @property
    def _wrong(self) -> str:
        return self._error or self._feed.status.text or self._feed.channel.trouble

    def _greet(self) -> None:
        # Kept as secrets, which no `repr` shows; sent as plain text: marimo's encoder knows no subclass of str.
        plain = {name: "".join(value) if isinstance(value, str) else value for name, value in self._welcome.items()}
        trouble = self._feed.channel.trouble  # a page that comes later has not heard of it
        rows = _ALL if self._shows_all else self.max_rows
        self.send({**plain, **self._feed.start_for_page(rows), "trouble": trouble})

    def _carry(self) -> None:
        if self._feed.carrier is not None:
            self._feed.carrier.begin()

    def _take_message(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        if content.get("kind") == "hello":
            self._greet()
            self._carry()
        elif content.get("kind") == "status":
            self._feed.page_says(str(content.get("page")), content)
        elif content.get("kind") == "received":
            self._take_batch(content)

    def _take_batch(self, content: dict[str, Any]) -> None:
        page = str(content["page"])
        answer = self._home.received_over_comm(page, content["body"])
        if self._feed.carrier is not None:
            carry, back, backs = content["carry"] is True, content["back"] is True, content.get("backs")
            seen = backs if isinstance(backs, int) else None
            self._feed.carrier.report(page, carry=carry, cursor=str(content["cursor"]), back=back, backs=seen)
        self.send({"kind": "answer", "page": page, "n": content["n"], **answer})

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        self._carry()
        bundle = super()._repr_mimebundle_(**kwargs)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        if data is None:
            return None
        newest = self._feed.channel.log.newest
        events = self._feed.channel.log.after(max(newest - self._snapshot_events, 0)).items
        return {**data, "text/html": self._snapshot(events, newest)}, metadata

    # What a view may say differently

    def _snapshot(self, events: Sequence[Event], count: int) -> str:
        """Return what a saved notebook shows without a kernel: HTML without scripts, under 50 KB."""
        return snapshot(self.title, events, count)

    @classmethod
    def _default_title(cls, channel: str, traits: dict[str, Any]) -> str:  # noqa: ARG003 - for views that have a better one
        return channel

    @property
    def _name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        return f"<{self._name} on {self._feed.channel.name!r}: {self.state}, {self.count} events, {self.lost} lost>"
