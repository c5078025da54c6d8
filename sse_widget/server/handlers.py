"""The short answers: proofs, tickets, batches from pages, health."""

from __future__ import annotations

from typing import Final

from sse_widget.runs.pattern import canonical
from sse_widget.server.base import BaseHandler, JsonHandler, Refusal, text_of
from sse_widget.server.batch import check_batch
from sse_widget.server.guard import TICKET_S

__all__ = ["HealthHandler", "MetricsHandler", "ReceivedHandler", "TicketsHandler", "WhoamiHandler"]

MAX_RECEIVED_BYTES: Final = 9 << 20  # 8 MiB of packs, and what is around them


class HealthHandler(BaseHandler):
    """`GET /healthz`: the server's loop turns."""

    needs_bearer = False

    def get(self) -> None:
        """Say so."""
        self.reply({"status": "ok"})


class MetricsHandler(BaseHandler):
    """`GET /metrics`: what the server does, for Prometheus."""

    def get(self) -> None:
        """Count."""
        from sse_widget.server.metrics import CONTENT_TYPE, render  # noqa: PLC0415 - hardly anybody asks

        self.set_header("Content-Type", CONTENT_TYPE)
        self.finish(render(self.state))


class WhoamiHandler(JsonHandler):
    """`/whoami`: the page proves itself to the kernel (POST), the kernel to the page (GET); no secret is sent."""

    needs_bearer = False
    max_body_bytes = 4 << 10
    content_types = frozenset({"text/plain", "application/json"})

    def origin_may(self, origin: str | None) -> bool:
        """Let a page that is not known yet introduce itself; that is what the POST is for."""
        return self.request.method == "POST" or super().origin_may(origin)

    def get(self) -> None:
        """Prove that this is the kernel that gave the page its key."""
        mac = self.state.guard.prove(self.get_query_argument("n", ""))
        if mac is None:
            raise Refusal(422, "expected n to be 32 hexadecimal digits")
        self.reply({"server": self.state.guard.server_id, "mac": mac})

    def post(self) -> None:
        """Accept the page's origin if it knows the key; the answer is the same if it does not."""
        content = self.body()
        nonce, mac, origin = content.get("n"), content.get("mac"), self.request.headers.get("Origin", "")
        if isinstance(nonce, str) and isinstance(mac, str) and mac.isascii():
            self.state.guard.admit(origin, nonce, mac)
        self.set_status(204)


class TicketsHandler(JsonHandler):
    """`POST /tickets`: a single-use ticket for an EventSource, which cannot send the bearer."""

    def post(self) -> None:
        """Issue one."""
        content = self.body()
        client = text_of(content, "client", 64)
        names = content.get("channels")
        limit = self.state.limits.max_channels_per_stream
        if (
            not isinstance(names, list)
            or not 0 < len(names) <= limit
            or not all(isinstance(name, str) for name in names)
        ):
            raise Refusal(422, f"expected 'channels' to be a list of 1 to {limit} names")
        known = {name: self._known(name) for name in names}
        gone = [name for name, found in known.items() if found is None]
        if gone:
            self.reply({"error": "no such channel", "channels": gone}, 404)
            return
        sources = frozenset(found for found in known.values() if found is not None)
        self.reply({"ticket": self.state.guard.issue(client, sources), "expires_s": TICKET_S})

    def _known(self, name: str) -> str | None:
        """Return what the stream will be asked for as: the name of a channel, or the path of a request."""
        if self.state.inbox.channel(name) is not None:
            return name
        try:
            path = canonical(name)
        except ValueError:
            return None
        return path if self.state.inbox.runs.routes.has(path) else None


class ReceivedHandler(JsonHandler):
    """`POST /received`: what a page has received, on its way back to Python; and the page's lease."""

    max_body_bytes = MAX_RECEIVED_BYTES

    def post(self) -> None:
        """Hand the batch over."""
        content = self.body()
        page = text_of(content, "page", 64)
        try:
            check_batch(content)
        except ValueError as error:
            raise Refusal(422, str(error)) from None
        self.state.touch(page, held=content.get("held") is True)
        self.reply(self.state.inbox.received(page, content))
