/**
 * What all widgets of one page share.
 *
 * Hosts import a copy of this module for every widget, so module variables are not shared: the registry lives on
 * `globalThis`. Widgets of different package versions meet there too, hence a page for each version of the protocol.
 */

import { whenBack } from "../basics.ts";
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

/** Feeds share a connection if they want the same ways to the same server. */
function keyOf(welcome: Welcome): string {
	return `${welcome.server} ${welcome.transport} ${welcome.url}`;
}

export class Page {
	readonly id: string;
	readonly drawing: DrawBudget = { freeAt: 0 };
	readonly env: Env;
	readonly connections = new Map<string, Connection>();
	readonly feeds = new Map<string, FeedHandle>();
	readonly #clients = new Map<string, string>();

	constructor(env: Env) {
		this.env = env;
		this.id = env.nonce(32);
	}

	/** The connection that this welcome allows; a new one if there is none. */
	connect(welcome: Welcome): Connection {
		const key = keyOf(welcome);
		const existing = this.connections.get(key);
		if (existing !== undefined) {
			existing.update(welcome);
			return existing;
		}
		const connection: Connection = new Connection(this.env, this.clientOf(welcome), welcome, () => {
			if (this.connections.get(key) === connection) this.connections.delete(key);
		});
		this.connections.set(key, connection);
		return connection;
	}

	/** The connection that there is. */
	connection(welcome: Welcome): Connection | undefined {
		return this.connections.get(keyOf(welcome));
	}

	/**
	 * By which name the kernel knows this page: one for each connection that there may be to a server, because a newer
	 * stream of the same client closes the older one.
	 */
	clientOf(welcome: Welcome): string {
		const key = keyOf(welcome);
		const client = this.#clients.get(key) ?? (this.#clients.size === 0 ? this.id : this.env.nonce(32));
		this.#clients.set(key, client);
		return client;
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
	whenBack(() => page.poke());
	return page;
}
