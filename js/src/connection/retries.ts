import type { Basics } from "../basics.ts";
import { Backoff } from "./backoff.ts";
import { Timer } from "./timer.ts";

/** How long to let the kernel answer `hello` before the old secret is tried once more. */
const WELCOME_WAIT_MS = 5_000;
/** A way that never worked may well never do; one that worked is tried again sooner. */
const FIRST_MS = 1_000;
/** While the events come another way, nobody waits. */
const LONGEST_MS = 600_000;
/** When the next try is due, by what went wrong. */
export class Retries {
	readonly #timer: Timer;
	readonly #trouble: Backoff;
	readonly #rejoin: Backoff;
	#rejoins = 0;
	#refusals = 0;

	constructor(env: Basics, retry: () => void) {
		this.#timer = new Timer(env, retry);
		this.#trouble = new Backoff(env.random, FIRST_MS);
		this.#rejoin = new Backoff(env.random);
	}

	/** A try is due later: until then, none. */
	get waiting(): boolean {
		return this.#timer.running;
	}

	/** The secret was refused, and no stream has opened since. */
	get refused(): boolean {
		return this.#refusals > 0;
	}

	cancel(): void {
		this.#timer.cancel();
	}

	/** The stream is open. */
	opened(): void {
		this.#trouble.reset();
		this.#refusals = 0;
	}

	/** All readers have all that was sent. */
	joined(): void {
		this.#rejoins = 0;
		this.#rejoin.reset();
	}

	/** `urgent`: somebody waits for events. */
	afterTrouble(urgent: boolean): void {
		this.#timer.start(urgent ? this.#trouble.next() : this.#trouble.next(LONGEST_MS));
	}

	/** False if that was the second time: it is over. */
	afterRefusal(): boolean {
		this.#refusals += 1;
		if (this.#refusals === 1) this.#timer.start(WELCOME_WAIT_MS);
		return this.#refusals === 1;
	}

	/** A reader has to ask again: at once the first time, with backoff while that does not help. */
	afterMiss(): void {
		this.#rejoins += 1;
		this.#timer.start(this.#rejoins === 1 ? 0 : this.#rejoin.next());
	}
}
