// npm "eventsource": the browser's EventSource for Node; headers by a fetch of our own.
import { EventSource } from "eventsource";

const [, , url, bearer] = process.argv;
const source = new EventSource(url, {
	fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, Authorization: `Bearer ${bearer}` } }),
});
const tell = (event) =>
	console.log(JSON.stringify({ type: event.type, data: JSON.parse(event.data), id: event.lastEventId }));
for (const type of ["message", "trade", "gap"]) source.addEventListener(type, tell);
source.addEventListener("ended", () => source.close());
