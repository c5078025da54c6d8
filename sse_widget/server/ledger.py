"""Which pushes have been taken: a program that repeats one, because its answer was lost, pushes once all the same.

An `Idempotency-Key` is `CLIENT:NUMBER`: a client counts its pushes from 1 and sends one at a time, so one number and
one answer a client are all that has to be kept. A key without a number is a client that pushes once.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sse_widget.server.answers import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Key", "Ledger"]

MAX_CLIENTS: Final = 10_000
KEEP_S: Final = 60.0
"""No client is forgotten sooner than this after its last push."""
_KEY = re.compile(r'(?P<quote>"?)(?P<client>[0-9A-Za-z_.~-]{1,64})(?::(?P<number>[1-9][0-9]{0,14}))?(?P=quote)')


class Key(NamedTuple):
    """What an `Idempotency-Key` says."""

    client: str
    number: int

    @classmethod
    def parse(cls, header: str) -> Key:
        """Read the header; refuse what is none."""
        found = _KEY.fullmatch(header)
        if found is None:
            raise Refusal(
                422, "expected Idempotency-Key as CLIENT:NUMBER or CLIENT, of at most 64 letters, digits, -._~"
            )
        return cls(found["client"], int(found["number"] or 1))


class _Taken(NamedTuple):
    """The last push of a client."""

    number: int
    digest: bytes  # of everything in it
    answer: dict[str, Any]
    at: float


class Ledger:
    """The last push of each client that counts them. Lives on the server's loop."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._taken: OrderedDict[str, _Taken] = OrderedDict()  # the one that pushed longest ago comes first

    def find(self, key: Key, digest: bytes) -> dict[str, Any] | None:
        """Return what was answered when this was pushed; None if it has not been, and may be pushed now.

        Raises
        ------
        Refusal
            If the key does not fit what this client has pushed so far, or there is no room for another client.
        """
        last = self._taken.get(key.client)
        if last is None:
            if key.number != 1:
                raise Refusal(
                    409,
                    f"expected number 1 of a client that is not known, got {key.number}; whether what it pushed before "
                    "has arrived is not known here: the server is another one, or has forgotten the client",
                )
            self._make_room()
            return None
        if key.number == last.number:
            if digest != last.digest:
                raise Refusal(422, f"expected the same push again under the number {key.number}, got another one")
            return last.answer
        if key.number != last.number + 1:
            raise Refusal(409, f"expected the number {last.number} or {last.number + 1}, got {key.number}")
        return None

    def enter(self, key: Key, digest: bytes, answer: dict[str, Any]) -> None:
        """Note a push that was taken."""
        self._taken[key.client] = _Taken(key.number, digest, answer, self._clock())
        self._taken.move_to_end(key.client)

    def _make_room(self) -> None:
        if len(self._taken) < MAX_CLIENTS:
            return
        oldest = next(iter(self._taken.values()))
        if self._clock() - oldest.at < KEEP_S:  # it may be about to repeat its push
            raise Refusal(503, f"expected at most {MAX_CLIENTS} pushing clients within {KEEP_S:.0f} s, got one more")
        self._taken.popitem(last=False)
