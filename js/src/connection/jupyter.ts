/**
 * The rung `jupyter`: this package's extension of the Jupyter server that the page comes from, which lets in whom
 * Jupyter lets in and relays to the kernel (docs/protocol.md, sections 6 and 8). No secret of the kernel's is needed.
 *
 * All of a browser's tabs share six connections to Jupyter (HTTP/1.1), and with all of them taken its file browser
 * hangs: so a stream needs one of two locks.
 */

import type { Env } from "../env.ts";
import type { Release } from "../locks.ts";
import { MAX_PROXIED_BODY_BYTES, type Welcome } from "../protocol.ts";
import * as texts from "./texts.ts";
import { type Answer, type Obstacle, PROOF_TIMEOUT_MS, type Proof, ProvenWay } from "./way.ts";

const SLOTS = 2;

/** The extension's address for a kernel; "" if the page is not Jupyter's. */
function addressOf(env: Env, kernelId: string): string {
	const base = env.jupyterBase();
	if (base === null || kernelId === "") return "";
	try {
		const { origin, pathname } = new URL(base, env.place.origin);
		if (origin !== env.place.origin) return "";
		return `${origin}${pathname.replace(/\/*$/, "/")}sse-widget/${encodeURIComponent(kernelId)}`;
	} catch {
		return "";
	}
}

export class JupyterWay extends ProvenWay {
	readonly rung = "jupyter";
	readonly needsSecret = false;
	readonly maxBodyBytes = MAX_PROXIED_BODY_BYTES;
	readonly url: string;
	#release: Release | null = null;

	constructor(env: Env, welcome: Welcome) {
		super(env, welcome);
		this.url = addressOf(env, welcome.kernel_id);
	}

	async enter(): Promise<Obstacle | null> {
		if (this.url === "") return { text: texts.NOT_JUPYTER, final: true };
		if (this.resting !== null) return this.resting;
		if (this.#release !== null) return null;
		const names = Array.from({ length: SLOTS }, (_, at) => `sse_widget:${this.env.place.origin}:${at}`);
		this.#release = await this.env.lock(names);
		return this.#release === null ? { text: texts.NO_SLOT, final: false } : null;
	}

	leave(): void {
		this.#release?.();
		this.#release = null;
	}

	/** Jupyter's server answers, and knows of no such kernel. If it does not answer itself, nobody knows. */
	saysGone(proof: Proof): boolean {
		return proof === "absent" || proof === "wrong";
	}

	streamUrl(query: string): string {
		return `${this.url}/events?${query}&_xsrf=${encodeURIComponent(this.#xsrf)}`;
	}

	explain(answer: Answer): string {
		if (answer.kind === "unproven" && answer.proof === "wrong") return texts.wrongBehindJupyter(this.url);
		if (answer.kind === "unproven" && answer.proof === "absent") return texts.noExtension(this.url);
		if (answer.kind === "unproven" && answer.proof === "barred") return texts.barred(this.url);
		if (answer.kind === "answer") return texts.answered(this.url, answer.status);
		return texts.jupyterUnreachable(this.url);
	}

	protected ask(nonce: string): Promise<Answer> {
		return this.request(`/whoami?n=${nonce}`, { method: "GET", headers: this.headers() }, PROOF_TIMEOUT_MS);
	}

	protected headers(): Record<string, string> {
		return { "X-XSRFToken": this.#xsrf };
	}

	/** "manual": an answer that leads elsewhere (to a login) is a no, and has the status 0. */
	protected manner(): RequestInit {
		return { credentials: "same-origin", redirect: "manual" };
	}

	protected refusal(status: number): Exclude<Proof, "proven"> {
		if (status === 200) return "wrong";
		return status >= 404 ? "absent" : "barred";
	}

	get #xsrf(): string {
		return this.env.cookie("_xsrf");
	}
}
