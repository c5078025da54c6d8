"""The relays of one session: where they run, which channel they feed, and that each stream is read once."""

from __future__ import annotations

import hashlib
import secrets
import threading
import weakref
from typing import TYPE_CHECKING, Final

from sse_widget.background import Background
from sse_widget.sources.intake import Intake
from sse_widget.sources.relay import Options, Relay

if TYPE_CHECKING:
    from sse_widget.hub.channel import Channel
    from sse_widget.sources.request import Address, Request

    Stream = tuple[str, Address, bytes | None]

__all__ = ["Relays"]

_MAX_NAME_CHARS: Final = 60


class Relays:
    """Runs relays on one loop. Thread-safe."""

    def __init__(self) -> None:
        self.background = Background("sse_widget relays")
        self._key = secrets.token_bytes(16)
        self._lock = threading.Lock()
        self._relays: weakref.WeakKeyDictionary[Channel, dict[Stream, Relay]] = weakref.WeakKeyDictionary()

    def name(self, request: Request) -> str:
        """Return the name of a request's own channel: its address without secrets, and what tells it from others."""
        address = request.address
        path, _, query = address.target.partition("?")
        name = f"{address.netloc}{path}"
        short = name if len(name) <= _MAX_NAME_CHARS else name[: _MAX_NAME_CHARS - 1] + "…"
        if short == name and request.method == "GET" and not query:
            return name
        # Keyed: a query may hold a secret, and a plain digest could confirm a guess.
        whole = repr((request.method, address.url, request.body)).encode()
        return f"{short} {hashlib.blake2s(whole, key=self._key, digest_size=3).hexdigest()}"

    def start(self, channel: Channel, request: Request, options: Options) -> Relay:
        """Start a relay. One of the same stream into the same channel is stopped, and a GET goes on where that was."""
        key = request.stream
        with self._lock:
            running = self._relays.setdefault(channel, {})
            older = running.get(key)
            intake = Intake(channel, options.done)
            if older is not None:
                older.stop()
                if request.method == "GET":
                    intake.go_on(older.intake)
            relay = running[key] = Relay(request, intake, options)
        channel.source = relay
        channel.trouble = ""
        future = self.background.submit(relay.run())
        relay.cancel = future.cancel
        future.add_done_callback(lambda _future: relay.over())  # it may be cancelled before it has begun
        return relay

    def forget(self, channel: Channel) -> None:
        """Stop what feeds a channel that was closed."""
        with self._lock:
            relays = list(self._relays.pop(channel, {}).values())
        for relay in relays:
            relay.stop()

    def close(self) -> None:
        """Stop all. Idempotent."""
        self.background.stop()
