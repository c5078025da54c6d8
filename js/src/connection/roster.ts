/** Who reads what on one connection. */

import type { Pack } from "../protocol.ts";
import { type Cursor, earliest, formatCursor, joins, type Reader } from "./cursor.ts";
import type { Stream } from "./stream.ts";
import type { LinkState, Listener } from "./subscriber.ts";

export interface Delivered {
	/** Feeds whose packs go back to Python. */
	readonly wanted: readonly string[];
	/** Some reader refused: the pack does not join on to what it has. */
	readonly refused: boolean;
}

export class Roster<S extends Listener = Listener> {
	readonly #subscribers = new Map<string, S>();
	/** The epoch each channel was last seen in. */
	readonly #epochs = new Map<string, string>();

	get empty(): boolean {
		return this.#subscribers.size === 0;
	}

	all(): S[] {
		return [...this.#subscribers.values()];
	}

	add(subscriber: S): void {
		this.#subscribers.set(subscriber.feed, subscriber);
	}

	has(subscriber: S): boolean {
		return this.#subscribers.get(subscriber.feed) === subscriber;
	}

	/** False if it was not there. */
	remove(subscriber: S): boolean {
		return this.has(subscriber) && this.#subscribers.delete(subscriber.feed);
	}

	of(channel: string): S[] {
		return this.all().filter((subscriber) => subscriber.channel === channel);
	}

	channels(): string[] {
		return [...new Set(this.all().map((subscriber) => subscriber.channel))].sort();
	}

	readers(channel: string): Reader[] {
		return this.of(channel).flatMap((subscriber) => [subscriber.shown, subscriber.synced]);
	}

	/** What to ask for: each channel, and the cursor from which all its readers are served. */
	query(channels: readonly string[]): string {
		const pairs = channels.map((channel) => {
			const cursors = this.readers(channel).map((reader) => reader.cursor);
			const after = earliest(cursors, this.#epochs.get(channel) ?? null);
			return `&channel=${encodeURIComponent(channel)}&after=${formatCursor(after)}`;
		});
		return pairs.join("");
	}

	/** Whether this stream gives all readers all they need, and nothing that nobody reads. */
	servedBy(stream: Stream | null): boolean {
		const channels = this.channels();
		if (stream === null || stream.channels.size !== channels.length) return false;
		return channels.every((channel) => {
			if (!stream.channels.has(channel)) return false;
			const sent = stream.sent.get(channel);
			if (sent === undefined) return true; // before `open`; looked at again then
			return this.readers(channel).every((reader) => stream.serves.has(reader) || joins(reader.cursor, sent));
		});
	}

	/** Readers without a place start where the stream starts. The others keep theirs: only so is a gap noticed. */
	adopt(sent: ReadonlyMap<string, Cursor>): void {
		for (const [channel, cursor] of sent) {
			this.#epochs.set(channel, cursor.epoch);
			for (const reader of this.readers(channel)) reader.cursor ??= cursor;
		}
	}

	deliver(pack: Pack, chars: number): Delivered {
		this.#epochs.set(pack.channel, pack.epoch);
		const wanted: string[] = [];
		let refused = false;
		for (const subscriber of this.of(pack.channel)) {
			const shown = subscriber.shown.read(pack);
			const synced = subscriber.synced.read(pack);
			if (synced.kind === "take") wanted.push(subscriber.feed);
			if (shown.kind === "take") subscriber.take(pack, shown.from, shown.lost, chars);
			refused ||= shown.kind === "refuse" || synced.kind === "refuse";
		}
		return { wanted, refused };
	}

	/** Some reader lacks something of what was sent. */
	lacks(sent: ReadonlyMap<string, Cursor>): boolean {
		return [...sent].some(([channel, cursor]) =>
			this.readers(channel).some((reader) => !joins(reader.cursor, cursor)),
		);
	}

	tell(link: LinkState, toldOpen: (channel: string) => boolean): void {
		for (const subscriber of this.all()) {
			if (link.state !== "open" || toldOpen(subscriber.channel)) subscriber.link(link);
		}
	}
}
