/** The kernel's half of the comm (docs/protocol.md, section 7), written from the protocol; it shares a FakeServer's logs. */

import type { FakeModel } from "./model.ts";
import { cursorOf, type FakeServer, type Place, packAt, placeIn } from "./server.ts";

const LEASE_MS = 45_000;
/** Small, so that tests meet it. */
const PACKS_PER_MESSAGE = 2;
const WINDOW_EVENTS = 24;

interface Report {
	readonly carry: boolean;
	readonly expires: number;
}

export class FakeKernel {
	readonly #server: FakeServer;
	readonly #feed: string;
	readonly #channel: string;
	readonly models: FakeModel[] = [];
	/** A cell runs: pages' messages wait. */
	busy = false;
	/** So many of the next messages with events are lost on the way. */
	drop = 0;
	loseAnswers = false;
	/** Lose what pages say before it is taken. */
	deaf = false;
	sent: Record<string, unknown>[] = [];
	#place: Place | null = null;
	#at: string;
	#unasked = true;
	#confirmed = 0;
	#begun = false;
	readonly #pages = new Map<string, Report>();
	/** How often it has gone back, and the count after it had done so for a page. */
	backs = 0;
	readonly #granted = new Map<string, number>();
	#tells = false;
	readonly #waiting: Record<string, unknown>[] = [];

	constructor(server: FakeServer, feed: string, channel = "prices", start = "a-0") {
		this.#server = server;
		this.#feed = feed;
		this.#channel = channel;
		this.#at = start;
	}

	/** It sends, or would. */
	get carries(): boolean {
		return this.#place !== null && this.#wanted();
	}

	/** Connect a page's model. */
	attach(model: FakeModel): void {
		this.models.push(model);
		model.kernel = (message) => {
			if (message.kind !== "received" || this.deaf) return;
			if (this.busy) this.#waiting.push(message);
			else this.#take(message);
		};
	}

	/** The widget is displayed. */
	begin(): void {
		this.#begun = true;
		this.#unasked ||= this.#pages.size === 0;
		this.#place ??= this.#placeAt(this.#at);
	}

	/** The log was made anew. */
	renewed(): void {
		if (this.#place !== null) this.#place = this.#placeAt(cursorOf(this.#place));
	}

	free(): void {
		this.busy = false;
		for (const message of this.#waiting.splice(0)) this.#take(message);
	}

	/** Send one message, if there is something to send; false: there is not. */
	turn(): boolean {
		const place = this.#place;
		if (place === null || !this.#begun) return false;
		if (!this.#wanted()) {
			this.#release();
			return false;
		}
		if (place.position - this.#confirmed >= WINDOW_EVENTS && place.epoch === this.#log.epoch) return false;
		const packs: string[] = [];
		for (let each = 0; each < PACKS_PER_MESSAGE; each += 1) {
			const pack = packAt(this.#log, place, this.#server.packSize);
			if (pack !== null) packs.push(JSON.stringify(pack));
		}
		if (packs.length === 0 && !this.#tells) return false;
		this.#tells = false;
		this.#say({ kind: "packs", packs, cursor: cursorOf(place), backs: this.backs });
		return true;
	}

	heartbeat(): void {
		if (this.#place !== null && this.#wanted()) {
			this.#say({ kind: "packs", packs: [], cursor: cursorOf(this.#place), backs: this.backs });
		}
	}

	end(): void {
		this.#say({ kind: "ended" });
	}

	say(message: Record<string, unknown>): void {
		for (const model of this.models) model.emit("msg:custom", message);
	}

	get #log() {
		return this.#server.log(this.#channel);
	}

	#placeAt(after: string): Place {
		const place = placeIn(this.#log, this.#channel, after);
		this.#confirmed = place.position;
		return place;
	}

	#release(): void {
		if (this.#place !== null) this.#at = cursorOf(this.#place);
		this.#place = null;
	}

	#wanted(): boolean {
		const now = this.#server.env.now();
		for (const [page, report] of this.#pages) if (report.expires <= now) this.#pages.delete(page);
		return this.#unasked || [...this.#pages.values()].some((report) => report.carry);
	}

	#say(message: Record<string, unknown>): void {
		this.sent.push(message);
		if (this.drop > 0) this.drop -= 1;
		else this.say(message);
	}

	#take(message: Record<string, unknown>): void {
		const { page, n, carry, cursor, back, backs, body } = message as {
			page: string;
			n: number;
			carry: boolean;
			cursor: string;
			back: boolean;
			backs: number | null;
			body: string;
		};
		const answer = this.#server.receive(body);
		expectBody(body, this.#feed);
		this.#unasked = false;
		this.#begun = true;
		this.#pages.set(page, { carry, expires: this.#server.env.now() + LEASE_MS });
		const old = this.#place !== null && (backs ?? -1) < (this.#granted.get(page) ?? -1);
		if (carry && back && old) this.#tells = true;
		else if (carry && back) {
			this.backs += 1;
			this.#granted.set(page, this.backs);
			this.#place = this.#placeAt(cursor);
		} else if (carry && this.#place === null) this.#place = this.#placeAt(cursor);
		else if (carry && cursor.startsWith(`${this.#log.epoch}-`)) {
			this.#confirmed = Math.max(this.#confirmed, Number(cursor.split("-")[1]));
		}
		if (!this.loseAnswers) this.say({ kind: "answer", page, n, ...answer });
	}
}

function expectBody(text: string, feed: string): void {
	const { feeds } = JSON.parse(text) as { feeds: Record<string, { n: number }> };
	if (typeof feeds[feed]?.n !== "number") throw new Error(`a body without the status of ${feed}: ${text}`);
}
