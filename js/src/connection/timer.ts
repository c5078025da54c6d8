import type { Basics } from "../basics.ts";

/** One thing that will happen once: starting it again moves it. */
export class Timer {
	readonly #env: Basics;
	readonly #fire: () => void;
	#cancel: (() => void) | null = null;

	constructor(env: Basics, fire: () => void) {
		this.#env = env;
		this.#fire = fire;
	}

	get running(): boolean {
		return this.#cancel !== null;
	}

	start(ms: number): void {
		this.cancel();
		this.#cancel = this.#env.later(ms, () => {
			this.#cancel = null;
			this.#fire();
		});
	}

	cancel(): void {
		this.#cancel?.();
		this.#cancel = null;
	}
}

/** Something that is done at the end of this task, once however often it was asked for. */
export class Soon {
	readonly #act: () => void;
	#asked = false;

	constructor(act: () => void) {
		this.#act = act;
	}

	ask(): void {
		if (this.#asked) return;
		this.#asked = true;
		queueMicrotask(() => {
			this.#asked = false;
			this.#act();
		});
	}
}
