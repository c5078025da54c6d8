const FIRST_MS = 250;
const LONGEST_MS = 10_000;

/** Full jitter: a delay between zero and a ceiling that doubles, so that many pages do not return in step. */
export class Backoff {
	readonly #random: () => number;
	#ceilingMs: number;

	constructor(random: () => number, firstMs = FIRST_MS) {
		this.#random = random;
		this.#ceilingMs = firstMs;
	}

	/** The delay before the next try [ms]. */
	next(longestMs = LONGEST_MS): number {
		const delay = this.#random() * Math.min(this.#ceilingMs, longestMs);
		this.#ceilingMs = Math.min(this.#ceilingMs * 2, longestMs);
		return delay;
	}

	reset(): void {
		this.#ceilingMs = FIRST_MS;
	}
}
