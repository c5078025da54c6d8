/**
 * A reader's place in a channel, and how it reads a pack: the rules of docs/protocol.md, section 3.
 *
 * The twin of `sse_widget/core/receiver.py`: it looks at numbers only.
 */

import type { Pack } from "../protocol.ts";

/** The last event a reader has; `last` 0 is "before the first". */
export interface Cursor {
	readonly epoch: string;
	readonly last: number;
}

export type Reading =
	/** Nothing new in it. */
	| { readonly kind: "skip" }
	/** There is a hole nobody announced: take nothing and ask again from the cursor. */
	| { readonly kind: "refuse" }
	/** Take `events.slice(from)`, after a gap of `lost` events (0: none; null: nobody knows how many). */
	| { readonly kind: "take"; readonly from: number; readonly lost: number | null };

const SKIP: Reading = { kind: "skip" };
const REFUSE: Reading = { kind: "refuse" };
const REMEMBERED_EPOCHS = 16;

/** Null for the empty text ("from the oldest event there is") and for what is not a cursor. */
export function parseCursor(text: string): Cursor | null {
	const match = /^([0-9a-zA-Z_]{1,64})-(0|[1-9][0-9]{0,14})$/.exec(text);
	if (match === null) return null;
	return { epoch: match[1] ?? "", last: Number(match[2]) };
}

export function formatCursor(cursor: Cursor | null): string {
	return cursor === null ? "" : `${cursor.epoch}-${cursor.last}`;
}

export function endOf(pack: Pack): Cursor {
	return { epoch: pack.epoch, last: pack.first + pack.events.length - 1 };
}

/** One reader of a channel: each sequence once, in order, or a gap. */
export class Reader {
	/** Null: from the oldest event there is. */
	cursor: Cursor | null;
	#pastEpochs: string[] = [];

	constructor(cursor: Cursor | null) {
		this.cursor = cursor;
	}

	/** Decide about a pack, and move the cursor. */
	read(pack: Pack): Reading {
		const { cursor } = this;
		const gap = pack.gap === true;
		if (cursor === null) return this.#take(pack, 0, gap ? null : 0);
		if (cursor.epoch !== pack.epoch) return this.#readOtherEpoch(cursor, pack);
		const missing = pack.first - 1 - cursor.last;
		if (missing > 0) return gap ? this.#take(pack, 0, pack.unsure === true ? null : missing) : REFUSE;
		if (endOf(pack).last <= cursor.last) return SKIP;
		return this.#take(pack, cursor.last + 1 - pack.first, 0);
	}

	#readOtherEpoch(cursor: Cursor, pack: Pack): Reading {
		// From before the channel was made anew: what it holds was read, or announced as lost.
		if (this.#pastEpochs.includes(pack.epoch)) return SKIP;
		if (pack.gap !== true) return REFUSE;
		this.#pastEpochs = [...this.#pastEpochs, cursor.epoch].slice(-REMEMBERED_EPOCHS);
		return this.#take(pack, 0, null);
	}

	#take(pack: Pack, from: number, lost: number | null): Reading {
		this.cursor = endOf(pack);
		return { kind: "take", from, lost };
	}
}

/** True if a stream that has sent everything up to `sent` will serve a reader at `cursor` from now on. */
export function joins(cursor: Cursor | null, sent: Cursor): boolean {
	return cursor !== null && cursor.epoch === sent.epoch && cursor.last >= sent.last;
}

/**
 * The one cursor to ask from, so that every reader gets all it lacks or a gap.
 *
 * A reader of another epoch than the log's comes first: only its cursor makes the server say `gap`, and a pack with
 * `gap` serves the others too (they skip what they have). Then one without a cursor, then the smallest sequence.
 */
export function earliest(cursors: readonly (Cursor | null)[], epoch: string | null): Cursor | null {
	const known = epoch ?? cursors.find((cursor) => cursor !== null)?.epoch;
	let best: Cursor | null = null;
	let fromOldest = false;
	for (const cursor of cursors) {
		if (cursor === null) fromOldest = true;
		else if (cursor.epoch !== known) return cursor;
		else if (best === null || cursor.last < best.last) best = cursor;
	}
	return fromOldest ? null : best;
}
