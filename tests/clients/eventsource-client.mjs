// npm "eventsource-client".
import { createEventSource } from "eventsource-client";

const [, , url, bearer] = process.argv;
const source = createEventSource({ url, headers: { Authorization: `Bearer ${bearer}` } });
for await (const { event, data, id } of source) {
	if (event === "ended") break;
	if (event !== "heartbeat") console.log(JSON.stringify({ type: event ?? "message", data: JSON.parse(data), id }));
}
source.close();
