import type { Env } from "../env.ts";
import type { Proof } from "./proof.ts";

const PROBE_EVERY_MS = 500;
const VIGIL_MS = 10_000;

/**
 * Find out whether the kernel is really gone, after the host has said that the comm is not live.
 *
 * Hosts say so for a lost websocket too, and JupyterLab says it *before* the old kernel has stopped, which may take
 * seconds. So: look until the server does not answer (gone), or has answered for longer than a kernel takes to stop.
 * A slow answer is no answer either way: a busy kernel may hold its server's thread for a while.
 */
export async function watchKernel(env: Env, prove: () => Promise<Proof>): Promise<boolean> {
	const until = env.now() + VIGIL_MS;
	for (;;) {
		const proof = await prove();
		if (proof === "unreachable" || proof === "wrong") return true;
		if (env.now() >= until) return false;
		await new Promise<void>((resolve) => {
			env.later(PROBE_EVERY_MS, resolve);
		});
	}
}
