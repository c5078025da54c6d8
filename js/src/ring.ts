/** The last records of a feed, for its views. */

import type { Json } from "./protocol.ts";

export interface EventRecord {
	readonly kind: "event";
	readonly id: string;
	readonly timeMs: number;
	readonly type: string;
	readonly data: Json;
}

export interface GapRecord {
	readonly kind: "gap";
	/** The id of the last event that is missing. */
	readonly id: string;
	/** Null: nobody knows how many. */
	readonly lost: number | null;
}

export type FeedRecord = EventRecord | GapRecord;

const MAX_RECORDS = 10_000;
/** Characters of JSON as it came, about one byte each. */
const MAX_CHARS = 8 * 1024 * 1024;

interface Slot {
	readonly record: FeedRecord;
	readonly chars: number;
}

/**
 * Bounded by number and size; the oldest go first.
 *
 * Positions only grow: the record at a position stays there, until it is gone. So a view remembers one number.
 */
export class Ring {
	readonly #slots: (Slot | undefined)[] = [];
	#start = 0;
	#end = 0;
	#chars = 0;

	/** Position of the oldest record. */
	get start(): number {
		return this.#start;
	}

	/** Position after the newest record. */
	get end(): number {
		return this.#end;
	}

	push(record: FeedRecord, chars: number): void {
		if (this.#end - this.#start === MAX_RECORDS) this.#dropOldest();
		this.#slots[this.#end % MAX_RECORDS] = { record, chars };
		this.#end += 1;
		this.#chars += chars;
		while (this.#chars > MAX_CHARS && this.#end - this.#start > 1) this.#dropOldest();
	}

	/** The record at a position; undefined if it is gone or not there yet. */
	at(position: number): FeedRecord | undefined {
		if (position < this.#start || position >= this.#end) return undefined;
		return this.#slots[position % MAX_RECORDS]?.record;
	}

	#dropOldest(): void {
		const at = this.#start % MAX_RECORDS;
		this.#chars -= this.#slots[at]?.chars ?? 0;
		this.#slots[at] = undefined;
		this.#start += 1;
	}
}
