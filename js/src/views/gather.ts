/**
 * What a view makes of all events, not only of those that the ring still holds.
 *
 * It belongs to the model, not to one view of it: it reads on while no view is in sight, which costs next to nothing, and
 * so a view that comes back, or a second one, is complete.
 */

import type { WidgetModel } from "../model.ts";
import type { FeedRecord } from "../ring.ts";
import type { Tap } from "../tally.ts";
import type { Viewed } from "./viewed.ts";

/** What views are made of. The signal aborts when the model is gone. */
export interface Source {
	readonly model: WidgetModel;
	readonly feed: Viewed;
	readonly signal: AbortSignal;
}

export class Gathering {
	readonly #feed: Viewed;
	readonly #begin: () => Tap;
	#take: Tap;

	/** `begin` starts anew and returns what takes each record. When one of `traits` changes, all is read again. */
	constructor({ model, feed, signal }: Source, traits: readonly string[], begin: () => Tap) {
		this.#feed = feed;
		this.#begin = begin;
		this.#take = begin();
		this.#readRing();
		const untap = feed.tap((record: FeedRecord) => this.#take(record));
		const again = (): void => this.#again();
		const names = traits.map((name) => `change:${name}`);
		for (const name of names) model.on(name, again);
		signal.addEventListener("abort", () => {
			untap();
			for (const name of names) model.off(name, again);
		});
	}

	/** Forget everything so far. */
	clear(): void {
		this.#take = this.#begin();
	}

	#again(): void {
		this.#take = this.#begin();
		this.#readRing();
	}

	#readRing(): void {
		const { ring } = this.#feed.tally;
		for (let position = ring.start; position < ring.end; position += 1) {
			const record = ring.at(position);
			if (record !== undefined) this.#take(record);
		}
	}
}
