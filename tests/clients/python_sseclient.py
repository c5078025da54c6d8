"""sseclient-py over requests: one response too."""

from __future__ import annotations

import json
import sys

import requests
import sseclient

url, bearer = sys.argv[1:]
headers = {"Authorization": f"Bearer {bearer}", "Accept": "text/event-stream"}
while True:
    try:
        with requests.get(url, headers=headers, stream=True, timeout=20) as response:
            for event in sseclient.SSEClient(response.iter_content(1 << 14)).events():
                if event.event == "ended":
                    sys.exit()
                if event.event != "heartbeat":
                    print(json.dumps({"type": event.event, "data": json.loads(event.data), "id": event.id}))
                if event.id:
                    headers["Last-Event-ID"] = event.id
    except requests.RequestException:
        continue  # cut
