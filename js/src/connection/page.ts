/**
 * What all widgets of one page share.
 *
 * Hosts import a copy of this module for every widget, so module variables are not shared: the registry lives on
 * `globalThis`. Widgets of different package versions meet there too, hence a page for each version of the protocol.
 */

import { browserEnv, type Env } from "../env.ts";
import { PROTOCOL, type Welcome } from "../protocol.ts";
import { Connection } from "./connection.ts";

/** What the page knows of a feed. */
export interface FeedHandle {
	stats(): object;
}

/** When the views of the page may draw again [ms of `performance.now()`]. */
export interface DrawBudget {
	freeAt: number;
}

export class Page {
	readonly id: string;
	readonly drawing: DrawBudget = { freeAt: 0 };
	readonly env: Env;
	readonly connections = new Map<string, Connection>();
	readonly feeds = new Map<string, FeedHandle>();

	constructor(env: Env) {
		this.env = env;
		this.id = env.nonce(32);
	}

	/** The connection to this welcome's server; a new one if there is none. */
	connect(welcome: Welcome): Connection {
		const existing = this.connections.get(welcome.server);
		if (existing !== undefined) {
			existing.update(welcome);
			return existing;
		}
		const connection: Connection = new Connection(this.env, this.id, welcome, welcome.silence_s, () => {
			if (this.connections.get(welcome.server) === connection) this.connections.delete(welcome.server);
		});
		this.connections.set(welcome.server, connection);
		return connection;
	}

	poke(): void {
		for (const connection of this.connections.values()) connection.poke();
	}

	/** Plain data for tests and debugging: `globalThis[Symbol.for("sse_widget")]["1"].stats()`. */
	stats(): object {
		return {
			page: this.id,
			connections: [...this.connections.values()].map((connection) => connection.stats()),
			feeds: [...this.feeds.values()].map((feed) => feed.stats()),
		};
	}
}

const REGISTRY = Symbol.for("sse_widget");

function registry(): Record<string, Page> {
	const scope = globalThis as unknown as Record<symbol, Record<string, Page> | undefined>;
	scope[REGISTRY] ??= {};
	return scope[REGISTRY];
}

/** This page, made by the first widget that asks. */
export function thisPage(): Page {
	const pages = registry();
	const existing = pages[PROTOCOL];
	if (existing !== undefined) return existing;
	const page = new Page(browserEnv());
	pages[PROTOCOL] = page;
	globalThis.addEventListener?.("online", () => page.poke());
	globalThis.document?.addEventListener("visibilitychange", () => {
		if (document.visibilityState === "visible") page.poke();
	});
	return page;
}
