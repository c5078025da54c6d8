const BUCKET_MS = 250;
const BUCKETS = 8;

/** Events a second over the last two seconds. */
export class Rate {
	readonly #counts = new Array<number>(BUCKETS).fill(0);
	#newest = 0;

	add(count: number, nowMs: number): void {
		this.#advance(nowMs);
		const at = this.#newest % BUCKETS;
		this.#counts[at] = (this.#counts[at] ?? 0) + count;
	}

	perSecond(nowMs: number): number {
		this.#advance(nowMs);
		const sum = this.#counts.reduce((total, count) => total + count, 0);
		return (sum * 1000) / (BUCKETS * BUCKET_MS);
	}

	#advance(nowMs: number): void {
		const bucket = Math.floor(nowMs / BUCKET_MS);
		const steps = Math.min(bucket - this.#newest, BUCKETS);
		for (let step = 0; step < steps; step += 1) this.#counts[(bucket - step) % BUCKETS] = 0;
		if (steps > 0) this.#newest = bucket;
	}
}
