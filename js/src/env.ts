/** What a notebook's page gives us. */

import { type Basics, browserBasics, type Source } from "./basics.ts";
import { hmacHex } from "./connection/hmac.ts";
import { locksOf, type Release } from "./locks.ts";

export interface Place {
	readonly origin: string;
	readonly protocol: string;
	readonly hostname: string;
}

export interface Env extends Basics {
	readonly place: Place;
	openSource(url: string, credentials?: boolean): Source;
	hmac(keyHex: string, text: string): Promise<string>;
	/** Take the first of these locks that is free in all tabs of this origin; null if none is. */
	lock(names: readonly string[]): Promise<Release | null>;
	/** Whether the user has granted this already; never asks. */
	granted(permission: string): Promise<boolean>;
	/** Where Jupyter's server is, as its page says; null in other pages. */
	jupyterBase(): string | null;
	/** "" if there is none. */
	cookie(name: string): string;
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
		...browserBasics(),
		openSource: (url, credentials = false) => new EventSource(url, { withCredentials: credentials }),
		place: globalThis.location,
		hmac: hmacHex,
		lock: locksOf(globalThis.navigator?.locks as LockManager | undefined),
		granted,
		jupyterBase,
		cookie,
	};
}
