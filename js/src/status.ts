/** What a feed tells the kernel of its connection: numbered, and only what is new. */

import type { FeedReport, State, Transport } from "./protocol.ts";

export interface Status {
	readonly state: State;
	readonly transport: Transport;
	/** Why better ways were not taken, each as a sentence. */
	readonly transport_log: readonly string[];
	readonly text: string;
}

export class StatusSender {
	readonly #send: (content: object) => unknown;
	#said = "";
	#n = 0;

	constructor(send: (content: object) => unknown) {
		this.#send = send;
	}

	/** Nothing was said so far. */
	get silent(): boolean {
		return this.#n === 0;
	}

	/** What goes along with packs: it is as new as the newest status. */
	report(state: State, transport: Transport, latencyMs: number | null): FeedReport {
		const latency_ms = latencyMs === null ? null : Math.round(latencyMs);
		return { n: this.#n, state, transport, latency_ms };
	}

	say(page: string, status: Status): void {
		const said = JSON.stringify([page, status]);
		if (said === this.#said) return;
		this.#said = said;
		this.#n += 1;
		this.#send({ kind: "status", page, n: this.#n, ...status });
	}
}
