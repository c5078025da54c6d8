/** What reading a stream needs of its surroundings. Passed in, so that tests need no browser, no network, no clock. */

/** The part of EventSource in use. */
export interface Source {
	addEventListener(
		type: string,
		listener: (event: { readonly data?: unknown; readonly lastEventId?: string }) => void,
	): void;
	close(): void;
	readonly readyState?: number;
}

export interface Basics {
	fetch(url: string, init: RequestInit): Promise<Response>;
	openSource(url: string): Source;
	now(): number;
	random(): number;
	/** `digits` hexadecimal digits that nobody can guess. */
	nonce(digits: number): string;
	/** Call `fn` in `ms`; returns the cancel. */
	later(ms: number, fn: () => void): () => void;
}

function nonce(digits: number): string {
	const bytes = crypto.getRandomValues(new Uint8Array(digits / 2));
	return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function browserBasics(): Basics {
	return {
		fetch: (url, init) => globalThis.fetch(url, init),
		openSource: (url) => new EventSource(url),
		now: () => Date.now(),
		random: () => Math.random(),
		nonce,
		later(ms, fn) {
			const id = setTimeout(fn, ms);
			return () => clearTimeout(id);
		},
	};
}

/** Call `fn` whenever the network or the tab is back. */
export function whenBack(fn: () => void): void {
	globalThis.addEventListener?.("online", fn);
	globalThis.document?.addEventListener("visibilitychange", () => {
		if (document.visibilityState === "visible") fn();
	});
}
