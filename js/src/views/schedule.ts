/**
 * When a view draws: at most once a frame; by a timer in hidden pages, where frames stop; seldom out of sight.
 *
 * Drawing shares the page's one thread with reading and with the way back to Python, and twenty logs under load could
 * take all of it. So all views together draw for a quarter of the time at the most.
 */

import type { DrawBudget } from "../connection/page.ts";

const HIDDEN_MS = 250;
const OUT_OF_SIGHT_MS = 1_000;
/** Rest that follows a draw, in multiples of what it took; bounded, so that one slow draw does not stop the views. */
const REST = 3;
const MAX_REST_MS = 1_000;

type TimerId = ReturnType<typeof setTimeout>;

export class Schedule {
	readonly #draw: () => void;
	readonly #signal: AbortSignal;
	readonly #budget: DrawBudget;
	#inSight = true;
	#frame: number | null = null;
	#timer: TimerId | null = null;
	#later: TimerId | null = null;
	#laterAt = Number.POSITIVE_INFINITY;

	constructor(draw: () => void, signal: AbortSignal, budget: DrawBudget) {
		this.#draw = draw;
		this.#signal = signal;
		this.#budget = budget;
		signal.addEventListener("abort", () => {
			this.#cancel();
			if (this.#later !== null) clearTimeout(this.#later);
		});
	}

	/** Whether the reader can see the element, as far as anybody knows. */
	get seen(): boolean {
		return this.#inSight && document.visibilityState !== "hidden";
	}

	/** Draw seldom while the reader cannot see the element. */
	watch(element: Element): void {
		const observer = new IntersectionObserver((entries) => {
			this.#inSight = entries.at(-1)?.isIntersecting ?? true;
			if (!this.#inSight) return;
			this.#cancel();
			this.soon();
		});
		observer.observe(element);
		document.addEventListener("visibilitychange", () => this.soon(), { signal: this.#signal });
		this.#signal.addEventListener("abort", () => observer.disconnect());
	}

	/** With the next frame for which there is time. */
	soon(): void {
		if (this.#timer !== null || this.#signal.aborted) return;
		const rest = this.#inSight ? this.#budget.freeAt - performance.now() : OUT_OF_SIGHT_MS;
		if (rest > 0) {
			this.#timer = setTimeout(() => {
				this.#timer = null;
				this.#nextFrame();
			}, rest);
		} else this.#nextFrame();
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

	#nextFrame(): void {
		this.#frame = requestAnimationFrame(() => this.#run());
		this.#timer = setTimeout(() => this.#run(), HIDDEN_MS);
	}

	#cancel(): void {
		if (this.#frame !== null) cancelAnimationFrame(this.#frame);
		if (this.#timer !== null) clearTimeout(this.#timer);
		this.#frame = null;
		this.#timer = null;
	}

	#run(): void {
		this.#cancel();
		if (this.#signal.aborted) return;
		const start = performance.now();
		this.#draw();
		const end = performance.now();
		this.#budget.freeAt = Math.max(this.#budget.freeAt, end + Math.min((end - start) * REST, MAX_REST_MS));
	}
}
