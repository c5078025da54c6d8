/** The one open stream, on whichever way, and its readers: what comes is handed to them, what does not fit is told. */

import type { Basics } from "../basics.ts";
import type { Pack } from "../protocol.ts";
import type { Cursor } from "./cursor.ts";
import type { Roster } from "./roster.ts";
import { type Patience, Stream } from "./stream.ts";
import type { Raised } from "./subscriber.ts";
import type { Desk } from "./way.ts";

export interface IntakeEvents<W> {
	opened(way: W): void;
	/** Somebody has taken this pack; it goes back to Python for these feeds. */
	taken(text: string, wanted: readonly string[]): void;
	/** `complete`: the readers have all that was sent. */
	heartbeat(complete: boolean): void;
	/** Something was lost on the way: ask again from the readers' cursors. */
	missed(): void;
	ended(channel: string, error: Raised | null): void;
	/** The stream is closed. `opened`: it had begun. */
	broken(way: W, opened: boolean): void;
	/** The server wants a new stream instead. */
	rotated(): void;
}

export class Intake<W extends Desk> {
	readonly #env: Basics;
	readonly #client: string;
	readonly #patience: Patience;
	readonly #roster: Roster;
	readonly #on: IntakeEvents<W>;
	/** That of the stream, or of the last one. */
	way: W | null = null;
	#stream: Stream | null = null;

	constructor(env: Basics, client: string, patience: Patience, roster: Roster, on: IntakeEvents<W>) {
		this.#env = env;
		this.#client = client;
		this.#patience = patience;
		this.#roster = roster;
		this.#on = on;
	}

	/** There is a stream, whether it has begun or not. */
	get there(): boolean {
		return this.#stream !== null;
	}

	get opened(): boolean {
		return this.#stream?.opened === true;
	}

	get channels(): string[] {
		return [...(this.#stream?.channels ?? [])];
	}

	/** All readers get from it all they need. */
	get serves(): boolean {
		return this.#roster.servedBy(this.#stream);
	}

	/** Whether the stream has begun, and brings this channel. */
	brings(channel: string): boolean {
		return this.opened && this.#stream?.channels.has(channel) === true;
	}

	/** This reader went back to an earlier place. */
	forget(reader: object): void {
		this.#stream?.serves.delete(reader);
	}

	open(way: W, ticket: string, channels: readonly string[]): void {
		this.close();
		const query = new URLSearchParams({ ticket, client: this.#client });
		const url = way.streamUrl(`${query}${this.#roster.query(channels)}`);
		const stream: Stream = new Stream(this.#env, url, channels, this.#patience, {
			open: () => {
				this.#roster.adopt(stream.sent);
				this.#on.opened(way);
			},
			pack: (pack, text) => this.#pack(pack, text),
			heartbeat: (sent) => this.#heartbeat(sent),
			ended: (channel, error) => this.#on.ended(channel, error),
			rotate: () => {
				this.#stream = null;
				this.#on.rotated();
			},
			broken: () => {
				this.#stream = null;
				this.#on.broken(way, stream.opened);
			},
		});
		for (const channel of channels) {
			for (const reader of this.#roster.readers(channel)) stream.serves.add(reader);
		}
		this.way = way;
		this.#stream = stream;
	}

	close(): void {
		this.#stream?.close();
		this.#stream = null;
	}

	#pack(pack: Pack, text: string): void {
		const { wanted, refused } = this.#roster.deliver(pack, text.length);
		if (wanted.length > 0) this.#on.taken(text, wanted);
		if (refused) this.#on.missed();
	}

	#heartbeat(sent: ReadonlyMap<string, Cursor>): void {
		const lacking = this.#roster.lacks(sent);
		this.#on.heartbeat(!lacking);
		if (lacking) this.#on.missed();
	}
}
