/**
 * How the page gets in, and how it can be loaded again.
 *
 * The document holds a ticket that works once, for 20 s. It is changed for the bearer, which stays in memory, and for a
 * ticket in the page's own address; while somebody can see the page, and so could load it again, that one is renewed.
 */

import type { Basics } from "../basics.ts";
import { type Answered, request, type Unreachable } from "../connection/request.ts";

const TIMEOUT_MS = 10_000;
/** Half of what a ticket lives. */
const RENEW_MS = 10_000;

export interface Frontage {
	readonly origin: string;
	/** The ticket in the document. */
	readonly ticket: string;
	visible(): boolean;
	/** Write the page's own address. */
	address(path: string): void;
}

export class Door {
	readonly #env: Basics;
	readonly #front: Frontage;
	#bearer = "";
	#cancel: () => void = () => undefined;

	constructor(env: Basics, front: Frontage) {
		this.#env = env;
		this.#front = front;
	}

	/** The bearer; null if the ticket is not good any more. */
	async enter(): Promise<string | null> {
		const answer = await this.#post(`Ticket ${this.#front.ticket}`);
		const bearer = answer.kind === "answer" ? answer.body?.bearer : null;
		if (typeof bearer !== "string") return null;
		this.#bearer = bearer;
		this.#write(answer);
		return bearer;
	}

	/** Now, if the page is seen; and again before the ticket has expired. */
	renew(): void {
		this.#cancel();
		this.#cancel = this.#env.later(RENEW_MS, () => this.renew());
		if (this.#bearer !== "" && this.#front.visible()) void this.#fetch();
	}

	async #fetch(): Promise<void> {
		this.#write(await this.#post(`Bearer ${this.#bearer}`));
	}

	#write(answer: Answered | Unreachable): void {
		const ticket = answer.kind === "answer" ? answer.body?.ticket : null;
		if (typeof ticket === "string") this.#front.address(`/?ticket=${ticket}`);
	}

	#post(authorization: string): Promise<Answered | Unreachable> {
		const init: RequestInit = {
			method: "POST",
			headers: { Authorization: authorization },
			credentials: "omit",
			redirect: "error",
		};
		return request(this.#env, `${this.#front.origin}/page`, init, TIMEOUT_MS);
	}
}
