/** One exchange over HTTP, whose outcome is a value. */

import type { Basics } from "../basics.ts";
import { parseObject } from "../protocol.ts";

export interface Answered {
	readonly kind: "answer";
	readonly status: number;
	readonly body: Record<string, unknown> | null;
	/** When the server wants to be asked again [s]; absent or 0 if it does not say. */
	readonly retryAfterS?: number;
}

export interface Unreachable {
	readonly kind: "unreachable";
}

/** Never throws, and never waits longer than `timeoutMs`. */
export async function request(
	env: Basics,
	url: string,
	init: RequestInit,
	timeoutMs: number,
): Promise<Answered | Unreachable> {
	const timeout = new AbortController();
	const cancel = env.later(timeoutMs, () => timeout.abort());
	try {
		const response = await env.fetch(url, {
			cache: "no-store",
			referrerPolicy: "no-referrer",
			signal: timeout.signal,
			...init,
		});
		const text = await response.text();
		const retryAfterS = Number(response.headers.get("Retry-After")) || 0;
		return { kind: "answer", status: response.status, body: parseObject(text), retryAfterS };
	} catch {
		return { kind: "unreachable" };
	} finally {
		cancel();
	}
}
