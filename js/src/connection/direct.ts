/** The rung `direct`: the kernel's own port, after two proofs (docs/protocol.md, section 2). */

import { MAX_BODY_BYTES } from "../protocol.ts";
import { directObstacle } from "./reach.ts";
import * as texts from "./texts.ts";
import { type Answer, type Obstacle, PROOF_TIMEOUT_MS, type Proof, ProvenWay } from "./way.ts";

export class DirectWay extends ProvenWay {
	readonly rung = "direct";
	readonly needsSecret = true;
	readonly maxBodyBytes = MAX_BODY_BYTES;

	get url(): string {
		return this.secret.url;
	}

	async enter(): Promise<Obstacle | null> {
		const text = await directObstacle(this.env, this.url);
		return text === "" ? this.resting : { text, final: true };
	}

	leave(): void {}

	/** Nobody listens at a port whose process has ended; what listens later is something else. */
	saysGone(proof: Proof): boolean {
		return proof === "unreachable" || proof === "wrong";
	}

	streamUrl(query: string): string {
		return `${this.url}/events?${query}`;
	}

	explain(answer: Answer): string {
		if (answer.kind === "unproven" && answer.proof === "wrong") return texts.wrong(this.url);
		if (answer.kind === "unproven" && answer.proof === "slow") return texts.slow(this.url);
		if (answer.kind === "answer") return texts.answered(this.url, answer.status);
		return texts.unreachable(this.url);
	}

	protected async ask(nonce: string): Promise<Answer> {
		const mac = await this.env.hmac(this.secret.key, `page|${this.env.place.origin}|${nonce}`);
		// The answer is opaque: the server does not know this origin yet. The Fetch standard allows "no-cors" only with
		// redirect "follow"; the body holds nothing that is of use elsewhere.
		await this.request(
			"/whoami",
			{
				method: "POST",
				mode: "no-cors",
				redirect: "follow",
				// Without a referrer the Fetch standard sends `Origin: null` in this mode (Chromium does not).
				referrerPolicy: "origin",
				headers: { "Content-Type": "text/plain" },
				body: JSON.stringify({ n: nonce, mac }),
			},
			PROOF_TIMEOUT_MS,
		);
		return this.request(`/whoami?n=${nonce}`, { method: "GET" }, PROOF_TIMEOUT_MS);
	}

	protected headers(): Record<string, string> {
		return { Authorization: `Bearer ${this.secret.bearer}` };
	}

	protected manner(): RequestInit {
		return { credentials: "omit", redirect: "error" };
	}

	protected refusal(): "wrong" {
		return "wrong";
	}
}
