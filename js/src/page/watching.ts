/** The channel that is looked at: read over the page's connection, for the view that widgets have, too. */

import { type Cursor, Reader } from "../connection/cursor.ts";
import type { DrawBudget } from "../connection/page.ts";
import type { LinkState, Listener, Raised } from "../connection/subscriber.ts";
import type { Model, WidgetModel } from "../model.ts";
import type { Pack, State, Transport } from "../protocol.ts";
import { Tally, type Tap } from "../tally.ts";
import type { Viewed } from "../views/viewed.ts";

export class Watching implements Viewed, Listener {
	readonly feed = "page";
	readonly channel: string;
	readonly shown: Reader;
	/** The same one: nothing goes back to Python. */
	readonly synced: Reader;
	readonly tally = new Tally();
	readonly drawing: DrawBudget = { freeAt: 0 };
	readonly problems: string[] = [];
	readonly problemCount = 0;
	state: State = "connecting";
	text = "";
	readonly transport: Transport = "direct";
	readonly #now: () => number;
	readonly #watchers = new Set<() => void>();

	constructor(channel: string, start: Cursor, now: () => number) {
		this.channel = channel;
		this.shown = new Reader(start);
		this.synced = this.shown;
		this.#now = now;
		this.tally.count = start.last; // so that it says how many events the channel has had
	}

	now(): number {
		return this.#now();
	}

	show(changed: () => void): () => void {
		this.#watchers.add(changed);
		return () => this.#watchers.delete(changed);
	}

	tap(fn: Tap): () => void {
		return this.tally.tap(fn);
	}

	take(pack: Pack, from: number, lost: number | null, chars: number): void {
		this.tally.take(pack, from, lost, chars, this.now());
		this.#changed();
	}

	link({ state, text }: LinkState): void {
		this.#become(state, text);
	}

	ended(_unread: boolean, error: Raised | null = null): void {
		if (error === null) this.#become("ended", "The channel is closed.");
		else this.#become("failed", `${error.class}: ${error.text}`);
	}

	hello(): void {
		this.gone();
	}

	/** The kernel is no more. */
	gone(): void {
		this.#become("failed", "The kernel has ended.");
	}

	#become(state: State, text: string): void {
		this.state = state;
		this.text = text;
		this.#changed();
	}

	#changed(): void {
		for (const changed of this.#watchers) changed();
	}
}

/** What a view keeps of itself, in a page without a kernel's model. */
export function localModel(height: string): WidgetModel {
	const state: Model = { _listening: true, _view: "log", height, max_rows: 500, paused: false, title: "" };
	const listeners = new Map<string, Set<(message: unknown) => void>>();
	return {
		get: (name) => state[name],
		set(name, value) {
			state[name] = value;
			for (const listener of listeners.get(`change:${name}`) ?? []) listener(value);
		},
		on(name, callback) {
			listeners.set(name, (listeners.get(name) ?? new Set()).add(callback));
		},
		off: (name, callback) => void listeners.get(name)?.delete(callback),
		save_changes() {},
		send() {},
	};
}
