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

	/** Not before `ms` have passed, unless something else asks for it. */
	later(ms: number): void {
		if (this.#later !== null || this.#signal.aborted) return;
		this.#later = setTimeout(() => {
			this.#later = null;
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
