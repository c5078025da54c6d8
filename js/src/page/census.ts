/** What there is: the channels, as the server lists them once a second, and what that means per second. */

import { asObject } from "../protocol.ts";

const HISTORY = 60;
/** Figures are of so many seconds: short enough to be live, long enough to be read. */
const SPAN_MS = 3_000;

export interface ReaderCount {
	readonly label: string;
	readonly behind: number;
}

export interface Counts {
	readonly name: string;
	readonly newest: string;
	readonly run: boolean;
	readonly pushed: number;
	readonly pushed_bytes: number;
	readonly held: number;
	readonly held_bytes: number;
	readonly dropped: number;
	readonly lost: number;
	readonly readers: readonly ReaderCount[];
}

interface Sample {
	readonly atMs: number;
	readonly pushed: number;
	readonly bytes: number;
}

function numberOf(value: unknown): number {
	return typeof value === "number" ? value : 0;
}

function asReaders(value: unknown): ReaderCount[] {
	return (Array.isArray(value) ? value : []).map((each) => {
		const reader = asObject(each);
		return { label: String(reader?.label), behind: numberOf(reader?.behind) };
	});
}

export function asCounts(value: unknown): Counts | null {
	const object = asObject(value);
	if (object === null || typeof object.name !== "string" || typeof object.newest !== "string") return null;
	return {
		name: object.name,
		newest: object.newest,
		run: object.run === true,
		pushed: numberOf(object.pushed),
		pushed_bytes: numberOf(object.pushed_bytes),
		held: numberOf(object.held),
		held_bytes: numberOf(object.held_bytes),
		dropped: numberOf(object.dropped),
		lost: numberOf(object.lost),
		readers: asReaders(object.readers),
	};
}

/** One channel, and how it has gone of late. */
export class Entry {
	counts: Counts;
	/** Events a second, one number a look, oldest first. */
	readonly rates: number[] = [];
	#samples: Sample[] = [];

	constructor(counts: Counts, nowMs: number) {
		this.counts = counts;
		this.#note(nowMs);
	}

	look(counts: Counts, nowMs: number): void {
		// Made anew under the same name: what was before is another channel's.
		const same = counts.newest.split("-")[0] === this.counts.newest.split("-")[0];
		if (!same) this.#samples = [];
		const before = same ? this.counts.pushed : 0;
		const seconds = (nowMs - (this.#samples.at(-1)?.atMs ?? nowMs - 1000)) / 1000;
		this.rates.push(Math.max(counts.pushed - before, 0) / Math.max(seconds, 0.001));
		if (this.rates.length > HISTORY) this.rates.shift();
		this.counts = counts;
		this.#note(nowMs);
	}

	get eventsPerSecond(): number {
		return this.#perSecond((sample) => sample.pushed);
	}

	get bytesPerSecond(): number {
		return this.#perSecond((sample) => sample.bytes);
	}

	/** Of the slowest reader [events]. */
	get behind(): number {
		return Math.max(0, ...this.counts.readers.map((reader) => reader.behind));
	}

	/** Whether so many events behind is more than what is always on its way: those of about a second. */
	lags(behind: number): boolean {
		return behind > this.eventsPerSecond + 10;
	}

	#note(atMs: number): void {
		this.#samples.push({ atMs, pushed: this.counts.pushed, bytes: this.counts.pushed_bytes });
		while (this.#samples.length > 2 && atMs - (this.#samples[1]?.atMs ?? atMs) >= SPAN_MS)
			this.#samples.shift();
	}

	#perSecond(of: (sample: Sample) => number): number {
		const [first, last] = [this.#samples[0], this.#samples.at(-1)];
		if (first === undefined || last === undefined || last.atMs <= first.atMs) return 0;
		return ((of(last) - of(first)) * 1000) / (last.atMs - first.atMs);
	}
}

export class Census {
	readonly entries = new Map<string, Entry>();

	/** Take a new list: what is not in it is no more. */
	take(list: readonly unknown[], nowMs: number): void {
		const found = list.map(asCounts).filter((counts) => counts !== null);
		const names = new Set(found.map((counts) => counts.name));
		for (const name of this.entries.keys()) if (!names.has(name)) this.entries.delete(name);
		for (const counts of found) {
			const entry = this.entries.get(counts.name);
			if (entry === undefined) this.entries.set(counts.name, new Entry(counts, nowMs));
			else entry.look(counts, nowMs);
		}
	}

	/** Over all channels. */
	sum(of: (entry: Entry) => number): number {
		return [...this.entries.values()].reduce((total, entry) => total + of(entry), 0);
	}
}
