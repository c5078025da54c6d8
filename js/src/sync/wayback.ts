/** The uplink of one connection, with the readers it acts on: what the kernel answers changes where they are. */

import { type Cursor, parseCursor } from "../connection/cursor.ts";
import type { FeedRoster } from "../connection/feeds.ts";
import type { Answer, Way } from "../connection/way.ts";
import type { Env } from "../env.ts";
import { type FeedAnswer, MAX_BODY_BYTES } from "../protocol.ts";
import { Uplink } from "./uplink.ts";

const RECEIVED_TIMEOUT_MS = 30_000;
const NO_WAY: Answer = { kind: "unreachable" };

export interface WayBackEvents {
	/** Stop reading (true), or go on (false). */
	hold(on: boolean): void;
	/** The secret is not valid. */
	refused(): void;
	/** Something on the way takes no body that holds one pack. */
	tooLarge(way: Way): void;
	/** Readers went back or left; `back` has to be asked for again from its cursor. */
	changed(back: object | null): void;
}

/**
 * Whether this feed has to go back for Python. Also if the kernel does not say so: what a closed connection had not sent
 * would otherwise be missing until the next event comes.
 */
export function mustGoBack(answer: FeedAnswer, synced: Cursor | null, waits: boolean): boolean {
	if (answer.resume) return true;
	const cursor = parseCursor(answer.cursor);
	if (waits || cursor === null || synced === null) return false;
	return cursor.epoch === synced.epoch && cursor.last < synced.last;
}

export function openWayBack(
	env: Env,
	page: string,
	way: () => Way | null,
	roster: FeedRoster,
	on: WayBackEvents,
): Uplink {
	function answered(feed: string, answer: FeedAnswer | null): void {
		const subscriber = roster.known(feed);
		if (subscriber === undefined) return;
		if (answer !== null) {
			subscriber.answered(answer);
			const back = mustGoBack(answer, subscriber.synced.cursor, uplink.waitsFor(feed));
			if (!back || !subscriber.viaHttp) return;
		}
		uplink.drop(feed);
		if (answer === null) {
			roster.remove(subscriber);
			subscriber.closed();
			on.changed(null);
		} else {
			subscriber.synced.cursor = parseCursor(answer.cursor);
			on.changed(subscriber.synced);
		}
	}

	const uplink: Uplink = new Uplink(env, {
		page,
		get maxBodyBytes() {
			return way()?.maxBodyBytes ?? MAX_BODY_BYTES;
		},
		post: async (body) => (await way()?.post("/received", body, RECEIVED_TIMEOUT_MS)) ?? NO_WAY,
		reported: () => roster.knownFeeds(),
		report: (feed, waiting) => roster.known(feed)?.report(waiting) ?? null,
		answered,
		hold: (held) => {
			// Besides what is in flight, which may take long: without a stream, the kernel soon takes a page for gone.
			if (held)
				void way()?.post(
					"/received",
					`{"page":${JSON.stringify(page)},"feeds":{},"held":true}`,
					RECEIVED_TIMEOUT_MS,
				);
			on.hold(held);
		},
		refused: on.refused,
		tooLarge: () => {
			const there = way();
			if (there !== null) on.tooLarge(there);
		},
		moved: () => {
			roster.flush((feed) => uplink.waitsFor(feed));
			if (roster.empty) on.changed(null);
		},
	});
	return uplink;
}
