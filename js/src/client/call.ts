/** One call of `handleRequest` or `subscribe`: its channels, its callback, its end. */

import { type Cursor, parseCursor } from "../connection/cursor.ts";
import type { Answered, Unreachable } from "../connection/request.ts";
import type { Raised } from "../connection/subscriber.ts";
import { asObject, type WireEvent } from "../protocol.ts";
import { ask, textOf } from "./asking.ts";
import type { Kernel } from "./kernel.ts";
import { Reading, type ReadingHost } from "./reading.ts";

const TIMEOUT_MS = 10_000;
const RUN_DIGITS = 32;
const READING_DIGITS = 16;

export type CallState = "connecting" | "open" | "reconnecting" | "ended" | "closed" | "failed";

export interface Failure {
	readonly kind: "raised" | "missing" | "invalid" | "refused" | "gone";
	readonly text: string;
	/** Of the exception in Python; "" if there was none. */
	readonly class: string;
}

export interface CallHost {
	event(event: WireEvent, id: string, channel: string): void;
	gap(channel: string, lost: number | null): void;
	state(state: CallState, text: string): void;
	/** Everything has been read to its end. */
	done(): void;
	failed(failure: Failure): void;
}

function isPlace(text: string): boolean {
	return text === "oldest" || text === "newest" || parseCursor(text) !== null;
}

export class Call {
	readonly #kernel: Kernel;
	readonly #host: CallHost;
	readonly #life = new AbortController();
	readonly #leave: (() => void)[] = [];
	#readings: readonly Reading[] = [];
	#said = "";

	constructor(kernel: Kernel, host: CallHost) {
		this.#kernel = kernel;
		this.#host = host;
	}

	/** Start a run, and read what it sends. This page names the run: asking again never starts another. */
	async run(path: string): Promise<void> {
		this.#say("connecting", "");
		const { env, way } = this.#kernel;
		const body = JSON.stringify({ path, run: env.nonce(RUN_DIGITS) });
		const answer = await this.#ask(() => way.post("/runs", body, TIMEOUT_MS));
		const channel = answer?.body?.channel;
		if (typeof channel === "string") this.#read([channel], () => null, true);
	}

	/** Read channels; `after` of each: an event id, "oldest" or "newest". */
	async subscribe(channels: readonly string[], after: (channel: string) => string): Promise<void> {
		this.#say("connecting", "");
		const wrong = channels.map(after).find((place) => !isPlace(place));
		if (wrong !== undefined) {
			this.#fail({
				kind: "invalid",
				text: `expected "oldest", "newest" or an event id, got "${wrong}"`,
				class: "",
			});
			return;
		}
		const unplaced = channels.filter((channel) => after(channel) === "newest");
		const newest = await this.#look(unplaced);
		if (newest === null) return;
		const lacking = unplaced.filter((channel) => !newest.has(channel));
		if (lacking.length > 0) this.#missing(lacking);
		else this.#read(channels, (channel) => parseCursor(newest.get(channel) ?? after(channel)), false);
	}

	/** The caller has lost interest. Idempotent. */
	close(): void {
		if (this.#stop()) this.#say("closed", "");
	}

	#read(channels: readonly string[], start: (channel: string) => Cursor | null, whole: boolean): void {
		const host: ReadingHost = {
			event: (event, id, channel) => this.#host.event(event, id, channel),
			gap: (channel, lost) => this.#host.gap(channel, lost),
			link: ({ state, text }) => this.#say(state, text),
			refused: () => this.#refused(),
			ended: (reading, unread, error) => this.#ended(reading, unread, error),
		};
		this.#readings = channels.map((channel) => {
			const feed = this.#kernel.env.nonce(READING_DIGITS);
			return new Reading({ feed, channel, start: start(channel), whole }, host);
		});
		for (const reading of this.#readings) this.#leave.push(this.#kernel.line.read(reading));
	}

	/** Where these channels are now; null if that is all there is to it. */
	async #look(channels: readonly string[]): Promise<Map<string, string> | null> {
		const found = new Map<string, string>();
		if (channels.length === 0) return found;
		const query = new URLSearchParams(channels.map((channel) => ["channel", channel]));
		const answer = await this.#ask(() => this.#kernel.way.get(`/channels?${query}`, TIMEOUT_MS));
		const list = answer?.body?.channels;
		if (!Array.isArray(list)) return null;
		for (const each of list) {
			const channel = asObject(each);
			if (channel !== null) found.set(String(channel.name), String(channel.newest));
		}
		return found;
	}

	/** An answer that says yes; null: it was a no, and has been told, or nobody wants it any more. */
	async #ask(once: () => Promise<Answered | Unreachable>): Promise<Answered | null> {
		const answer = await ask(this.#kernel, once, this.#life.signal, (text) => this.#say("connecting", text));
		if (answer === null || answer.status < 300) return answer;
		if (answer.status === 401 || answer.status === 403) this.#refused();
		else this.#fail({ kind: answer.status === 404 ? "missing" : "invalid", text: textOf(answer), class: "" });
		return null;
	}

	#ended({ channel, whole, shown }: Reading, unread: boolean, error: Raised | null): void {
		if (unread && whole) {
			this.#fail({ kind: "gone", text: "the kernel does not have this run any more", class: "" });
		} else if (unread && shown.cursor === null) this.#missing([channel]);
		else if (error !== null) this.#fail({ kind: "raised", text: error.text, class: error.class });
		else {
			if (unread) this.#host.gap(channel, null);
			if (this.#readings.every((reading) => reading.over) && this.#stop()) {
				this.#say("ended", "");
				this.#host.done();
			}
		}
	}

	#missing(channels: readonly string[]): void {
		const names = channels.map((channel) => JSON.stringify(channel)).join(", ");
		this.#fail({ kind: "missing", text: `expected the names of open channels, got ${names}`, class: "" });
	}

	#refused(): void {
		const text = "the kernel does not know this bearer; it ends with the kernel: ask the new one for its own";
		this.#fail({ kind: "refused", text, class: "" });
	}

	#fail(failure: Failure): void {
		if (!this.#stop()) return;
		this.#say("failed", failure.text);
		this.#host.failed(failure);
	}

	/** False: it was over already. */
	#stop(): boolean {
		if (this.#life.signal.aborted) return false;
		this.#life.abort();
		for (const reading of this.#readings) reading.over = true;
		for (const leave of this.#leave) leave();
		return true;
	}

	#say(state: CallState, text: string): void {
		const said = `${state} ${text}`;
		if (said === this.#said) return;
		this.#said = said;
		this.#host.state(state, text);
	}
}
