"""The two streams, over a real socket."""

from __future__ import annotations

import json
import random
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from sse_widget.core.cursor import Cursor
from sse_widget.core.receiver import Receiver
from sse_widget.server import state
from sse_widget.server.state import Limits
from sse_widget.session import Session
from tests.conftest import eventually
from tests.server.client import Client, Stream

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def client(session: Session) -> Client:
    return Client(session)


def events_path(client: Client, page: str, **channels: str) -> str:
    ticket = client.request("POST", "/tickets", {"client": page, "channels": list(channels)}).json()["ticket"]
    query = "&".join(f"channel={name}&after={after}" for name, after in channels.items())
    return f"/events?ticket={ticket}&client={page}&{query}"


def test_a_plain_stream_begins_with_the_cursor_and_goes_on_live(session: Session, client: Client) -> None:
    channel = session.hub.channel("c")
    channel.push("old")
    with client.stream("/channels/c") as stream:
        channel.push({"a": 1}, type="trade")
        event = stream.next()
        assert event == ("trade", '{"a":1}', f"{channel.epoch}-2")
        assert stream.raw.startswith(f"retry: 2000\nid: {channel.epoch}-1\n\n".encode())


def test_headers_keep_proxies_from_buffering_and_browsers_from_sniffing(session: Session, client: Client) -> None:
    session.hub.channel("c")
    with client.stream("/channels/c") as stream:
        headers = stream.answer.headers
        assert headers["content-type"] == "text/event-stream; charset=utf-8"
        assert headers["cache-control"] == "no-store, no-transform"
        assert headers["x-accel-buffering"] == "no"
        assert headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("how", ["header", "query"])
def test_last_event_id_resumes_behind_it(session: Session, client: Client, how: str) -> None:
    channel = session.hub.channel("c")
    second = channel.push_many(range(5))[1]
    headers = {"Last-Event-ID": second.id} if how == "header" else {}
    with client.stream("/channels/c" + (f"?after={second.id}" if how == "query" else ""), headers=headers) as stream:
        assert [event.data for event in stream.take(3)] == ["2", "3", "4"]


def test_an_empty_after_begins_with_the_oldest(session: Session, client: Client) -> None:
    session.hub.channel("c").push_many(range(3))
    with client.stream("/channels/c?after=") as stream:
        assert [event.data for event in stream.take(3)] == ["0", "1", "2"]


def test_a_loss_of_the_channels_source_is_a_gap_on_both_streams(session: Session, client: Client) -> None:
    channel = session.hub.channel("c")
    channel.push("a")
    channel.announce(900)
    channel.announce(None)
    channel.push("b")
    with client.stream("/channels/c?after=") as stream:
        assert stream.take(4)[1:] == [
            ("gap", '{"lost":900}', f"{channel.epoch}-2"),
            ("gap", '{"lost":null}', f"{channel.epoch}-3"),
            ("message", '"b"', f"{channel.epoch}-4"),
        ]
    with client.stream(events_path(client, "page", c="")) as stream:
        (pack,) = stream.packs(4)
    assert [row[1:] for row in pack["events"][1:3]] == [["gap", {"lost": 900}], ["gap", {"lost": None}]]
    assert "gap" not in pack


def test_a_gap_that_hides_a_loss_says_so_on_both_streams(session: Session, client: Client) -> None:
    channel = session.hub.channel("c", history=1)
    first = channel.push("a")
    channel.announce(900)
    channel.push("b")
    with client.stream("/channels/c", headers={"Last-Event-ID": first.id}) as stream:
        assert stream.next() == ("gap", '{"lost":null}', f"{channel.epoch}-2")
    with client.stream(events_path(client, "page", c=first.id)) as stream:
        (pack,) = stream.packs(3)
    assert (pack["first"], pack["gap"], pack["unsure"]) == (3, True, True)
    channel.push("c")
    with client.stream(events_path(client, "page", c=f"{channel.epoch}-2")) as stream:
        (pack,) = stream.packs(4)
    assert (pack["gap"], "unsure" in pack) == (True, False)


def test_a_stretch_that_has_left_the_history_is_announced(session: Session, client: Client) -> None:
    channel = session.hub.channel("c", history=10)
    first = channel.push(0)
    channel.push_many(range(1, 101))
    with client.stream("/channels/c", headers={"Last-Event-ID": first.id}) as stream:
        assert stream.next() == ("gap", '{"lost":90}', f"{channel.epoch}-91")
        assert stream.next() == ("message", "91", f"{channel.epoch}-92")


@pytest.mark.parametrize("foreign", ["abc-3", "nonsense", "{epoch}-99"])
def test_a_foreign_cursor_gets_a_gap_of_unknown_size_and_all_there_is(
    session: Session, client: Client, foreign: str
) -> None:
    channel = session.hub.channel("c")
    channel.push_many(range(3))
    with client.stream("/channels/c", headers={"Last-Event-ID": foreign.format(epoch=channel.epoch)}) as stream:
        assert stream.next() == ("gap", '{"lost":null}', f"{channel.epoch}-0")
        assert [event.data for event in stream.take(3)] == ["0", "1", "2"]


def test_closing_the_channel_ends_the_stream_after_its_last_event(session: Session, client: Client) -> None:
    channel = session.hub.channel("c")
    with client.stream("/channels/c") as stream:
        channel.push(1)
        channel.close()
        assert [event.type for event in stream.take(2)] == ["message", "ended"]
        with pytest.raises(EOFError):
            stream.next()


def test_a_channel_closed_lately_can_still_be_read_to_its_end(session: Session, client: Client) -> None:
    channel = session.hub.channel("c")
    channel.push(1)
    channel.close()
    with client.stream("/channels/c?after=") as stream:
        assert [event.type for event in stream.take(2)] == ["message", "ended"]


def test_names_with_any_letters_are_paths(session: Session, client: Client) -> None:
    channel = session.hub.channel("Börse/ü & 100 %?")
    channel.push(1)
    path = channel.url.removeprefix(f"http://127.0.0.1:{client.port}")
    with client.stream(path + "?after=") as stream:
        assert stream.next().data == "1"


def test_packs_carry_many_events_and_their_sequences(session: Session, client: Client) -> None:
    channel = session.hub.channel("c")
    stored = channel.push_many([{"i": i} for i in range(2500)])
    with client.stream(events_path(client, "p", c="")) as stream:
        assert json.loads(stream.next().data) == {"channels": {"c": f"{channel.epoch}-0"}}
        packs = stream.packs(2500)
    assert [pack["first"] for pack in packs] == [1, 1001, 2001]
    assert [data["i"] for pack in packs for _, _, data in pack["events"]] == list(range(2500))
    assert packs[0]["events"][0] == [stored[0].time_us, "message", {"i": 0}]
    assert all("gap" not in pack for pack in packs)


def test_a_pack_after_a_gap_says_so(session: Session, client: Client) -> None:
    channel = session.hub.channel("c", history=3)
    channel.push_many(range(10))
    with client.stream(events_path(client, "p", c=f"{channel.epoch}-2")) as stream:
        pack = stream.packs(10)[0]
    assert (pack["first"], pack["gap"], len(pack["events"])) == (8, True, 3)


def test_several_channels_share_a_stream(session: Session, client: Client) -> None:
    a, b = session.hub.channel("a"), session.hub.channel("b")
    with client.stream(events_path(client, "p", a="", b="")) as stream:
        a.push(1)
        b.push(2)
        packs = [json.loads(event.data) for event in stream.take(2, "pack")]
        assert {pack["channel"]: pack["events"][0][2] for pack in packs} == {"a": 1, "b": 2}
        a.close()
        assert json.loads(stream.take(1, "ended")[0].data) == {"channel": "a"}
        b.push(3)
        assert json.loads(stream.take(1, "pack")[0].data)["events"][0][2] == 3


def test_a_newer_stream_of_the_same_page_closes_the_older(session: Session, client: Client) -> None:
    channel = session.hub.channel("c")
    with client.stream(events_path(client, "p", c="")) as older:
        older.next()
        with client.stream(events_path(client, "p", c="")) as newer:
            newer.next()
            with pytest.raises((EOFError, ConnectionError)):
                older.take(100)
            channel.push(1)
            assert newer.packs(1)
    eventually(lambda: channel.stats().readers == [])


def test_a_reader_that_leaves_is_forgotten(session: Session, client: Client) -> None:
    channel = session.hub.channel("c")
    with client.stream("/channels/c"):
        eventually(lambda: len(channel.stats().readers) == 1)
    eventually(lambda: channel.stats().readers == [])


def test_a_stopped_reader_costs_the_others_nothing_and_memory_one_frame(session: Session, client: Client) -> None:
    channel = session.hub.channel("c", history=1000)
    with client.stream("/channels/c"), client.stream("/channels/c") as reader:
        for i in range(20_000):
            channel.push({"i": i, "pad": "x" * 200})
            if i % 500 == 499:
                assert json.loads(reader.take(500, "message")[-1].data)["i"] == i  # the other stream is never read


@pytest.fixture
def impatient() -> Iterator[Session]:
    made = Session(Limits(heartbeat_s=0.2, lease_s=1.5, stall_s=1.0, rotate_s=60, rotate_bytes=100_000))
    yield made
    made.close()


def test_a_heartbeat_is_a_named_event_with_the_cursor(impatient: Session) -> None:
    channel = impatient.hub.channel("c")
    client = Client(impatient)
    with client.stream("/channels/c") as plain, client.stream(events_path(client, "p", c="")) as packed:
        channel.push(1)
        assert json.loads(plain.take(1, "heartbeat")[0].data) == {"id": channel.newest_id}
        assert json.loads(packed.take(1, "heartbeat")[0].data) == {"channels": {"c": channel.newest_id}}


def test_a_page_that_does_not_post_is_reaped_and_one_that_does_is_not(impatient: Session) -> None:
    channel = impatient.hub.channel("c")
    client = Client(impatient)
    with (
        client.stream(events_path(client, "quiet", c="")) as quiet,
        client.stream(events_path(client, "alive", c="")) as alive,
    ):
        for _heartbeat in _until_the_end(quiet):
            client.request("POST", "/received", {"page": "alive"})
        channel.push(1)
        assert alive.packs(1)


def test_a_page_without_a_stream_has_left_unless_it_says_that_it_is_held_back(
    impatient: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "_LEFT_S", 0.2)
    left: list[str] = []
    monkeypatch.setattr(impatient, "page_left", left.append)
    impatient.hub.channel("c")
    client = Client(impatient)
    for page in ("gone", "held"):
        with client.stream(events_path(client, page, c="")) as stream:
            stream.take(1, "open")
    begun = time.monotonic()
    while time.monotonic() - begun < 3:
        client.request("POST", "/received", {"page": "held", "held": True})
        time.sleep(0.5)  # a slow page: longer than one that has left is waited for
    assert left == ["gone"]
    eventually(lambda: left == ["gone", "held"])


def test_a_long_stream_is_rotated_for_pages_only(impatient: Session) -> None:
    channel = impatient.hub.channel("c")
    client = Client(impatient)
    with client.stream(events_path(client, "p", c="")) as page, client.stream("/channels/c") as plain:
        for i in range(200):
            channel.push("x" * 1000)
            plain.take(1, "message")
            if i == 150:
                types = [event.type for event in _until_the_end(page)]
                assert types[-1] == "rotate"


def _until_the_end(stream: Stream) -> Iterator[Any]:
    try:
        while True:
            yield stream.next()
    except (EOFError, ConnectionError):
        return


def test_a_stalled_reader_is_cut(impatient: Session) -> None:
    channel = impatient.hub.channel("c")
    client = Client(impatient)
    sock = client.connect()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with client.stream("/channels/c"):
        eventually(lambda: len(channel.stats().readers) == 1)
        for _ in range(40):
            channel.push("x" * 900_000)
        eventually(lambda: channel.stats().readers == [])
    sock.close()


def test_stopping_with_a_hundred_streams_takes_less_than_a_second(session: Session, client: Client) -> None:
    channel = session.hub.channel("c")
    streams = [client.stream("/channels/c") for _ in range(100)]
    eventually(lambda: len(channel.stats().readers) == 100)
    session.server.stop(timeout_s=1.0)
    assert not session.server.running
    assert not [thread for thread in threading.enumerate() if thread.name == "sse_widget server"]
    for stream in streams:
        stream.close()


def test_every_reader_gets_every_event_once_in_order_through_cuts(session: Session, client: Client) -> None:
    """8 threads push 2,000 each while 4 readers attach, are cut at random places, and resume with their cursor."""
    channel = session.hub.channel("c")
    n_threads, n_each = 8, 2000
    total = n_threads * n_each
    results: dict[int, list[int]] = {}

    def read(number: int) -> None:
        rng = random.Random(number)
        receiver = Receiver(Cursor(channel.epoch, 0))
        taken = results[number] = []
        while receiver.cursor.sequence < total:
            path = events_path(client, f"reader{number}", c=str(receiver.cursor))
            with client.stream(path) as stream:
                for _ in range(rng.randrange(1, 6)):
                    if receiver.cursor.sequence >= total:
                        break
                    event = stream.next()
                    if event.type == "pack":
                        pack = json.loads(event.data)
                        decision = receiver.take(pack["epoch"], pack["first"], len(pack["events"]), gap="gap" in pack)
                        assert decision.joins
                        assert decision.lost == 0
                        taken += [data for _, _, data in pack["events"][decision.skip :]]

    def push(number: int) -> None:
        for i in range(n_each):
            channel.push(number * n_each + i)

    threads = [threading.Thread(target=read, args=(i,)) for i in range(4)]
    threads += [threading.Thread(target=push, args=(i,)) for i in range(n_threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stored = [event.data for event in channel.history]
    assert sorted(stored) == list(range(total))
    for number in range(n_threads):
        assert [value for value in stored if value // n_each == number] == list(
            range(number * n_each, (number + 1) * n_each)
        )
    assert all(taken == stored for taken in results.values())
