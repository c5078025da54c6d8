/**
 * The way of a web page that its author has given the bearer: no comm, so no key, and no proof.
 *
 * Such a page has its code from the very server that it talks to, or names it itself: whoever has taken that port over
 * since the kernel ended gets a bearer that opens nothing any more.
 */

import type { Basics } from "../basics.ts";
import { type Answered, request, type Unreachable } from "../connection/request.ts";
import type { Answer, Desk } from "../connection/way.ts";

export class BearerWay implements Desk {
	readonly needsSecret = true;
	readonly url: string;
	readonly #env: Basics;
	readonly #bearer: string;

	constructor(env: Basics, url: string, bearer: string) {
		this.#env = env;
		this.url = url;
		this.#bearer = bearer;
	}

	get(path: string, timeoutMs: number): Promise<Answered | Unreachable> {
		return this.#request(path, { method: "GET", headers: this.#headers }, timeoutMs);
	}

	post(path: string, body: string, timeoutMs: number): Promise<Answered | Unreachable> {
		const headers = { ...this.#headers, "Content-Type": "application/json" };
		return this.#request(path, { method: "POST", headers, body }, timeoutMs);
	}

	streamUrl(query: string): string {
		return `${this.url}/events?${query}`;
	}

	/** A browser does not say why: nobody there, or somebody who does not know this page. */
	explain(answer: Answer): string {
		if (answer.kind === "answer") return `${this.url} answered with status ${answer.status}; trying again`;
		const origin = globalThis.location?.origin ?? "";
		return `cannot reach ${this.url}; trying again. Does it know this page? sse_widget.allow_origin("${origin}")`;
	}

	get #headers(): Record<string, string> {
		return { Authorization: `Bearer ${this.#bearer}` };
	}

	#request(path: string, init: RequestInit, timeoutMs: number): Promise<Answered | Unreachable> {
		return request(
			this.#env,
			this.url + path,
			{ credentials: "omit", redirect: "error", ...init },
			timeoutMs,
		);
	}
}
