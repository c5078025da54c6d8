/** Asks the server until it has said yes or no; what is only trouble is tried again. */

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
		waits(answer.kind === "answer" && answer.body !== null ? textOf(answer) : way.explain(answer));
		const wished = Math.min((answer.kind === "answer" && answer.retryAfterS) || 0, MOST_RETRY_AFTER_S);
		await new Promise<void>((resolve) => {
			env.later(Math.max(backoff.next(), wished * 1000), resolve);
		});
		if (signal.aborted) return null;
	}
}
