import type { Source } from "../../src/basics.ts";
import type { Env } from "../../src/env.ts";
import type { Release } from "../../src/locks.ts";

/** Let everything run that waits for nothing but promises. */
export async function settle(): Promise<void> {
	for (let turn = 0; turn < 100; turn += 1) await null;
}

type Listener = (event: { readonly data?: unknown }) => void;

export class FakeSource implements Source {
	readonly url: URL;
	closed = false;
	readonly #listeners = new Map<string, Listener[]>();

	constructor(url: string) {
		this.url = new URL(url);
	}

	addEventListener(type: string, listener: Listener): void {
		this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
	}

	close(): void {
		this.closed = true;
	}

	/** As the server sends it. */
	emit(type: string, data: unknown): void {
		this.raw(type, JSON.stringify(data));
	}

	raw(type: string, data?: string): void {
		if (this.closed) return;
		for (const listener of this.#listeners.get(type) ?? []) listener({ data });
	}

	/** The network is cut. */
	fail(): void {
		this.raw("error");
	}

	get afters(): Map<string, string> {
		const names = this.url.searchParams.getAll("channel");
		const cursors = this.url.searchParams.getAll("after");
		return new Map(names.map((name, at) => [name, cursors[at] ?? "?"]));
	}
}

interface Call {
	readonly at: number;
	readonly fn: () => void;
}

interface Asked {
	readonly host: string;
	readonly path: string;
	readonly init: RequestInit;
	readonly at: number;
}

export type FakeFetch = (url: URL, init: RequestInit) => Response | Promise<Response>;

/** A clock that stands still until it is told, chance that is always one half, and a network of the test's making. */
export class FakeEnv implements Env {
	place = { origin: "http://localhost:8888", protocol: "http:", hostname: "localhost" };
	/** Jupyter's `baseUrl`, if the page has one. */
	base: string | null = null;
	readonly cookies = new Map<string, string>();
	readonly granting = new Set<string>();
	/** Names of permissions that were looked at. */
	readonly queried: string[] = [];
	/** Of all tabs of the browser: tests share it between pages. */
	locks = new Set<string>();
	readonly sources: FakeSource[] = [];
	readonly requests: Asked[] = [];
	answer: FakeFetch = () => {
		throw new TypeError("refused");
	};
	#now = 1_000_000;
	#nonces = 0;
	readonly #calls = new Set<Call>();

	get live(): FakeSource[] {
		return this.sources.filter((source) => !source.closed);
	}

	requestsTo(path: string): RequestInit[] {
		return this.requests.filter((request) => request.path === path).map((request) => request.init);
	}

	async fetch(text: string, init: RequestInit): Promise<Response> {
		const url = new URL(text);
		this.requests.push({ host: url.host, path: url.pathname, init, at: this.#now });
		const aborted = new Promise<never>((_, reject) => {
			init.signal?.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
		});
		return Promise.race([aborted, Promise.resolve().then(() => this.answer(url, init))]);
	}

	openSource(url: string): FakeSource {
		const source = new FakeSource(url);
		this.sources.push(source);
		return source;
	}

	now(): number {
		return this.#now;
	}

	random(): number {
		return 0.5;
	}

	nonce(digits: number): string {
		this.#nonces += 1;
		return String(this.#nonces).padStart(digits, "0");
	}

	async hmac(key: string, text: string): Promise<string> {
		return `mac(${key},${text})`;
	}

	async lock(names: readonly string[]): Promise<Release | null> {
		const name = names.find((each) => !this.locks.has(each));
		if (name === undefined) return null;
		this.locks.add(name);
		return () => void this.locks.delete(name);
	}

	async granted(permission: string): Promise<boolean> {
		this.queried.push(permission);
		return this.granting.has(permission);
	}

	jupyterBase(): string | null {
		return this.base;
	}

	cookie(name: string): string {
		return this.cookies.get(name) ?? "";
	}

	later(ms: number, fn: () => void): () => void {
		const call = { at: this.#now + ms, fn };
		this.#calls.add(call);
		return () => this.#calls.delete(call);
	}

	/** Let the clock alone go on. */
	tick(ms: number): void {
		this.#now += ms;
	}

	/** Let time pass, timer by timer. */
	async advance(ms: number): Promise<void> {
		const until = this.#now + ms;
		await settle();
		for (;;) {
			const due = [...this.#calls].filter((call) => call.at <= until).sort((a, b) => a.at - b.at)[0];
			if (due === undefined) break;
			this.#calls.delete(due);
			this.#now = Math.max(this.#now, due.at);
			due.fn();
			await settle();
		}
		this.#now = until;
	}
}
