"""One kernel's session: its channels, its server, its widgets together."""

from __future__ import annotations

import pytest

from tests.server.client import Client

VIEW = "application/vnd.jupyter.widget-view+json"


def view_of(channel):
    data, _metadata = channel._repr_mimebundle_()
    return data[VIEW]["model_id"]


def test_a_channel_shows_the_same_live_log_each_time(session):
    prices, trades = session.hub.channel("prices"), session.hub.channel("trades")
    shown = view_of(prices)
    assert view_of(prices) == shown
    assert view_of(trades) != shown


def test_a_channel_that_is_closed_and_made_again_shows_a_new_live_log(session):
    prices = session.hub.channel("prices")
    shown = view_of(prices)
    prices.close()
    assert "make it anew with sse_widget.channel('prices')" in prices._repr_mimebundle_()["text/plain"]
    assert view_of(session.hub.channel("prices")) != shown


def test_the_end_of_a_session_is_not_the_end_of_its_channels(session):
    """A page that heard `ended` would say that the channel was closed, and not that the kernel has gone."""
    prices = session.hub.channel("prices")
    prices.push(1)
    with Client(session).stream("/channels/prices?after=") as stream:
        assert stream.next().data == "1"
        session.close()
        with pytest.raises((EOFError, ConnectionError)):
            stream.next()
    assert prices.closed
