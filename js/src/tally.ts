/** What a feed has taken: its records, its counts, its rate, its latency. */

import type { Cursor } from "./connection/cursor.ts";
import { lostIn, type Pack } from "./protocol.ts";
import { Rate } from "./rate.ts";
import { type FeedRecord, Ring } from "./ring.ts";

/** Older events are history that comes again, not what happens now. */
const LIVE_MS = 5_000;

export type Tap = (record: FeedRecord) => void;

export class Tally {
	readonly ring = new Ring();
	count = 0;
	/** Events lost whose number is known. */
	lost = 0;
	/** There was a gap of unknown size, too. */
	lostUnknown = false;
	/** From push to here [ms], of the newest live event; null before there is one. */
	latencyMs: number | null = null;
	readonly #rate = new Rate();
	readonly #taps = new Set<Tap>();

	/** Get every event and gap from now on; returns the way to stop. */
	tap(fn: Tap): () => void {
		this.#taps.add(fn);
		return () => this.#taps.delete(fn);
	}

	rate(nowMs: number): number {
		return this.#rate.perSecond(nowMs);
	}

	take(pack: Pack, from: number, lost: number | null, chars: number, nowMs: number): void {
		if (lost !== 0) this.#gap({ epoch: pack.epoch, last: pack.first - 1 }, lost);
		const each = Math.ceil(chars / Math.max(pack.events.length, 1));
		let live = 0;
		for (let at = from; at < pack.events.length; at += 1) {
			const event = pack.events[at];
			if (event === undefined) continue;
			const [timeUs, type, data] = event;
			if (type === "gap") {
				this.#gap({ epoch: pack.epoch, last: pack.first + at }, lostIn(data));
				continue;
			}
			const timeMs = timeUs / 1000;
			if (nowMs - timeMs < LIVE_MS) live += 1;
			this.#push({ kind: "event", id: `${pack.epoch}-${pack.first + at}`, timeMs, type, data }, each);
			this.count += 1;
		}
		if (live === 0) return;
		this.#rate.add(live, nowMs);
		const newest = pack.events.at(-1);
		if (newest !== undefined) this.latencyMs = Math.max(0, nowMs - newest[0] / 1000);
	}

	#gap(end: Cursor, lost: number | null): void {
		if (lost === null) this.lostUnknown = true;
		else this.lost += lost;
		this.#push({ kind: "gap", id: `${end.epoch}-${end.last}`, lost }, 0);
	}

	#push(record: FeedRecord, chars: number): void {
		this.ring.push(record, chars);
		for (const tap of this.#taps) tap(record);
	}
}
