// npm "@microsoft/fetch-event-source": made for a page; of that, Node has no window.
globalThis.window = globalThis;
globalThis.document = Object.assign(new EventTarget(), { hidden: false });
const { fetchEventSource } = await import("@microsoft/fetch-event-source");

const [, , url, bearer] = process.argv;
const over = new AbortController();
await fetchEventSource(url, {
	headers: { Authorization: `Bearer ${bearer}` },
	openWhenHidden: true,
	signal: over.signal,
	onclose: () => {
		throw new Error("closed too early"); // then it connects again
	},
	onmessage: ({ event, data, id }) => {
		if (event === "ended") over.abort();
		else if (event !== "heartbeat" && data !== "")
			console.log(JSON.stringify({ type: event || "message", data: JSON.parse(data), id }));
	},
});
