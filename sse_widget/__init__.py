"""Live server pushes in notebooks: push from anywhere, see it live, react to it in Python."""

from __future__ import annotations

from sse_widget.core.event import Event, Gap
from sse_widget.errors import (
    ChannelClosed,
    EventTooLarge,
    NoPage,
    RequestRefused,
    RunCancelled,
    ServerStartError,
    SSEWidgetError,
    UpstreamError,
    WaitTimeout,
)
from sse_widget.hub.channel import Channel
from sse_widget.hub.subscription import Subscription
from sse_widget.outside import relay, replay
from sse_widget.pages import allow_origin, open_page
from sse_widget.routing import route
from sse_widget.runs.parameters import Request
from sse_widget.session import channel
from sse_widget.widget.request import RequestWidget, handle_request
from sse_widget.widget.views import LineChart, Log, Metric, Progress, State, Table, Text
from sse_widget.widget.widget import SSEWidget

__all__ = [
    "Channel",
    "ChannelClosed",
    "Event",
    "EventTooLarge",
    "Gap",
    "LineChart",
    "Log",
    "Metric",
    "NoPage",
    "Progress",
    "Request",
    "RequestRefused",
    "RequestWidget",
    "RunCancelled",
    "SSEWidget",
    "SSEWidgetError",
    "ServerStartError",
    "State",
    "Subscription",
    "Table",
    "Text",
    "UpstreamError",
    "WaitTimeout",
    "allow_origin",
    "channel",
    "handle_request",
    "open_page",
    "relay",
    "replay",
    "route",
]

__version__ = "0.1.0"
