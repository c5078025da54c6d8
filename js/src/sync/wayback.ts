/** The uplink of one connection, with the readers it acts on: what the kernel answers changes where they are. */

import { parseCursor } from "../connection/cursor.ts";
import type { Access } from "../connection/proof.ts";
import type { Roster } from "../connection/roster.ts";
import type { Env } from "../env.ts";
import type { FeedAnswer } from "../protocol.ts";
import { Uplink } from "./uplink.ts";

const RECEIVED_TIMEOUT_MS = 30_000;

export interface WayBackEvents {
	/** Stop reading (true), or go on (false). */
	hold(on: boolean): void;
	/** The secret is not valid. */
	refused(): void;
	/** Readers went back or left; `back` has to be asked for again from its cursor. */
	changed(back: object | null): void;
}

export function openWayBack(
	env: Env,
	page: string,
	access: Access,
	roster: Roster,
	on: WayBackEvents,
): Uplink {
	function answered(feed: string, answer: FeedAnswer | null): void {
		const subscriber = roster.known(feed);
		if (subscriber === undefined || (answer !== null && !answer.resume)) return;
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
		post: (body) => access.post("/received", body, RECEIVED_TIMEOUT_MS),
		reported: () => roster.knownFeeds(),
		report: (feed, waiting) => roster.known(feed)?.report(waiting) ?? null,
		answered,
		hold: on.hold,
		refused: on.refused,
		moved: () => {
			roster.flush((feed) => uplink.waitsFor(feed));
			if (roster.empty) on.changed(null);
		},
	});
	return uplink;
}
