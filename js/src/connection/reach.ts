/** Whether this page may try the kernel's own port at all. */

import type { Env } from "../env.ts";

function isLoopback(hostname: string): boolean {
	const host = hostname.toLowerCase();
	if (host === "localhost" || host.endsWith(".localhost")) return true;
	return host === "127.0.0.1" || host === "[::1]" || host === "::1";
}

/** Whether a request to this machine's own ports goes out without the browser asking its user first. */
async function mayUseLoopback(env: Env): Promise<boolean> {
	const { protocol, hostname } = env.place;
	if (protocol === "vscode-webview:" || isLoopback(hostname)) return true;
	return env.granted("loopback-network");
}

/**
 * Why this page cannot reach the server at `url`, as a sentence for the reader of the notebook; "" if it may be possible.
 *
 * A page from elsewhere would reach 127.0.0.1 of the *reader's* machine, and Chrome would ask for permission first. An
 * address that is not loopback was named by the user (`url_template=`), who knows what reaches what.
 */
export async function directObstacle(env: Env, url: string): Promise<string> {
	const { protocol, hostname } = env.place;
	const target = new URL(url);
	if (isLoopback(target.hostname)) {
		if (await mayUseLoopback(env)) return "";
		const from = hostname === "" ? "another program" : hostname;
		return (
			`This page comes from ${from}, so it cannot reach the kernel's server at ${url}. Open the notebook at ` +
			"http://localhost on the kernel's machine, or name an address that this page reaches with url_template=."
		);
	}
	if (protocol === "https:" && target.protocol === "http:") {
		return `This page was loaded over https, so its browser does not let it reach the kernel's server at ${url}. Name an https address with url_template=.`;
	}
	return "";
}
