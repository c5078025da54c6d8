/** Which records of a ring a view shows: all, or those that match the reader's filter. */

import type { FeedRecord, Ring } from "../ring.ts";

function matches(record: FeedRecord, query: string): boolean {
	if (record.kind === "gap") return true; // what is lost might have matched
	if (record.type.toLowerCase().includes(query)) return true;
	return (JSON.stringify(record.data) ?? "").toLowerCase().includes(query);
}

export class Selection {
	readonly #ring: Ring;
	#query = "";
	/** Positions that match, ascending; in use only with a query. */
	#found: number[] = [];
	#gaps: number[] = [];
	#scanned = 0;

	constructor(ring: Ring) {
		this.#ring = ring;
	}

	get query(): string {
		return this.#query;
	}

	filter(query: string, from: number): void {
		this.#query = query.trim().toLowerCase();
		this.#found = [];
		this.#gaps = [];
		this.#scanned = from;
		this.update();
	}

	/** Look at what is new in the ring, and forget what is gone from it. */
	update(): void {
		if (this.#query === "") return;
		const { start, end } = this.#ring;
		for (let position = Math.max(this.#scanned, start); position < end; position += 1) {
			const record = this.#ring.at(position);
			if (record === undefined || !matches(record, this.#query)) continue;
			this.#found.push(position);
			if (record.kind === "gap") this.#gaps.push(position);
		}
		this.#scanned = end;
		this.#found = since(this.#found, start);
		this.#gaps = since(this.#gaps, start);
	}

	/** Events that match. */
	get matching(): number {
		return this.#found.length - this.#gaps.length;
	}

	/** How many are shown or would be, from a position on. */
	countFrom(position: number): number {
		if (this.#query === "") return this.#ring.end - position;
		return since(this.#found, position).length;
	}

	/** Positions of the last `most` records between two positions. */
	last(most: number, from: number, until: number): number[] {
		const start = Math.max(from, this.#ring.start);
		if (this.#query !== "") {
			const found = since(this.#found, start);
			return found.slice(0, found.length - since(found, until).length).slice(-most);
		}
		const first = Math.max(start, until - most);
		return Array.from({ length: Math.max(until - first, 0) }, (_, at) => first + at);
	}
}

/** The part of an ascending list from a value on; the list itself if that is all of it. */
function since(list: number[], value: number): number[] {
	let low = 0;
	let high = list.length;
	while (low < high) {
		const middle = (low + high) >> 1;
		if ((list[middle] ?? value) < value) low = middle + 1;
		else high = middle;
	}
	return low === 0 ? list : list.slice(low);
}
