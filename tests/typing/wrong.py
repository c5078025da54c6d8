"""What the types must refuse: each line carries the error that mypy has to find."""

from __future__ import annotations

import sse_widget as sse

prices = sse.channel("prices")
feed = sse.SSEWidget(prices)

sse.channel(5)  # type: ignore[arg-type]
sse.channel("prices", history="many")  # type: ignore[arg-type]
prices.push(1, kind="trade")  # type: ignore[call-arg]
prices.push(1, "trade")  # type: ignore[call-arg]
prices.subscribe(after=5)  # type: ignore[arg-type]
prices.history = []  # type: ignore[misc]
feed.wait(timeout="1")  # type: ignore[arg-type]
feed.subscribe(after=5)  # type: ignore[arg-type]
feed.off()  # type: ignore[call-arg]
feed.on(print)  # type: ignore[call-overload]
feed.on("trade", 5)  # type: ignore[call-overload]
sse.SSEWidget(5)  # type: ignore[arg-type]
sse.Event(1).data.anything  # noqa: B018 - JSON may be anything
sse.allow_origin(8000)  # type: ignore[arg-type]
sse.open_page("http://localhost:8000")  # type: ignore[call-arg]
