/** Whether this page may try the kernel's own port at all. */

import type { Env } from "../env.ts";

function isLoopback(hostname: string): boolean {
	const host = hostname.toLowerCase();
	if (host === "localhost" || host.endsWith(".localhost")) return true;
	return host === "127.0.0.1" || host === "[::1]" || host === "::1";
}

/**
 * Why this page cannot reach the server at `url`, as a sentence for the reader of the notebook; "" if it may be possible.
 *
 * A page from elsewhere would reach 127.0.0.1 of the *reader's* machine, and Chrome would ask for permission first. An
 * address that is not loopback was named by the user (`url_template=`), who knows what reaches what.
 */
export function directImpossible(env: Env, url: string): string {
	const { protocol, hostname } = env.place;
	const target = new URL(url);
	if (isLoopback(target.hostname)) {
		if (protocol !== "vscode-webview:" && !isLoopback(hostname)) {
			const from = hostname === "" ? "another program" : hostname;
			return (
				`This page comes from ${from}, so it cannot reach the kernel's server at ${url}. Open the notebook at ` +
				"http://localhost on the kernel's machine, or name an address that this page reaches with url_template=."
			);
		}
	} else if (protocol === "https:" && target.protocol === "http:") {
		return `This page was loaded over https, so its browser does not let it reach the kernel's server at ${url}. Name an https address with url_template=.`;
	}
	if (!env.canProve) {
		return `This page cannot check the kernel's server at ${url}: its browser has no crypto.subtle here. Open it at http://localhost.`;
	}
	return "";
}
