/** Whether this page may try the kernel's own port at all. */

import type { Env } from "../env.ts";

function isLoopback(hostname: string): boolean {
	const host = hostname.toLowerCase();
	if (host === "localhost" || host.endsWith(".localhost")) return true;
	return host === "127.0.0.1" || host === "[::1]" || host === "::1";
}

/**
 * Why `direct` is impossible, as a sentence for the reader of the notebook; "" if it is possible.
 *
 * Any other page would reach 127.0.0.1 of the *reader's* machine, and Chrome would ask for permission first.
 */
export function directImpossible(env: Env, url: string): string {
	const { protocol, hostname } = env.place;
	if (protocol !== "vscode-webview:" && !isLoopback(hostname)) {
		const from = hostname === "" ? "another program" : hostname;
		return (
			`This page comes from ${from}, so it cannot reach the kernel's server at ${url}. ` +
			"Open the notebook at http://localhost on the kernel's machine; Python can read the events with channel.subscribe()."
		);
	}
	if (!env.canProve) {
		return `This page cannot check the kernel's server at ${url}: its browser has no crypto.subtle here. Open it at http://localhost.`;
	}
	return "";
}
