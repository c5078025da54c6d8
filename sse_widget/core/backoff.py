"""How long to wait before the next try: exponential, with full jitter."""

from __future__ import annotations

import math
import random as _random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Backoff"]


@dataclass(frozen=True)
class Backoff:
    """An immutable strategy: each delay comes with the strategy for the one after it.

    Full jitter: a delay is anywhere between 0 and a bound that grows from `base_s` by `factor` up to `max_s`. Readers
    that lost the same server at the same moment thus come back spread over the whole of that time.

    Parameters
    ----------
    base_s : float [s]
        Bound of the first delay.
    max_s : float [s]
        Bound that no delay exceeds.
    factor : float
        Growth of the bound from one delay to the next; 1 keeps it constant.
    random : callable
        Returns a float in [0, 1), as `random.random` does.
    growth : float
        How many times `base_s` the bound is now (where `max_s` allows it); 1 after `reset`.

    Raises
    ------
    ValueError
        If not 0 < `base_s` <= `max_s`, both finite, and 1 <= `factor`, finite.

    Examples
    --------
    >>> backoff = Backoff(random=lambda: 0.5)
    >>> seconds, backoff = backoff.delay()
    >>> seconds, backoff.delay()[0], backoff.reset().delay()[0]
    (0.125, 0.25, 0.125)
    """

    base_s: float = 0.25
    max_s: float = 10.0
    factor: float = 2.0
    random: Callable[[], float] = _random.random
    growth: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.base_s <= self.max_s < math.inf:
            raise ValueError(f"expected 0 < base_s <= max_s < inf, got {self.base_s!r} and {self.max_s!r}")
        if not 1 <= self.factor < math.inf:
            raise ValueError(f"expected 1 <= factor < inf, got {self.factor!r}")

    def delay(self) -> tuple[float, Backoff]:
        """Return how long to wait now, and the strategy for the time after.

        Returns
        -------
        seconds : float [s]
            From 0 up to the present bound.
        next : Backoff
            With a bound larger by `factor`, but at most `max_s`.
        """
        seconds = self.random() * min(self.base_s * self.growth, self.max_s)
        # Multiplied, not `factor ** n`: where a power raises OverflowError, a product is inf, and min() takes max_s.
        return seconds, replace(self, growth=self.growth * self.factor)

    def reset(self) -> Backoff:
        """Return the strategy as at the beginning: for when a connection has proved to work."""
        return replace(self, growth=1.0)
