/** What the page gives us. Passed in, so that tests need no browser, no network, no clock. */

import { hmacHex } from "./connection/hmac.ts";
import { locksOf, type Release } from "./locks.ts";

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
	fetch(url: string, init: RequestInit): Promise<Response>;
	openSource(url: string): Source;
	now(): number;
	random(): number;
	/** `digits` hexadecimal digits that nobody can guess. */
	nonce(digits: number): string;
	hmac(keyHex: string, text: string): Promise<string>;
	/** Call `fn` in `ms`; returns the cancel. */
	later(ms: number, fn: () => void): () => void;
	/** Take the first of these locks that is free in all tabs of this origin; null if none is. */
	lock(names: readonly string[]): Promise<Release | null>;
	/** Whether the user has granted this already; never asks. */
	granted(permission: string): Promise<boolean>;
	/** Where Jupyter's server is, as its page says; null in other pages. */
	jupyterBase(): string | null;
	/** "" if there is none. */
	cookie(name: string): string;
}

function nonce(digits: number): string {
	const bytes = crypto.getRandomValues(new Uint8Array(digits / 2));
	return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function granted(permission: string): Promise<boolean> {
	try {
		const status = await navigator.permissions.query({ name: permission as PermissionName });
		return status.state === "granted";
	} catch {
		return false; // a browser that does not know it
	}
}

function jupyterBase(): string | null {
	try {
		const text = document.getElementById("jupyter-config-data")?.textContent ?? "";
		const config: unknown = JSON.parse(text);
		if (typeof config !== "object" || config === null || !("baseUrl" in config)) return null;
		return typeof config.baseUrl === "string" ? config.baseUrl : null;
	} catch {
		return null;
	}
}

function cookie(name: string): string {
	const pairs = globalThis.document?.cookie.split("; ") ?? [];
	// The first is that of the longest path: on a JupyterHub, the user's own server's.
	return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";
}

export function browserEnv(): Env {
	return {
		place: globalThis.location,
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
		lock: locksOf(globalThis.navigator?.locks as LockManager | undefined),
		granted,
		jupyterBase,
		cookie,
	};
}
