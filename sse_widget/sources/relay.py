"""`relay`: somebody else's event stream, read by the kernel, as a channel.

Theory of operation
-------------------
One coroutine: ask, read, wait, ask again. What ends it for good is told apart from what another try may mend: a fault
is a value with its reason, and only the loop decides. What comes is decoded, judged and pushed at once (`Intake`), so
nothing is queued, and the place upstream is always that of the channel.
"""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
import threading
from typing import TYPE_CHECKING, Final, NamedTuple

from sse_widget.core.backoff import Backoff
from sse_widget.errors import ChannelClosed, UpstreamError
from sse_widget.sources.answer import Fault, check_head, redirected
from sse_widget.sources.ending import Ending
from sse_widget.sources.exchange import Exchange, Head, NoAnswer, Untrusted
from sse_widget.sources.intake import End, Intake

if TYPE_CHECKING:
    from collections.abc import Callable

    from sse_widget.hub.channel import Channel
    from sse_widget.sources.request import Request

__all__ = ["Options", "Relay", "RelayStats"]

logger = logging.getLogger(__name__)

MAX_REDIRECTS: Final = 5
MAX_RETRY_S: Final = 300.0
"""An upstream may ask for patience (`retry`, `Retry-After`), but not for days."""
_FIRST_S = 1.0
"""Before a reconnect, until the upstream says otherwise."""
_NO_CONTENT: Final = 204
_FINAL: Final = frozenset({"ended", "failed", "stopped"})
_sleep = asyncio.sleep


class Options(NamedTuple):
    """How a relay reads."""

    done: str | None = "[DONE]"  # data that says that nothing follows
    reconnect: bool = True  # after an answer that ended as it should
    silence_s: float = 60.0  # without a byte, the connection is taken for dead
    connect_s: float = 30.0
    verify: ssl.SSLContext | None = None
    own_channel: bool = True  # the channel ends with the stream


class RelayStats(NamedTuple):
    """What a relay has done so far."""

    state: str  # "connecting", "open", "reconnecting", "ended", "failed" or "stopped"
    events: int  # pushed into the channel
    repeated: int  # sent again by the upstream after a reconnect, and left out
    unreadable: int  # too large for the channel: announced in it as lost
    lost: int  # announced in the channel as lost, where their number is known; unreadable ones included
    n_bytes: int  # of the stream
    connections: int  # answers that were event streams
    faults: int  # connections that broke, and tries that failed
    last_fault: str  # the newest, in words
    last_event_id: str  # the place upstream


class Relay(Ending):
    """One relay, as `Channel.source`.

    Attributes
    ----------
    state : str
        `"connecting"`, `"open"`, `"reconnecting"`; at last `"ended"` (the upstream has no more), `"failed"` (it never
        will answer as it should), or `"stopped"` (by `stop`, or with the channel).
    error : UpstreamError or None
        Why it has failed, or what it tries to get over now.
    """

    def __init__(self, request: Request, intake: Intake, options: Options) -> None:
        super().__init__()
        self.channel: Channel = intake.channel
        self.request = request
        self.intake = intake
        self.options = options
        self.state = "connecting"
        self.error: UpstreamError | None = None
        self.cancel: Callable[[], object] | None = None  # ends `run`
        self._context = options.verify
        self._heard = False  # something came on the present connection
        self._connections = self._faults = 0
        self._last_fault = ""
        self._lock = threading.Lock()

    # For its user, on any thread

    def stop(self) -> None:
        """Close the connection and push nothing more. Idempotent."""
        self._end("stopped")
        if self.cancel is not None:
            self.cancel()

    def result(self, timeout: float | None = None) -> int:
        """Block until it has ended; return how many events it has pushed, or raise why it has failed."""
        self._wait_well(timeout)
        return self.intake.events

    def stats(self) -> RelayStats:
        """Return what it has done so far."""
        intake = self.intake
        return RelayStats(
            self.state,
            *(intake.events, intake.repeated, intake.unreadable, intake.lost, intake.n_bytes),
            *(self._connections, self._faults, self._last_fault),
            intake.memory.last_event_id,
        )

    def over(self) -> None:
        """Note that it does not run any more."""
        self._end("stopped")

    def __repr__(self) -> str:
        why = f": {self.error}" if self.error is not None else ""
        where = f"{self.request.address} into {self.channel.name!r}"
        return f"<Relay of {where}: {self.state}, {self.intake.events} events{why}>"

    # On the loop

    async def run(self) -> None:
        """Read until there is no more."""
        try:
            await self._read_on()
        except End:
            self._end("ended")
        except UpstreamError as error:
            self._end("failed", error)
        except ChannelClosed:
            self._end("stopped")
        except Exception as error:
            logger.exception("%r has broken", self)
            self._end("failed", UpstreamError(f"the relay itself has broken: {type(error).__name__}"))
        finally:
            self._end("stopped")

    async def _read_on(self) -> None:
        backoff = Backoff(base_s=_FIRST_S, max_s=30.0)
        while self.state not in _FINAL:
            self._heard = False
            fault = await self._attempt()
            if self._heard:
                backoff = backoff.reset()
            self._faults += 1
            self._last_fault = fault.text
            self._stand("reconnecting" if self._connections else "connecting", UpstreamError(fault.text))
            logger.info("%r", self)
            jitter_s, backoff = backoff.delay()
            await _sleep(self._delay_s(fault, jitter_s))

    async def _attempt(self) -> Fault:
        """Ask once, and read all that comes; return why it has ended."""
        request = self.request
        for _ in range(MAX_REDIRECTS + 1):
            exchange, fault = await self._exchanged(request)
            if fault is not None:
                return fault
            location = redirected(exchange.head)
            if location is None:
                return self._finished(exchange)
            request = request.followed(location)
        raise UpstreamError(f"expected at most {MAX_REDIRECTS} redirects of {self.request!r}, got one more")

    async def _exchanged(self, request: Request) -> tuple[Exchange, Fault | None]:
        if self._context is None:
            self._context = ssl.create_default_context()
        options = self.options
        exchange = Exchange(self._accept, self._take, options.connect_s, options.silence_s, self._context)
        headers = request.sent(self.request.address, self.intake.memory.last_event_id)
        try:
            await exchange.run(request, headers)
        except NoAnswer as error:
            if exchange.sent and request.method != "GET":
                raise UpstreamError(f"{error}; a {request.method} is not sent twice") from None
            return exchange, Fault(str(error))
        except Untrusted as error:
            raise UpstreamError(f"expected a valid certificate of {request.address.netloc}, got: {error}") from None
        return exchange, None

    def _finished(self, exchange: Exchange) -> Fault:
        fault = check_head(exchange.head, self.request)
        if fault is not None:
            return fault
        if exchange.silent:
            fault = Fault(f"nothing came for {self.options.silence_s:g} s")
        elif exchange.malformed:
            fault = Fault(f"the answer is not HTTP: {exchange.malformed}")
        else:
            fault = Fault("the answer ended" if exchange.complete else "the connection broke", clean=exchange.complete)
        if fault.clean and not self.options.reconnect:
            raise End
        if self.request.method != "GET" and not self.intake.memory.resumable:
            self.intake.announce(None)
            raise UpstreamError(f"{fault.text} too early; a {self.request.method} is not sent twice")
        return fault

    def _accept(self, head: Head) -> bool:
        if redirected(head) is not None or check_head(head, self.request) is not None:
            return False
        if head.status == _NO_CONTENT:
            raise End
        self._connections += 1
        self._stand("open", None)
        self.intake.begin()
        return True

    def _take(self, chunk: bytes) -> None:
        self._heard = True
        self.intake.take(chunk)

    def _delay_s(self, fault: Fault, jitter_s: float) -> float:
        retry_ms = self.intake.decoder.retry_ms
        retry_s = _FIRST_S if retry_ms is None else retry_ms / 1000
        wanted_s = max(retry_s * random.uniform(1.0, 1.2), fault.retry_after_s)  # noqa: S311 - no secret
        return min(wanted_s, MAX_RETRY_S) + (0.0 if fault.clean else jitter_s)

    def _stand(self, state: str, error: UpstreamError | None) -> None:
        with self._lock:
            if self.state not in _FINAL:
                self.state, self.error = state, error

    def _end(self, state: str, error: UpstreamError | None = None) -> None:
        with self._lock:
            if self.state in _FINAL:
                return
            self.state, self.error = state, error
        self.intake.close()
        if error is not None:
            logger.error("%r", self)
            self.channel.host.trouble(self.channel, f"the relay of {self.request.address} has failed: {error}")
        elif state == "ended" and self.options.own_channel:
            self.channel.close()
        self._ended.set()  # last: who has waited finds all of it done
