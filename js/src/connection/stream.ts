/** One EventSource: its messages as calls, its silence as an error. */

import type { Basics, Source } from "../basics.ts";
import { asCursors, asPack, type Pack, parseObject } from "../protocol.ts";
import { type Cursor, endOf, parseCursor } from "./cursor.ts";
import { asRaised, type Raised } from "./subscriber.ts";

export interface StreamEvents {
	open(): void;
	/** `text` is the pack as it came, byte for byte. */
	pack(pack: Pack, text: string): void;
	heartbeat(cursors: ReadonlyMap<string, Cursor>): void;
	/** `error`: the channel was that of a run, and its handler raised. */
	ended(channel: string, error: Raised | null): void;
	rotate(): void;
	/** The stream is closed, because of an error or silence. */
	broken(): void;
}

/** How long to wait for a message [ms]. */
export interface Patience {
	/** For the first one: a way that holds it back is none. */
	readonly openMs: number;
	readonly silenceMs: number;
}

/** Without those that are none yet. */
function cursorsOf(data: unknown): Map<string, Cursor> | null {
	const texts = asCursors(data);
	if (texts === null) return null;
	const cursors = new Map<string, Cursor>();
	for (const [name, text] of texts) {
		const cursor = parseCursor(text);
		if (cursor !== null) cursors.set(name, cursor);
	}
	return cursors;
}

export class Stream {
	/** Without those that have ended. */
	readonly channels: Set<string>;
	/** Up to where the server has sent each channel; empty before `open`. */
	readonly sent = new Map<string, Cursor>();
	/** Readers that this stream was opened for, or that fit when they came. */
	readonly serves = new Set<object>();
	opened = false;
	readonly #env: Basics;
	readonly #on: StreamEvents;
	readonly #patience: Patience;
	readonly #source: Source;
	#closed = false;
	#heardAt: number;
	#cancelWatch: () => void;

	constructor(env: Basics, url: string, channels: Iterable<string>, patience: Patience, on: StreamEvents) {
		this.#env = env;
		this.#on = on;
		this.#patience = patience;
		this.channels = new Set(channels);
		this.#heardAt = env.now();
		this.#source = env.openSource(url);
		this.#listen("open", (data) => this.#open(data));
		this.#listen("pack", (data, text) => this.#pack(data, text));
		this.#listen("heartbeat", (data) => this.#heartbeat(data));
		this.#listen("ended", (data) => this.#ended(data));
		this.#listen("rotate", () => this.#rotate());
		this.#source.addEventListener("error", () => this.#break());
		this.#cancelWatch = env.later(patience.openMs, () => this.#watch());
	}

	close(): void {
		if (this.#closed) return;
		this.#closed = true;
		this.#cancelWatch();
		this.#source.close();
	}

	/** EventSource has an `open` of its own, without data: it says only that the headers came. */
	#listen(type: string, handle: (data: Record<string, unknown>, text: string) => void): void {
		this.#source.addEventListener(type, ({ data }) => {
			if (this.#closed || typeof data !== "string") return;
			this.#heardAt = this.#env.now();
			const object = parseObject(data);
			if (object === null) this.#break();
			else handle(object, data);
		});
	}

	#open(data: Record<string, unknown>): void {
		const cursors = cursorsOf(data);
		if (cursors === null) {
			this.#break();
			return;
		}
		for (const [name, cursor] of cursors) this.sent.set(name, cursor);
		this.opened = true;
		this.#on.open();
	}

	#pack(data: Record<string, unknown>, text: string): void {
		const pack = asPack(data);
		if (pack === null) {
			this.#break();
			return;
		}
		this.sent.set(pack.channel, endOf(pack));
		this.#on.pack(pack, text);
	}

	#heartbeat(data: Record<string, unknown>): void {
		this.#on.heartbeat(cursorsOf(data) ?? new Map());
	}

	#ended(data: Record<string, unknown>): void {
		const { channel } = data;
		if (typeof channel !== "string") return;
		this.channels.delete(channel);
		this.#on.ended(channel, asRaised(data.error));
	}

	#rotate(): void {
		this.close();
		this.#on.rotate();
	}

	#break(): void {
		if (this.#closed) return;
		this.close();
		this.#on.broken();
	}

	/** One timer that looks at the time of the last message: setting one anew for each message would cost more. */
	#watch(): void {
		const limit = this.opened ? this.#patience.silenceMs : this.#patience.openMs;
		const left = this.#heardAt + limit - this.#env.now();
		if (left <= 0) this.#break();
		else this.#cancelWatch = this.#env.later(left, () => this.#watch());
	}
}
