/** One channel, read by one call: each event once, in order, or its loss announced. */

import { type Cursor, Reader } from "../connection/cursor.ts";
import type { LinkState, Listener, Raised } from "../connection/subscriber.ts";
import { lostIn, type Pack, type WireEvent } from "../protocol.ts";

export interface ReadingHost {
	event(event: WireEvent, id: string, channel: string): void;
	gap(channel: string, lost: number | null): void;
	link(state: LinkState): void;
	/** The secret is not valid. */
	refused(): void;
	ended(reading: Reading, unread: boolean, error: Raised | null): void;
}

export interface What {
	/** Its name among the subscribers of a connection. */
	readonly feed: string;
	readonly channel: string;
	/** Null: from the oldest event there is. */
	readonly start: Cursor | null;
}

export class Reading implements Listener {
	readonly feed: string;
	readonly channel: string;
	readonly shown: Reader;
	/** The same one: nothing goes back to Python. */
	readonly synced: Reader;
	readonly #host: ReadingHost;
	over = false;

	constructor({ feed, channel, start }: What, host: ReadingHost) {
		this.feed = feed;
		this.channel = channel;
		this.shown = new Reader(start);
		this.synced = this.shown;
		this.#host = host;
	}

	take(pack: Pack, from: number, lost: number | null): void {
		if (lost !== 0 && !this.over) this.#host.gap(this.channel, lost);
		for (let at = from; at < pack.events.length && !this.over; at += 1) {
			const event = pack.events[at];
			if (event?.[1] === "gap") this.#host.gap(this.channel, lostIn(event[2]));
			else if (event) this.#host.event(event, `${pack.epoch}-${pack.first + at}`, this.channel);
		}
	}

	link(state: LinkState): void {
		if (!this.over) this.#host.link(state);
	}

	ended(unread: boolean, error: Raised | null = null): void {
		if (this.over) return;
		this.over = true;
		this.#host.ended(this, unread, error);
	}

	hello(): void {
		if (!this.over) this.#host.refused();
	}
}
