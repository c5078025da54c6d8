/** Who reads what on a connection whose packs go back to Python. */

import type { Pack } from "../protocol.ts";
import { type Delivered, Roster } from "./roster.ts";
import type { Subscriber } from "./subscriber.ts";

export class FeedRoster extends Roster<Subscriber> {
	/** Also those that left while packs of theirs still wait to go back to Python. */
	readonly #known = new Map<string, Subscriber>();
	packs = 0;
	events = 0;

	/** Some feed gets its events in no other way. */
	get needy(): boolean {
		return this.all().some((subscriber) => !subscriber.carried);
	}

	feeds(): string[] {
		return this.all().map((subscriber) => subscriber.feed);
	}

	override add(subscriber: Subscriber): void {
		super.add(subscriber);
		this.#known.set(subscriber.feed, subscriber);
	}

	override deliver(pack: Pack, chars: number): Delivered {
		this.packs += 1;
		this.events += pack.events.length;
		return super.deliver(pack, chars);
	}

	/** Subscribers, and those whose last packs or last state the kernel has not acknowledged. */
	knownFeeds(): string[] {
		return [...this.#known.keys()];
	}

	known(feed: string): Subscriber | undefined {
		return this.#known.get(feed);
	}

	/** The kernel has all of those for which `waits` is false: tell them, and forget them if they have left. */
	flush(waits: (feed: string) => boolean): void {
		for (const [feed, subscriber] of [...this.#known]) {
			if (waits(feed)) continue;
			if (!this.has(subscriber)) this.#known.delete(feed);
			subscriber.flushed();
		}
	}
}
