/** The numbers of the last seconds, in buckets of time: bounded however many come, and as fine as they are few. */

const MAX_BUCKETS = 120;
const FINEST_MS = 50;

export interface Bucket {
	/** Number of the bucket: its time divided by the width. */
	at: number;
	count: number;
	sum: number;
	min: number;
	max: number;
	first: number;
	last: number;
}

export type Reduce = "last" | "mean" | "min" | "max";

export function reduced(bucket: Bucket, by: Reduce): number {
	return by === "mean" ? bucket.sum / bucket.count : bucket[by];
}

function merge(into: Bucket, later: Bucket): void {
	into.count += later.count;
	into.sum += later.sum;
	into.min = Math.min(into.min, later.min);
	into.max = Math.max(into.max, later.max);
	into.last = later.last;
}

export class Span {
	readonly #spanMs: number;
	#widthMs = FINEST_MS;
	#buckets: Bucket[] = [];

	constructor(spanMs: number) {
		this.#spanMs = spanMs;
	}

	add(timeMs: number, value: number): void {
		const at = Math.floor(timeMs / this.#widthMs);
		const made = { at, count: 1, sum: value, min: value, max: value, first: value, last: value };
		const newest = this.#buckets.at(-1);
		// What comes late counts as of now: the order of events is that of the channel, not of clocks.
		if (newest !== undefined && at <= newest.at) merge(newest, made);
		else {
			this.#buckets.push(made);
			this.#trim(timeMs);
			while (this.#buckets.length > MAX_BUCKETS) this.#coarsen();
		}
	}

	/** The buckets that are not older than the span, oldest first. */
	since(nowMs: number): readonly Bucket[] {
		this.#trim(nowMs);
		return this.#buckets;
	}

	/** The middle of a bucket [ms]. */
	timeOf(bucket: Bucket): number {
		return (bucket.at + 0.5) * this.#widthMs;
	}

	#trim(nowMs: number): void {
		const oldest = (nowMs - this.#spanMs) / this.#widthMs - 1;
		const kept = this.#buckets.findIndex((bucket) => bucket.at >= oldest);
		if (kept !== 0) this.#buckets.splice(0, kept < 0 ? this.#buckets.length : kept);
	}

	#coarsen(): void {
		this.#widthMs *= 2;
		const merged: Bucket[] = [];
		for (const bucket of this.#buckets) {
			const newest = merged.at(-1);
			const at = Math.floor(bucket.at / 2);
			if (newest?.at === at) merge(newest, bucket);
			else merged.push({ ...bucket, at });
		}
		this.#buckets = merged;
	}
}
