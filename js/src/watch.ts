/** Whether the kernel is still there, after the host has said that the comm was lost, or came back: it says not which. */

import { Timer } from "./connection/timer.ts";
import type { Env } from "./env.ts";

/** For the kernel to answer `hello`, where nothing else shows whether it lives. */
const HELLO_MS = 2_500;

export interface WatchHost {
	/** Ask the kernel's server whether it is gone; null: there is no way to ask. */
	ask(): Promise<boolean | null>;
	/** Ask the kernel for a new `welcome`. */
	hello(): void;
	gone(): void;
}

export class KernelWatch {
	readonly #host: WatchHost;
	readonly #timer: Timer;
	#round = 0;

	constructor(env: Env, host: WatchHost) {
		this.#host = host;
		this.#timer = new Timer(env, () => host.gone());
	}

	/** The host says that something happened to the comm. */
	async suspect(): Promise<void> {
		this.#round += 1;
		const round = this.#round;
		const gone = await this.#host.ask();
		if (round !== this.#round) return;
		if (gone === true) this.#host.gone();
		else this.#host.hello();
		if (gone === null) this.#timer.start(HELLO_MS);
	}

	/** The kernel has said something. */
	heard(): void {
		this.#timer.cancel();
	}

	/** Nothing that is under way matters any more. */
	stop(): void {
		this.#round += 1;
		this.#timer.cancel();
	}
}
