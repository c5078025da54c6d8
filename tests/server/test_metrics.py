"""`/metrics` is right: each number against what really happened."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from sse_widget.server.metrics import MAX_LABELLED
from tests.conftest import eventually
from tests.server.client import Client

if TYPE_CHECKING:
    from sse_widget.session import Session

Labels = tuple[tuple[str, str], ...]


@pytest.fixture
def client(session: Session) -> Client:
    return Client(session)


def scrape(client: Client) -> dict[str, dict[Labels, float]]:
    """Return every sample, by name and labels, as Prometheus' own parser reads them."""
    answer = client.request("GET", "/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    found: dict[str, dict[Labels, float]] = {}
    for family in text_string_to_metric_families(answer.body.decode()):
        assert family.documentation
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def of(channel: str) -> Labels:
    return (("channel", channel),)


def test_names_have_a_prefix_and_counters_end_in_total(client: Client) -> None:
    client.session.hub.channel("c")
    answer = client.request("GET", "/metrics").body.decode()
    for family in text_string_to_metric_families(answer):
        assert family.name.startswith("sse_widget_")
        assert {sample.name for sample in family.samples} == {
            family.name + ("_total" if family.type == "counter" else "")
        }


def test_pushed_events_are_counted_and_closed_channels_stay_in_the_total(session: Session, client: Client) -> None:
    session.hub.channel("a").push_many(range(3))
    session.hub.channel("b").push_many(range(4))
    metrics = scrape(client)
    assert metrics["sse_widget_pushed_events_total"] == {(): 7}
    assert metrics["sse_widget_channel_pushed_events_total"] == {of("a"): 3, of("b"): 4}
    assert metrics["sse_widget_channels"] == {(): 2}
    session.hub.channel("a").close()
    session.hub.channel("a").push(1)
    metrics = scrape(client)
    assert metrics["sse_widget_pushed_events_total"] == {(): 8}
    assert metrics["sse_widget_channel_pushed_events_total"] == {of("b"): 4, of("a"): 1}


def test_delivered_events_are_counted_for_each_reader(session: Session, client: Client) -> None:
    channel = session.hub.channel("c")
    with client.stream("/channels/c") as one, client.stream("/events?channel=c&after=") as two:
        one_id, two_id = one.next, two.next
        two_id()
        channel.push_many(range(2500))
        assert len([one_id() for _ in range(2500)]) == 2500
        two.packs(2500)
        metrics = scrape(client)
        assert metrics["sse_widget_delivered_events_total"] == {(): 5000}
        assert metrics["sse_widget_channel_delivered_events_total"] == {of("c"): 5000}
        assert metrics["sse_widget_streams"] == {(): 2}
        assert metrics["sse_widget_connections"] == {(): 3}
        assert metrics["sse_widget_channel_readers"] == {of("c"): 2}
        assert metrics["sse_widget_lag_events"] == {(): 0}
    eventually(lambda: scrape(client)["sse_widget_streams"] == {(): 0})
    channel.close()
    metrics = scrape(client)
    assert metrics["sse_widget_delivered_events_total"] == {(): 5000}
    assert "sse_widget_channel_delivered_events_total" not in metrics


def test_what_is_lost_is_counted_with_its_reason(session: Session, client: Client) -> None:
    channel = session.hub.channel("c", history=10)
    channel.push_many(range(25))
    with client.stream(f"/channels/c?after={channel.epoch}-5") as stream:
        assert stream.next().type == "gap"
        stream.take(10)
    with client.stream("/channels/c?after=elsewhere-5") as stream:
        assert stream.next().type == "gap"
        stream.take(10)
    metrics = scrape(client)
    assert metrics["sse_widget_lost_events_total"] == {(("reason", "history"),): 10}
    assert metrics["sse_widget_gaps_total"] == {(("reason", "history"),): 1, (("reason", "unknown"),): 1}
    assert metrics["sse_widget_delivered_events_total"] == {(): 20}
    assert metrics["sse_widget_channel_lost_events_total"] == {of("c"): 10}


def test_lag_and_history_are_those_of_the_moment(session: Session, client: Client) -> None:
    channel = session.hub.channel("c", history=50)
    with channel.subscribe() as slow, channel.subscribe() as quick:
        channel.push_many(range(80))
        quick.take_all()
        slow.next(1)
        metrics = scrape(client)
        assert metrics["sse_widget_channel_lag_events"] == {of("c"): 80 - slow.position}
        assert metrics["sse_widget_lag_events"] == {(): 80 - slow.position}
        assert metrics["sse_widget_channel_history_events"] == {of("c"): 50}
        assert metrics["sse_widget_channel_history_bytes"] == {of("c"): channel.stats().held_bytes}


def test_a_page_is_counted(session: Session, client: Client) -> None:
    session.hub.channel("c")
    with client.stream("/events?channel=c&after=&client=p") as stream:
        stream.next()
        assert scrape(client)["sse_widget_pages"] == {(): 1}


def test_ten_thousand_channels_make_no_ten_thousand_series(session: Session, client: Client) -> None:
    for i in range(10_000):
        session.hub.channel(f"c{i}").push(i)
    body = client.request("GET", "/metrics").body
    assert len(body) < 128 << 10
    metrics = scrape(client)
    assert metrics["sse_widget_pushed_events_total"] == {(): 10_000}
    assert metrics["sse_widget_channels"] == {(): 10_000}
    assert set(metrics["sse_widget_channel_pushed_events_total"]) == {of(f"c{i}") for i in range(MAX_LABELLED)}


def test_a_channels_name_can_hold_anything_that_a_name_can(session: Session, client: Client) -> None:
    name = 'a "b"\\n {c="d"} ä\u200b'
    session.hub.channel(name).push(1)
    assert scrape(client)["sse_widget_channel_pushed_events_total"] == {of(name): 1}


def test_two_servers_do_not_count_together_nor_with_the_users_metrics(session: Session, client: Client) -> None:
    import prometheus_client  # noqa: PLC0415

    session.hub.channel("c").push(1)
    scrape(client)
    assert b"sse_widget_pushed" not in prometheus_client.generate_latest()
    assert not [name for name in scrape(client) if not name.startswith("sse_widget_")]


def test_a_kernel_that_nobody_scrapes_does_not_import_it() -> None:
    program = "import sys, sse_widget; sse_widget.channel('c').url; print('prometheus_client' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603
    assert told.stdout == "False\n"
