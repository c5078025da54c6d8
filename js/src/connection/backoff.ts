const FIRST_MS = 250;
const LONGEST_MS = 10_000;

/** Full jitter: a delay between zero and a ceiling that doubles, so that many pages do not return in step. */
export class Backoff {
	readonly #random: () => number;
	#ceilingMs = FIRST_MS;

	constructor(random: () => number) {
		this.#random = random;
	}

	/** The delay before the next try [ms]. */
	next(): number {
		const delay = this.#random() * this.#ceilingMs;
		this.#ceilingMs = Math.min(this.#ceilingMs * 2, LONGEST_MS);
		return delay;
	}

	reset(): void {
		this.#ceilingMs = FIRST_MS;
	}
}
