/** Asks the server until it has said yes or no; what is only trouble is tried again. */

import type { Basics } from "../basics.ts";
import { Backoff } from "../connection/backoff.ts";
import type { Answered, Unreachable } from "../connection/request.ts";
import type { Kernel } from "./kernel.ts";

const MOST_RETRY_AFTER_S = 60;

/** The server's own words, if it has some. */
export function textOf(answer: Answered): string {
	return typeof answer.body?.error === "string" ? answer.body.error : `status ${answer.status}`;
}

/** A server error, or too many at once: it may go better later. */
function isPassing({ status }: Answered): boolean {
	return status >= 500 || status === 429;
}

/** `ms`, or until the signal aborts. */
function pause(env: Basics, ms: number, signal: AbortSignal): Promise<void> {
	return new Promise((resolve) => {
		const done = (): void => {
			cancel();
			signal.removeEventListener("abort", done);
			resolve();
		};
		const cancel = env.later(ms, done);
		signal.addEventListener("abort", done);
	});
}

/** The answer; null if the signal has aborted before it came. `waits` is told why it takes so long. */
export async function ask(
	{ env, way }: Kernel,
	once: () => Promise<Answered | Unreachable>,
	signal: AbortSignal,
	waits: (text: string) => void,
): Promise<Answered | null> {
	const backoff = new Backoff(env.random);
	for (;;) {
		const answer = await once();
		if (signal.aborted) return null;
		if (answer.kind === "answer" && !isPassing(answer)) return answer;
		const wished = answer.kind === "answer" ? (answer.retryAfterS ?? 0) : 0;
		waits(answer.kind === "answer" && answer.body !== null ? textOf(answer) : way.explain(answer));
		await pause(env, Math.max(backoff.next(), Math.min(wished, MOST_RETRY_AFTER_S) * 1000), signal);
		if (signal.aborted) return null;
	}
}
