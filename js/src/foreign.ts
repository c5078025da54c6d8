/**
 * Somebody else's stream, read by one page for all (docs/protocol.md, section 4).
 *
 * The kernel names the page that leads; until then this one claims. Only the leader has an EventSource. What comes travels
 * to the kernel in the feed's report, one batch at a time, the same one until it is acknowledged; back it comes as the
 * events of a channel, for this page too.
 */

import { Backoff } from "./connection/backoff.ts";
import { Timer } from "./connection/timer.ts";
import type { Env } from "./env.ts";
import type { ForeignBatch, ForeignSource } from "./protocol.ts";

const CLAIM_MS = 3_000;
/** What one batch holds, as JSON: beside a body's packs it has to pass a proxy that takes 1 MiB. */
const BATCH_BYTES = 100_000;
const BATCH_EVENTS = 1_000;
const MAX_EVENT_BYTES = 800_000;
const HIGH_WATER_BYTES = 16 * 1024 * 1024;
const CLOSED = 2;

const encoder = new TextEncoder();

export interface ForeignHost {
	/** Send the feed's report soon. */
	poke(): void;
	/** `text` is another. */
	changed(): void;
}

export class Foreign {
	/** What is wrong; "" while all is well. */
	text = "";
	readonly #env: Env;
	readonly #spec: ForeignSource;
	readonly #host: ForeignHost;
	readonly #backoff: Backoff;
	readonly #claimTimer: Timer;
	readonly #openTimer: Timer;
	#session = "";
	#leads = false;
	#close: (() => void) | null = null;
	#n = 0;
	#batch: string[][] = [];
	#queue: string[][] = [];
	#bytes = 0;

	constructor(env: Env, spec: ForeignSource, host: ForeignHost) {
		this.#env = env;
		this.#spec = spec;
		this.#host = host;
		this.#backoff = new Backoff(env.random);
		this.#claimTimer = new Timer(env, () => this.#claim());
		this.#openTimer = new Timer(env, () => this.#open());
	}

	start(): void {
		if (this.#session !== "") return;
		this.#session = this.#env.nonce(32);
		this.#claim();
	}

	stop(): void {
		this.#claimTimer.cancel();
		this.#shut();
		this.text = "";
		this.#session = "";
		this.#leads = false;
		this.#n = 0;
		this.#batch = [];
		this.#queue = [];
		this.#bytes = 0;
	}

	/** What goes along with the feed's report; undefined: this page does not read. */
	get batch(): ForeignBatch | undefined {
		if (this.#session === "") return undefined;
		if (this.#batch.length === 0 && this.#queue.length > 0) this.#gather();
		return { session: this.#session, n: this.#n, events: this.#batch };
	}

	/** The kernel has taken the batches up to `n`; null: another page leads. */
	answered(n: number | null): void {
		if (this.#session === "") return;
		if (n === null) {
			if (this.#leads) {
				this.stop();
				this.#session = this.#env.nonce(32);
				this.#claimTimer.start(CLAIM_MS);
				this.#host.changed();
			}
			return;
		}
		if (!this.#leads) {
			this.#leads = true;
			this.#claimTimer.cancel();
			this.#open();
		}
		if (n === this.#n) this.#batch = [];
		if (this.#batch.length > 0 || this.#queue.length > 0) this.#host.poke();
		else if (this.#close === null && !this.#openTimer.running) this.#open();
	}

	#claim(): void {
		this.#claimTimer.start(CLAIM_MS);
		this.#host.poke();
	}

	#gather(): void {
		let bytes = 0;
		let many = 0;
		for (const row of this.#queue) {
			bytes += sizeOf(row);
			if (many > 0 && (bytes > BATCH_BYTES || many >= BATCH_EVENTS)) break;
			many += 1;
		}
		this.#batch = this.#queue.splice(0, many);
		this.#bytes -= this.#batch.reduce((sum, row) => sum + sizeOf(row), 0);
		this.#n += 1;
	}

	#open(): void {
		const { url, types, credentials } = this.#spec;
		const source = this.#env.openSource(url, credentials);
		this.#close = () => source.close();
		let opened = false;
		// A server may call its own events so, too: those have data.
		const mine = (act: () => void) => (event: { readonly data?: unknown }) => {
			if (this.#close !== null && event.data === undefined) act();
		};
		source.addEventListener(
			"open",
			mine(() => {
				this.#add([opened ? "again" : "anew"]);
				opened = true;
				this.#say("");
			}),
		);
		source.addEventListener(
			"error",
			mine(() => {
				this.#say(unreadable(url));
				if (source.readyState !== CLOSED) return; // the browser comes back by itself
				this.#shut();
				this.#openTimer.start(this.#backoff.next());
			}),
		);
		for (const type of new Set(["message", ...types])) {
			source.addEventListener(type, ({ data, lastEventId }) => {
				if (this.#close === null || typeof data !== "string") return;
				this.#backoff.reset();
				const row = [lastEventId ?? "", type, data];
				this.#add(sizeOf(row) > MAX_EVENT_BYTES ? ["lost"] : row);
			});
		}
	}

	#shut(): void {
		this.#openTimer.cancel();
		this.#close?.();
		this.#close = null;
	}

	#add(row: string[]): void {
		this.#queue.push(row);
		this.#bytes += sizeOf(row);
		// What would follow is lost, and the next connection says so; it opens when all this has gone.
		if (this.#bytes > HIGH_WATER_BYTES) this.#shut();
		this.#host.poke();
	}

	#say(text: string): void {
		if (this.text === text) return;
		this.text = text;
		this.#host.changed();
	}
}

function sizeOf(row: readonly string[]): number {
	return encoder.encode(JSON.stringify(row)).length;
}

function unreadable(url: string): string {
	return (
		`The browser cannot read ${url}: the server does not answer, or does not allow this page's origin (CORS). ` +
		"It tries again by itself; sse_widget.relay(url) reads it from the kernel."
	);
}
