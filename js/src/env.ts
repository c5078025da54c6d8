/** What the page gives us. Passed in, so that tests need no browser, no network, no clock. */

import { hmacHex } from "./connection/proof.ts";

/** The part of EventSource in use. */
export interface Source {
	addEventListener(type: string, listener: (event: { readonly data?: unknown }) => void): void;
	close(): void;
}

export interface Place {
	readonly origin: string;
	readonly protocol: string;
	readonly hostname: string;
}

export interface Env {
	readonly place: Place;
	/** False where the browser has no `crypto.subtle` (a page that is not a secure context). */
	readonly canProve: boolean;
	fetch(url: string, init: RequestInit): Promise<Response>;
	openSource(url: string): Source;
	now(): number;
	random(): number;
	/** `digits` hexadecimal digits that nobody can guess. */
	nonce(digits: number): string;
	hmac(keyHex: string, text: string): Promise<string>;
	/** Call `fn` in `ms`; returns the cancel. */
	later(ms: number, fn: () => void): () => void;
}

function nonce(digits: number): string {
	const bytes = crypto.getRandomValues(new Uint8Array(digits / 2));
	return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function browserEnv(): Env {
	return {
		place: globalThis.location,
		canProve: globalThis.crypto?.subtle !== undefined,
		fetch: (url, init) => globalThis.fetch(url, init),
		openSource: (url) => new EventSource(url),
		now: () => Date.now(),
		random: () => Math.random(),
		nonce,
		hmac: hmacHex,
		later(ms, fn) {
			const id = setTimeout(fn, ms);
			return () => clearTimeout(id);
		},
	};
}
