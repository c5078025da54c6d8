"""httpx-sse, which reads one response: connecting again is its user's."""

from __future__ import annotations

import json
import sys

import httpx
from httpx_sse import connect_sse

url, bearer = sys.argv[1:]
headers = {"Authorization": f"Bearer {bearer}"}
with httpx.Client(timeout=20) as client:
    while True:
        try:
            with connect_sse(client, "GET", url, headers=headers) as source:
                for event in source.iter_sse():
                    if event.event == "ended":
                        sys.exit()
                    if event.data and event.event != "heartbeat":
                        print(json.dumps({"type": event.event, "data": event.json(), "id": event.id}))
                    if event.id:
                        headers["Last-Event-ID"] = event.id
        except httpx.TransportError:
            continue  # cut
