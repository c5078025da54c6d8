"""One number."""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING, Any, Final

import traitlets

from sse_widget.widget.path import number_at
from sse_widget.widget.widget import SSEWidget

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sse_widget.core.event import Event
    from sse_widget.hub.channel import Channel

__all__ = ["FUNCTIONS", "LEVELS", "Metric", "Thresholds"]

FUNCTIONS: Final = ("last", "mean", "min", "max", "sum", "count", "rate")
LEVELS: Final = ("good", "warning", "bad")
_SPARK_POINTS: Final = 120
_SPARK = (
    '<svg width="160" height="32" viewBox="0 0 160 32" role="img"><path d="{}" fill="none" stroke="#0969da"/></svg>'
)


class Thresholds(traitlets.List[Any]):
    """From which number on a value is good, a warning, or bad: `{"good": 0, "warning": 80}` or pairs, kept as pairs."""

    def __init__(self, help: str) -> None:  # noqa: A002 - traitlets' own word
        super().__init__(help=help)

    def validate(self, obj: Any, value: Any) -> list[list[Any]]:
        """Return the pairs (number, level), smallest number first."""
        pairs = [(number, level) for level, number in value.items()] if isinstance(value, dict) else value
        try:
            return sorted([_checked_number(number), _checked_level(level)] for number, level in pairs)
        except (TypeError, ValueError) as error:
            raise traitlets.TraitError(
                f"expected thresholds of {type(obj).__name__} such as {{'good': 0, 'warning': 80, 'bad': 95}}, "
                f"or pairs such as [(0, 'good'), (80, 'warning')], got {value!r}"
            ) from error


class Metric(SSEWidget):
    """A number with its change, a sparkline, and thresholds.

    Parameters
    ----------
    source : Channel or str
        What to show, as for `SSEWidget`.
    field : str, default ""
        Where the number is in an event's data: a key, or a path such as `"quote.price"`; `""`: the data is the number.
    function : {"last", "mean", "min", "max", "sum", "count", "rate"}, default "last"
        What to show of the numbers: the last one; the mean, smallest or largest of the last `span_s` seconds; the sum
        or the count of all; how many come a second. `"count"` and `"rate"` without a field count events.
    unit : str, optional
        Shown after the number.
    digits : int, optional
        How many digits follow the decimal point; default: as many as the size of the number needs.
    span_s : float [s], default 60
        How far the change, the sparkline and the function look back.
    delta, sparkline : bool, default True
        Whether to show the change over `span_s`, and the line.
    thresholds : dict or list of pairs, optional
        From which number on the value is `"good"`, a `"warning"` or `"bad"`: `{"good": 0, "warning": 80, "bad": 95}`;
        as pairs where a level comes twice: `[(0, "bad"), (20, "good"), (80, "bad")]`. Shown by colour and by sign.
    **traits
        All other parameters of `SSEWidget`, such as `title` (default: the field).
    """

    _view = traitlets.Unicode("metric").tag(sync=True)
    _snapshot_events = 1_000
    _shows_all = True

    field = traitlets.Unicode(help="Path of the number in an event's data; empty: the data itself.").tag(sync=True)
    function = traitlets.Enum(FUNCTIONS, "last", help="What is shown of the numbers.").tag(sync=True)
    unit = traitlets.Unicode(help="Shown after the number.").tag(sync=True)
    digits = traitlets.Int(
        None, min=0, max=20, allow_none=True, help="Digits after the decimal point; null: by the number's size."
    ).tag(sync=True)
    span_s = traitlets.Float(60, min=1, help="How far change, sparkline and function look back, in seconds.").tag(
        sync=True
    )
    delta = traitlets.Bool(True, help="True: the change over the span is shown.").tag(sync=True)
    sparkline = traitlets.Bool(True, help="True: the line is shown.").tag(sync=True)
    thresholds = Thresholds(help="From which number on the value has which level; ascending.").tag(sync=True)

    def __init__(self, source: Channel | str, field: str = "", **traits: Any) -> None:
        super().__init__(source, field=field, **traits)

    @classmethod
    def _default_title(cls, channel: str, traits: dict[str, Any]) -> str:
        return str(traits.get("field") or channel)

    def _snapshot(self, events: Sequence[Event], count: int) -> str:
        numbers = _numbers(events, self.field)
        name = html.escape(self.title[:200])
        if self.function in {"count", "rate"} and not self.field:
            shown = f"{count} events"
        elif not numbers:
            shown = "no number yet"
        else:
            shown = f"{self._reduce(numbers):{'' if self.digits is None else f'.{self.digits}f'}}"
        spark = _SPARK.format(_path(numbers[-_SPARK_POINTS:])) if self.sparkline and len(numbers) > 1 else ""
        return f"<p><b>{name}</b>: <big>{html.escape(f'{shown} {self.unit[:40]}'.strip())}</big></p>{spark}"

    def _reduce(self, numbers: list[float]) -> float:
        of: dict[str, Any] = {"min": min, "max": max, "sum": sum, "count": len, "mean": lambda of: sum(of) / len(of)}
        return float(of[self.function](numbers)) if self.function in of else numbers[-1]


def _path(numbers: list[float]) -> str:
    low, high = min(numbers), max(numbers)
    across, up = 160 / (len(numbers) - 1), 28 / ((high - low) or 1)
    return "M" + "L".join(f"{at * across:.1f} {30 - (number - low) * up:.1f}" for at, number in enumerate(numbers))


def _checked_number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError("no finite number")
    return value


def _checked_level(value: Any) -> str:
    if value not in LEVELS:
        raise ValueError(f"expected one of {LEVELS}")
    return str(value)


def _numbers(events: Iterable[Event], path: str) -> list[float]:
    return [number for event in events if (number := number_at(event, path)) is not None]
