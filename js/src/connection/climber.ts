/** Goes from way to way until a stream can be opened on one: enter it, prove it, fetch a ticket there. */

import type { Ladder } from "./ladder.ts";
import { askForTicket } from "./tickets.ts";
import type { Way } from "./way.ts";

export interface ClimberHost {
	/** By which the kernel knows this page. */
	readonly client: string;
	/** Nothing is tried now. */
	waits(): boolean;
	closed(): boolean;
	/** What a stream is needed for now; empty: for nothing, or it is there. */
	wanted(): readonly string[];
	/** All names that the stream would have now. */
	channels(): readonly string[];
	open(way: Way, ticket: string, channels: readonly string[]): void;
	/** This way's secret is not valid any more. */
	refused(way: Way): void;
	/** These channels are closed for good. */
	gone(channels: readonly string[]): void;
	/** No way leads anywhere now. */
	exhausted(): void;
}

export class Climber {
	readonly #ladder: Ladder;
	readonly #host: ClimberHost;
	#again = false;
	busy = false;

	constructor(ladder: Ladder, host: ClimberHost) {
		this.#ladder = ladder;
		this.#host = host;
	}

	/** Look what is wanted, now or as soon as what is under way has ended. */
	ask(): void {
		if (this.busy) this.#again = true;
		else if (!this.#host.waits() && this.#host.wanted().length > 0) void this.#climb();
	}

	/** This way leads nowhere: on to the next one. */
	failed(way: Way, text: string, final: boolean): void {
		this.#ladder.failed(way, { text, final });
		this.ask();
	}

	async #climb(): Promise<void> {
		this.busy = true;
		do {
			this.#again = false;
			await this.#attempt();
		} while (this.#again && !this.#host.waits() && !this.#host.closed());
		this.busy = false;
	}

	async #attempt(): Promise<void> {
		const channels = this.#host.wanted();
		if (channels.length === 0) return;
		const way = this.#ladder.next();
		if (way === null) {
			this.#host.exhausted();
			return;
		}
		const obstacle = await way.enter();
		if (this.#host.closed()) way.leave();
		else if (obstacle === null) await this.#fetchTicket(way, channels);
		else this.failed(way, obstacle.text, obstacle.final);
	}

	async #fetchTicket(way: Way, channels: readonly string[]): Promise<void> {
		const answer = await askForTicket(way, this.#host.client, channels);
		if (this.#host.closed()) way.leave();
		else if (answer.kind === "trouble") this.failed(way, answer.text, false);
		else if (answer.kind === "refused") this.#host.refused(way);
		else if (answer.kind === "gone") {
			this.#host.gone(answer.channels);
			this.#again = true;
		} else if (this.#host.channels().join("\n") !== channels.join("\n")) this.#again = true;
		else if (!this.#host.waits() && this.#host.wanted().length > 0)
			this.#host.open(way, answer.ticket, channels);
	}
}
