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

/** What a no means; all others are `invalid`. */
const KINDS: Readonly<Record<number, Failure["kind"]>> = {
	401: "refused",
	403: "refused",
	404: "missing",
	410: "gone",
};

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
	/** Its id, and its channel's epoch; "" if this is no request. */
	#run = "";
	#said = "";

	constructor(kernel: Kernel, host: CallHost) {
		this.#kernel = kernel;
		this.#host = host;
	}

	/** Start a run, and read what it sends. This page names the run: asking again never starts another. */
	async run(path: string): Promise<void> {
		this.#say("connecting", "");
		const { env, way } = this.#kernel;
		this.#run = env.nonce(RUN_DIGITS);
		const body = JSON.stringify({ path, run: this.#run });
		const answer = await this.#ask(() => way.post("/runs", body, TIMEOUT_MS));
		const channel = answer?.body?.channel;
		if (typeof channel === "string") this.#read([channel], () => ({ epoch: this.#run, last: 0 }));
	}

	/** Read channels; `after` of each: an event id, "oldest" or "newest". */
	async subscribe(channels: readonly string[], after: (channel: string) => string): Promise<void> {
		this.#say("connecting", "");
		const wrong = channels.map(after).find((place) => !isPlace(place));
		if (wrong !== undefined) {
			this.#fail("invalid", `expected "oldest", "newest" or an event id, got "${wrong}"`);
			return;
		}
		const unplaced = channels.filter((channel) => after(channel) === "newest");
		const newest = await this.#look(unplaced);
		if (newest === null) return;
		const lacking = unplaced.filter((channel) => !newest.has(channel));
		if (lacking.length > 0) this.#missing(lacking);
		else this.#read(channels, (channel) => parseCursor(newest.get(channel) ?? after(channel)));
	}

	/** The caller has lost interest. Idempotent. */
	close(): void {
		if (this.#stop()) this.#say("closed", "");
	}

	#read(channels: readonly string[], start: (channel: string) => Cursor | null): void {
		const host: ReadingHost = {
			event: (event, id, channel) => this.#host.event(event, id, channel),
			gap: (channel, lost) => this.#host.gap(channel, lost),
			link: ({ state, text }) => this.#say(state, text),
			refused: () => this.#refused(),
			ended: (reading, unread, error) => this.#ended(reading, unread, error),
		};
		this.#readings = channels.map((channel) => {
			const feed = this.#kernel.env.nonce(READING_DIGITS);
			return new Reading({ feed, channel, start: start(channel) }, host);
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
		this.#fail(KINDS[answer.status] ?? "invalid", textOf(answer));
		return null;
	}

	#ended({ channel, shown }: Reading, unread: boolean, error: Raised | null): void {
		if (unread && this.#run !== "") this.#fail("gone", "the kernel has forgotten this run");
		else if (unread && shown.cursor === null) this.#missing([channel]);
		else if (error !== null) this.#fail("raised", error.text, error.class);
		else {
			if (unread) this.#host.gap(channel, null);
			if (this.#readings.every((reading) => reading.over) && this.#stop()) {
				this.#say("ended", "");
				this.#host.done();
			}
		}
	}

	#missing(channels: readonly string[]): void {
		this.#fail(
			"missing",
			`expected open channels, got ${channels.map((name) => JSON.stringify(name)).join(", ")}`,
		);
	}

	#refused(): void {
		this.#fail("refused", "this bearer is not, or no more, the kernel's");
	}

	#fail(kind: Failure["kind"], text: string, raised = ""): void {
		if (!this.#stop()) return;
		this.#say("failed", text);
		this.#host.failed({ kind, text, class: raised });
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
