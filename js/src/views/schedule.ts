/**
 * When a view draws: at most once a frame, and in hidden pages, where frames stop, by a timer.
 */

const HIDDEN_MS = 250;

export class Schedule {
	readonly #draw: () => void;
	readonly #signal: AbortSignal;
	#frame: number | null = null;
	#fallback: ReturnType<typeof setTimeout> | null = null;
	#later: ReturnType<typeof setTimeout> | null = null;
	#laterAt = Number.POSITIVE_INFINITY;

	constructor(draw: () => void, signal: AbortSignal) {
		this.#draw = draw;
		this.#signal = signal;
		signal.addEventListener("abort", () => {
			this.#cancel();
			if (this.#later !== null) clearTimeout(this.#later);
		});
	}

	/** With the next frame. */
	soon(): void {
		if (this.#fallback !== null || this.#signal.aborted) return;
		this.#frame = requestAnimationFrame(() => this.#run());
		this.#fallback = setTimeout(() => this.#run(), HIDDEN_MS);
	}

	/** In `ms` at the latest. */
	later(ms: number): void {
		const at = performance.now() + ms;
		if (at >= this.#laterAt || this.#signal.aborted) return;
		if (this.#later !== null) clearTimeout(this.#later);
		this.#laterAt = at;
		this.#later = setTimeout(() => {
			this.#laterAt = Number.POSITIVE_INFINITY;
			this.soon();
		}, ms);
	}

	#cancel(): void {
		if (this.#frame !== null) cancelAnimationFrame(this.#frame);
		if (this.#fallback !== null) clearTimeout(this.#fallback);
		this.#frame = null;
		this.#fallback = null;
	}

	#run(): void {
		this.#cancel();
		if (!this.#signal.aborted) this.#draw();
	}
}
