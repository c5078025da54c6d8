import type { Basics } from "../basics.ts";
import type { Way } from "./way.ts";

const PROBE_EVERY_MS = 500;
const VIGIL_MS = 10_000;

/**
 * Find out whether the kernel is really gone, after the host has said that the comm is not live.
 *
 * Hosts say so for a lost websocket too, and JupyterLab says it *before* the old kernel has stopped, which may take
 * seconds. So: look until it shows that it is gone, or has answered for longer than a kernel takes to stop.
 * A slow answer is no answer either way: a busy kernel may hold its server's thread for a while.
 */
async function watch(env: Basics, way: Way): Promise<boolean> {
	const until = env.now() + VIGIL_MS;
	for (;;) {
		if (way.saysGone(await way.prove())) return true;
		if (env.now() >= until) return false;
		await new Promise<void>((resolve) => {
			env.later(PROBE_EVERY_MS, resolve);
		});
	}
}

/** One watch at a time, for all who ask. */
export class Vigil {
	readonly #env: Basics;
	#running: Promise<boolean> | null = null;

	constructor(env: Basics) {
		this.#env = env;
	}

	get running(): boolean {
		return this.#running !== null;
	}

	/** Resolves to whether the kernel has gone. */
	keep(way: Way): Promise<boolean> {
		this.#running ??= watch(this.#env, way).finally(() => {
			this.#running = null;
		});
		return this.#running;
	}
}
