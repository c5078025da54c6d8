/** A feed in plain data, for tests and debugging. */

import { formatCursor } from "./connection/cursor.ts";
import type { Feed } from "./feed.ts";

export function statsOf(feed: Feed, transport_log: readonly string[], views: number): object {
	return {
		feed: feed.feed,
		channel: feed.channel,
		state: feed.state,
		transport: feed.transport,
		transport_log,
		text: feed.text,
		count: feed.tally.count,
		lost: feed.tally.lost,
		cursor: formatCursor(feed.shown.cursor),
		synced: formatCursor(feed.synced.cursor),
		latency_ms: feed.tally.latencyMs,
		views,
	};
}
