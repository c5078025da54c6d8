"""`GET /metrics`: what the server does, for Prometheus.

Nothing is counted here. The numbers are those that logs, streams and tallies have anyway, read when somebody asks; a
registry of its own, so that nothing of the user's program gets in, and nothing of ours into the user's metrics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prometheus_client.core import Metric

    from sse_widget.hub.channel import Channel
    from sse_widget.server.state import State

__all__ = ["CONTENT_TYPE", "MAX_LABELLED", "render"]

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
MAX_LABELLED: Final = 100
"""Channels that have series of their own, the ones made first; a session may have 10,000. The totals count all."""
_FIRST: Final = f"the {MAX_LABELLED} channels that were made first"


def render(state: State) -> bytes:
    """Return the metrics of a server as text. Call on its loop."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(state))
    return generate_latest(registry)


class _Reading(NamedTuple):
    """One channel, at this moment."""

    channel: Channel
    pushed: int
    held: int
    held_bytes: int
    readers: int
    lag: int  # events that the slowest reader has not dealt with


class _Collector(Collector):
    def __init__(self, state: State) -> None:
        self._state = state

    def collect(self) -> Iterator[Metric]:
        """Read the numbers."""
        readings = [_read(channel) for channel in self._state.inbox.channels()]
        yield from self._totals(readings)
        yield from self._channels(readings[:MAX_LABELLED])

    def _totals(self, readings: list[_Reading]) -> Iterator[Metric]:
        state, total = self._state, self._state.tallies.total
        yield _counter("pushed_events", "events pushed, into channels that were closed since too", state.inbox.pushed())
        yield _counter("delivered_events", "events sent to readers over streams and comms", total.delivered)
        lost = _family("lost_events", "events that readers were told they have lost, where the number is known")
        lost.add_metric(["history"], total.lost)
        yield lost
        gaps = _family("gaps", "times that readers were told of a loss; unknown: of nobody knows how many events")
        gaps.add_metric(["history"], total.gaps)
        gaps.add_metric(["unknown"], total.unknown_gaps)
        yield gaps
        yield _gauge("channels", "open channels", len(readings))
        yield _gauge("connections", "open connections to the server", state.connections())
        yield _gauge("streams", "streams of events that are open", len(state.streams))
        yield _gauge("pages", "pages that have a stream open", len(state.pages))
        runs = state.inbox.runs
        yield _gauge("runs", "requests that are being handled", len(runs.running()))
        yield _counter("started_runs", "requests that a handler was called for", runs.n_started)
        yield _counter("failed_runs", "runs whose handler raised", runs.n_failed)
        yield _counter("cancelled_runs", "runs that were ended before their handler was done", runs.n_cancelled)
        yield _counter("abandoned_runs", "cancelled runs that nobody read any more", runs.n_abandoned)
        lag = max((reading.lag for reading in readings), default=0)
        yield _gauge("lag_events", "events that the slowest reader of all lacks", lag)

    def _channels(self, readings: list[_Reading]) -> Iterator[Metric]:
        tallies = [self._state.tallies.of(reading.channel) for reading in readings]
        names = [reading.channel.name for reading in readings]
        for name, what, values in (
            ("pushed_events", "events pushed", [reading.pushed for reading in readings]),
            ("delivered_events", "events sent to readers", [tally.delivered for tally in tallies]),
            ("lost_events", "events that readers were told they have lost", [tally.lost for tally in tallies]),
        ):
            counter = CounterMetricFamily(f"sse_widget_channel_{name}", f"{what}; {_FIRST}", labels=["channel"])
            yield _filled(counter, names, values)
        for name, what, values in (
            ("history_events", "events held", [reading.held for reading in readings]),
            ("history_bytes", "memory that the held events take", [reading.held_bytes for reading in readings]),
            ("readers", "streams, subscriptions and widgets that read", [reading.readers for reading in readings]),
            ("lag_events", "events that the slowest reader lacks", [reading.lag for reading in readings]),
        ):
            gauge = GaugeMetricFamily(f"sse_widget_channel_{name}", f"{what}; {_FIRST}", labels=["channel"])
            yield _filled(gauge, names, values)


def _read(channel: Channel) -> _Reading:
    held, held_bytes, dropped, _limits = channel.log.measure()
    pushed = held + dropped
    positions = [reader.position for reader in channel.log.readers()]
    lag = max(pushed - min(positions), 0) if positions else 0
    return _Reading(channel, pushed, held, held_bytes, len(positions), lag)


def _counter(name: str, what: str, value: int) -> Metric:
    return CounterMetricFamily(f"sse_widget_{name}", what, value=value)


def _gauge(name: str, what: str, value: int) -> Metric:
    return GaugeMetricFamily(f"sse_widget_{name}", what, value=value)


def _family(name: str, what: str) -> CounterMetricFamily:
    return CounterMetricFamily(f"sse_widget_{name}", what, labels=["reason"])


def _filled(
    family: CounterMetricFamily | GaugeMetricFamily, names: Iterable[str], values: Iterable[int]
) -> CounterMetricFamily | GaugeMetricFamily:
    for name, value in zip(names, values, strict=True):
        family.add_metric([name], value)
    return family
