/**
 * Proof before secret (docs/protocol.md, section 2), and requests that carry the bearer.
 *
 * The port may belong to somebody else by now. So no bearer leaves before the server has shown that it has the key,
 * and after every network error it has to show it again.
 */

import type { Env } from "../env.ts";
import { parseObject, type Secret } from "../protocol.ts";

const PROOF_TIMEOUT_MS = 5_000;
const NONCE_DIGITS = 32;

/** `slow`: something listens, but did not answer in time. */
export type Proof = "proven" | "wrong" | "unreachable" | "slow";

export type Answer =
	| { readonly kind: "answer"; readonly status: number; readonly body: Record<string, unknown> | null }
	| { readonly kind: "unproven"; readonly proof: Exclude<Proof, "proven"> }
	| { readonly kind: "unreachable" };

function bytesOf(hex: string): Uint8Array<ArrayBuffer> {
	const pairs = hex.match(/../g) ?? [];
	return Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16));
}

/** HMAC-SHA256 of the UTF-8 text under the bytes that `keyHex` spells, as lower-case hexadecimal digits. */
export async function hmacHex(keyHex: string, text: string): Promise<string> {
	const algorithm = { name: "HMAC", hash: "SHA-256" };
	const key = await crypto.subtle.importKey("raw", bytesOf(keyHex), algorithm, false, ["sign"]);
	const mac = new Uint8Array(await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(text)));
	return Array.from(mac, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Access {
	readonly #env: Env;
	#secret: Secret;
	#proven = false;
	#proving: Promise<Proof> | null = null;

	constructor(env: Env, secret: Secret) {
		this.#env = env;
		this.#secret = secret;
	}

	get url(): string {
		return this.#secret.url;
	}

	/** Take newer secrets; returns whether anything is new. */
	update(secret: Secret): boolean {
		const { url, bearer, key } = this.#secret;
		if (url === secret.url && bearer === secret.bearer && key === secret.key) return false;
		this.#secret = secret;
		this.distrust();
		return true;
	}

	/** Whoever answers next has to prove itself again. */
	distrust(): void {
		this.#proven = false;
	}

	/** Ask for proof, whatever is known so far. Callers at the same time share one exchange. */
	prove(): Promise<Proof> {
		this.#proving ??= this.#exchange().then((proof) => {
			this.#proving = null;
			this.#proven = proof === "proven";
			return proof;
		});
		return this.#proving;
	}

	/** Post JSON with the bearer, after proof. Never throws: what went wrong is a value. */
	async post(path: string, body: string, timeoutMs: number): Promise<Answer> {
		if (!this.#proven) {
			const proof = await this.prove();
			if (proof !== "proven") return { kind: "unproven", proof };
		}
		const { url, bearer } = this.#secret;
		const headers = { Authorization: `Bearer ${bearer}`, "Content-Type": "application/json" };
		const answer = await this.#request(`${url}${path}`, { method: "POST", headers, body }, timeoutMs);
		if (answer.kind === "unreachable") this.distrust();
		return answer;
	}

	async #exchange(): Promise<Proof> {
		const { url, server, key } = this.#secret;
		const started = this.#env.now();
		const nonce = this.#env.nonce(NONCE_DIGITS);
		const mac = await this.#env.hmac(key, `page|${this.#env.place.origin}|${nonce}`);
		// The answer is opaque: the server does not know this origin yet. The Fetch standard allows "no-cors" only with
		// redirect "follow"; the body holds nothing that is of use elsewhere.
		await this.#request(
			`${url}/whoami`,
			{
				method: "POST",
				mode: "no-cors",
				redirect: "follow",
				headers: { "Content-Type": "text/plain" },
				body: JSON.stringify({ n: nonce, mac }),
			},
			PROOF_TIMEOUT_MS,
		);
		const expected = await this.#env.hmac(key, `server|${nonce}`);
		const answer = await this.#request(`${url}/whoami?n=${nonce}`, { method: "GET" }, PROOF_TIMEOUT_MS);
		if (answer.kind === "answer") {
			return answer.body?.mac === expected && answer.body.server === server ? "proven" : "wrong";
		}
		return this.#env.now() - started >= PROOF_TIMEOUT_MS ? "slow" : "unreachable";
	}

	async #request(
		url: string,
		init: RequestInit,
		timeoutMs: number,
	): Promise<Exclude<Answer, { kind: "unproven" }>> {
		const timeout = new AbortController();
		const cancel = this.#env.later(timeoutMs, () => timeout.abort());
		try {
			const response = await this.#env.fetch(url, {
				credentials: "omit",
				cache: "no-store",
				redirect: "error",
				referrerPolicy: "no-referrer",
				signal: timeout.signal,
				...init,
			});
			const text = await response.text();
			return { kind: "answer", status: response.status, body: parseObject(text) };
		} catch {
			return { kind: "unreachable" };
		} finally {
			cancel();
		}
	}
}
