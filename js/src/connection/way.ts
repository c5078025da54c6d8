/**
 * A way over HTTP to the kernel's server: one rung of the ladder (docs/protocol.md, section 6).
 *
 * Proof before anything else: what answers may be somebody else's by now. So nothing is posted before the server has
 * shown that it has the key, and after every network error it has to show it again.
 */

import type { Env } from "../env.ts";
import type { Rung, Secret } from "../protocol.ts";
import { type Answered, request, type Unreachable } from "./request.ts";
import * as texts from "./texts.ts";

export const PROOF_TIMEOUT_MS = 5_000;
const NONCE_DIGITS = 32;
/** For the comm to take over, and to bring back what HTTP could not. */
const REST_MS = 30_000;

/**
 * `slow`: something listens, but did not answer in time. `absent`: who answers says that there is no such kernel.
 * `barred`: who answers does not let this page in.
 */
export type Proof = "proven" | "wrong" | "unreachable" | "slow" | "absent" | "barred";

export type Answer =
	| Answered
	| Unreachable
	| { readonly kind: "unproven"; readonly proof: Exclude<Proof, "proven"> };

/** Why a way cannot be tried, as a sentence; `final`: waiting does not change that. */
export interface Obstacle {
	readonly text: string;
	readonly final: boolean;
}

/** What a stream needs of its way. */
export interface Desk {
	/** 401 and 403 mean that the secret is not valid any more. */
	readonly needsSecret: boolean;
	/** Post JSON, after proof. Never throws: what went wrong is a value. */
	post(path: string, body: string, timeoutMs: number): Promise<Answer>;
	streamUrl(query: string): string;
	/** What went wrong, for the reader of the notebook. */
	explain(answer: Answer): string;
}

export interface Way extends Desk {
	readonly rung: Rung;
	readonly url: string;
	/** Of packs in one body. */
	readonly maxBodyBytes: number;
	/** Take what a stream on this way needs. Null: it may be tried. Idempotent. */
	enter(): Promise<Obstacle | null>;
	/** Give it back. Idempotent. */
	leave(): void;
	/** What goes back to Python is too large for it: be no way for a while, in which the comm takes that back. */
	rest(): Obstacle;
	/** Ask for proof, whatever is known so far. Callers at the same time share one exchange. */
	prove(): Promise<Proof>;
	/** Whether this answer to a request for proof means that the kernel is no more. */
	saysGone(proof: Proof): boolean;
	/** Whoever answers next has to prove itself again. */
	distrust(): void;
	/** Take newer secrets; returns whether anything is new. */
	update(secret: Secret): boolean;
}

export abstract class ProvenWay implements Way {
	abstract readonly rung: Rung;
	abstract readonly url: string;
	abstract readonly needsSecret: boolean;
	abstract readonly maxBodyBytes: number;
	protected readonly env: Env;
	protected secret: Secret;
	#proven = false;
	#proving: Promise<Proof> | null = null;
	#restsUntil = 0;

	constructor(env: Env, secret: Secret) {
		this.env = env;
		this.secret = secret;
	}

	abstract enter(): Promise<Obstacle | null>;
	abstract leave(): void;
	abstract saysGone(proof: Proof): boolean;
	abstract streamUrl(query: string): string;
	abstract explain(answer: Answer): string;
	/** Ask for the mac of this nonce. */
	protected abstract ask(nonce: string): Promise<Answer>;
	/** What every post says of who sends it. */
	protected abstract headers(): Record<string, string>;
	/** How requests are made on this way. */
	protected abstract manner(): RequestInit;
	/** What an answer without the right mac means. */
	protected abstract refusal(status: number): Exclude<Proof, "proven">;

	update(secret: Secret): boolean {
		const { url, bearer, key } = this.secret;
		if (url === secret.url && bearer === secret.bearer && key === secret.key) return false;
		this.secret = secret;
		this.distrust();
		return true;
	}

	distrust(): void {
		this.#proven = false;
	}

	rest(): Obstacle {
		this.#restsUntil = this.env.now() + REST_MS;
		return { text: texts.tooLarge(this.url), final: false };
	}

	/** Why it cannot be tried now, if it rests. */
	protected get resting(): Obstacle | null {
		return this.env.now() < this.#restsUntil ? { text: texts.tooLarge(this.url), final: false } : null;
	}

	prove(): Promise<Proof> {
		this.#proving ??= this.#exchange().then((proof) => {
			this.#proving = null;
			this.#proven = proof === "proven";
			return proof;
		});
		return this.#proving;
	}

	async post(path: string, body: string, timeoutMs: number): Promise<Answer> {
		if (!this.#proven) {
			const proof = await this.prove();
			if (proof !== "proven") return { kind: "unproven", proof };
		}
		const headers = { ...this.headers(), "Content-Type": "application/json" };
		const answer = await this.request(path, { method: "POST", headers, body }, timeoutMs);
		if (answer.kind === "unreachable") this.distrust();
		return answer;
	}

	async #exchange(): Promise<Proof> {
		const { server, key } = this.secret;
		const started = this.env.now();
		const nonce = this.env.nonce(NONCE_DIGITS);
		const expected = await this.env.hmac(key, `server|${nonce}`);
		const answer = await this.ask(nonce);
		if (answer.kind === "answer") {
			const right = answer.body?.mac === expected && answer.body.server === server;
			return right ? "proven" : this.refusal(answer.status);
		}
		return this.env.now() - started >= PROOF_TIMEOUT_MS ? "slow" : "unreachable";
	}

	protected request(path: string, init: RequestInit, timeoutMs: number): Promise<Answered | Unreachable> {
		return request(this.env, `${this.url}${path}`, { ...this.manner(), ...init }, timeoutMs);
	}
}
