/**
 * Back to Python: packs as they came, in batches, acknowledged (docs/protocol.md, section 4).
 *
 * Theory of operation: a queue of raw pack texts. One POST is in flight; when its answer comes, the texts it carried go
 * and the next POST takes what has gathered meanwhile. So the batches grow with the load by themselves, and an idle page
 * sends an event at once. Without an answer the same texts are sent again; the kernel's Receiver drops what it has.
 * Never requestAnimationFrame, and timers only for retries: hidden tabs stop the one and slow down the other.
 */

import { Backoff } from "../connection/backoff.ts";
import type { Answer } from "../connection/way.ts";
import type { Env } from "../env.ts";
import {
	asObject,
	type FeedAnswer,
	type FeedReport,
	HIGH_WATER_BYTES,
	LOW_WATER_BYTES,
} from "../protocol.ts";

export interface UplinkHost {
	readonly page: string;
	/** Of packs; a larger one goes alone. */
	readonly maxBodyBytes: number;
	post(body: string): Promise<Answer>;
	/** Feeds that every body names, events or not: the lease. */
	reported(): Iterable<string>;
	/** `waiting`: packs for this feed remain behind this body. */
	report(feed: string, waiting: boolean): FeedReport | null;
	answered(feed: string, answer: FeedAnswer | null): void;
	/** More than HIGH_WATER_BYTES wait (true), or fewer than LOW_WATER_BYTES again (false). */
	hold(on: boolean): void;
	/** The secret is not valid any more. */
	refused(): void;
	/** Not even one pack alone is let through. */
	tooLarge(): void;
	/** Something was acknowledged. */
	moved(): void;
}

interface Waiting {
	readonly text: string;
	readonly bytes: number;
	feeds: readonly string[];
}

const encoder = new TextEncoder();

export class Uplink {
	readonly #env: Env;
	readonly #host: UplinkHost;
	readonly #backoff: Backoff;
	#queue: Waiting[] = [];
	#waitingBytes = 0;
	#inFlight = 0;
	#flying = false;
	#leaseDue = false;
	#scheduled = false;
	#held = false;
	#closed = false;
	#onePerBody = false;
	#paused = false;
	#cancelRetry: (() => void) | null = null;

	constructor(env: Env, host: UplinkHost) {
		this.#env = env;
		this.#host = host;
		this.#backoff = new Backoff(env.random);
	}

	get waitingBytes(): number {
		return this.#waitingBytes;
	}

	/** Nothing waits and nothing is in flight. */
	get idle(): boolean {
		return this.#queue.length === 0 && !this.#flying;
	}

	add(text: string, feeds: readonly string[]): void {
		if (this.#closed) return;
		const bytes = encoder.encode(text).length;
		this.#queue.push({ text, bytes, feeds });
		this.#waitingBytes += bytes;
		this.#checkFlow();
		this.#schedule();
	}

	/** Tell the kernel that this page lives, and its feeds' states. */
	lease(): void {
		this.#leaseDue = true;
		this.#schedule();
	}

	/** There is no way: post nothing until the next `poke`. */
	pause(): void {
		this.#paused = true;
		this.#cancelRetry?.();
		this.#cancelRetry = null;
	}

	/** The way may be open again: do not wait, neither for the backoff nor for the end of a pause. */
	poke(): void {
		this.#paused = false;
		this.#cancelRetry?.();
		this.#cancelRetry = null;
		if (this.#leaseDue || this.#queue.length > 0) this.#schedule();
	}

	waitsFor(feed: string): boolean {
		return this.#queue.some((waiting) => waiting.feeds.includes(feed));
	}

	/** Leave out what waits for this feed: it goes back to an earlier cursor, or is closed. */
	drop(feed: string): void {
		this.#leaveOut(feed, this.#inFlight);
	}

	/** Take what waits for this feed, oldest first, to send it another way; what is in flight, too: it may not arrive. */
	moveOut(feed: string): string[] {
		const moved = this.#queue.filter((waiting) => waiting.feeds.includes(feed));
		this.#leaveOut(feed, 0);
		return moved.map((waiting) => waiting.text);
	}

	close(): void {
		this.#closed = true;
		this.#cancelRetry?.();
		this.#cancelRetry = null;
		this.#queue = [];
		this.#waitingBytes = 0;
		this.#inFlight = 0;
	}

	/** What is in flight stays in the queue until it is answered. */
	#leaveOut(feed: string, from: number): void {
		for (const waiting of this.#queue.slice(from)) {
			waiting.feeds = waiting.feeds.filter((name) => name !== feed);
		}
		this.#queue = this.#queue.filter((waiting, at) => at < this.#inFlight || waiting.feeds.length > 0);
		this.#recount();
	}

	#recount(): void {
		this.#waitingBytes = this.#queue.reduce((sum, waiting) => sum + waiting.bytes, 0);
		this.#checkFlow();
	}

	#checkFlow(): void {
		if (!this.#held && this.#waitingBytes > HIGH_WATER_BYTES) {
			this.#held = true;
			this.#host.hold(true);
		} else if (this.#held && this.#waitingBytes < LOW_WATER_BYTES) {
			this.#held = false;
			this.#host.hold(false);
		}
	}

	/** At the end of this task, so that what one task brings goes in one body. */
	#schedule(): void {
		if (this.#scheduled || this.#flying || this.#closed || this.#paused || this.#cancelRetry !== null) return;
		this.#scheduled = true;
		queueMicrotask(() => {
			this.#scheduled = false;
			const nothing = !this.#leaseDue && this.#queue.length === 0;
			if (!this.#flying && !this.#closed && !this.#paused && !nothing) void this.#fly();
		});
	}

	async #fly(): Promise<void> {
		this.#flying = true;
		this.#leaseDue = false;
		const body = this.#body();
		const answer = await this.#host.post(body);
		this.#flying = false;
		if (this.#closed) return;
		if (answer.kind === "answer" && answer.status === 200) this.#acknowledged(answer.body);
		else this.#failed(answer);
	}

	#acknowledged(body: Record<string, unknown> | null): void {
		this.#backoff.reset();
		this.#queue.splice(0, this.#inFlight);
		this.#inFlight = 0;
		this.#recount();
		for (const [feed, value] of Object.entries(asObject(body?.feeds) ?? {})) {
			const answer = asObject(value);
			if (answer === null) this.#host.answered(feed, null);
			else if (typeof answer.cursor === "string") {
				const { cursor, resume, foreign } = answer;
				const led = foreign === null || typeof foreign === "number" ? { foreign } : {};
				this.#host.answered(feed, { cursor, resume: resume === true, ...led });
			}
		}
		this.#host.moved();
		if (this.#queue.length === 0) this.#onePerBody = false;
		if (this.#leaseDue || this.#queue.length > 0) this.#schedule();
	}

	#failed(answer: Answer): void {
		const packs = this.#inFlight;
		this.#inFlight = 0;
		this.#queue = this.#queue.filter((waiting) => waiting.feeds.length > 0); // some may go another way now
		this.#recount();
		this.#leaseDue = true;
		if (answer.kind === "answer") {
			if (answer.status === 401 || answer.status === 403) this.#host.refused();
			// Perhaps it was too much at once: then smaller bodies go through.
			else if (answer.status < 500) this.#onePerBody = true;
			if (answer.status === 413 && packs === 1) this.#host.tooLarge();
		}
		if (this.#paused) return;
		this.#cancelRetry = this.#env.later(this.#backoff.next(), () => {
			this.#cancelRetry = null;
			this.#schedule();
		});
	}

	#body(): string {
		const batch = this.#batch();
		this.#inFlight = batch.length;
		const behind = new Set(this.#queue.slice(batch.length).flatMap((waiting) => waiting.feeds));
		const feeds: Record<string, FeedReport> = {};
		for (const feed of [...this.#host.reported(), ...batch.flatMap((waiting) => waiting.feeds)]) {
			const report = feeds[feed] ?? this.#host.report(feed, behind.has(feed));
			if (report !== null) feeds[feed] = report;
		}
		const wanted = JSON.stringify(batch.map((waiting) => waiting.feeds));
		const packs = batch.map((waiting) => waiting.text).join(",");
		const page = JSON.stringify(this.#host.page) + (this.#held ? ',"held":true' : "");
		return `{"page":${page},"feeds":${JSON.stringify(feeds)},"wanted":${wanted},"packs":[${packs}]}`;
	}

	#batch(): Waiting[] {
		const batch: Waiting[] = [];
		let bytes = 0;
		for (const waiting of this.#queue) {
			bytes += waiting.bytes;
			if (batch.length > 0 && (bytes > this.#host.maxBodyBytes || this.#onePerBody)) break;
			batch.push(waiting);
		}
		return batch;
	}
}
