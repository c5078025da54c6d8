/**
 * The rung `comm`: a feed's events as custom messages of its widget (docs/protocol.md, section 7).
 *
 * Theory of operation: the kernel speaks first, unasked; what comes goes through the feed's readers, which skip what came
 * another way. The page says that it needs the comm (`carry`), where it is, and, if something was dropped on the way, that
 * the kernel shall go back to there. It says so after what it has got, and every few seconds: the kernel lends the comm.
 * Only who is behind asks to go back, never who is ahead: of several pages, each would otherwise undo the other's wish.
 */

import { earliest, formatCursor, joins, parseCursor } from "../connection/cursor.ts";
import type { Subscriber } from "../connection/subscriber.ts";
import { Timer } from "../connection/timer.ts";
import type { Env } from "../env.ts";
import {
	asObject,
	asPack,
	asPacks,
	type FeedAnswer,
	MAX_COMM_BODY_BYTES,
	type Pack,
	parseObject,
} from "../protocol.ts";
import { Uplink } from "../sync/uplink.ts";
import { mustGoBack } from "../sync/wayback.ts";
import { Mail, type Said } from "./mail.ts";

/** The kernel takes a page that has not said for 45 s that it needs the comm for one that does not. */
const LEASE_MS = 12_000;
/** It says something every 15 s. */
const SILENCE_MS = 40_000;
/** What the kernel has sent before it went back is still on its way. */
const BACK_EVERY_MS = 1_000;
/** While the kernel does not answer: it would do later all that it was asked for meanwhile. */
const UNHEARD_MS = 10_000;
/** A page that needs nothing says so again if that was not heard. */
const DECLINE_EVERY_MS = 10_000;

export interface CarrierHost {
	/** The feed whose events these are. */
	readonly subscriber: Subscriber;
	/** By which the kernel knows this page. */
	readonly page: string;
	/** False: the comm is dead. */
	send(content: object): boolean;
	/** This text, which `synced` has just taken, goes back to Python. */
	upload(text: string): void;
	/** `alive` may be another. */
	changed(): void;
}

export class Carrier {
	readonly uplink: Uplink;
	readonly #env: Env;
	readonly #host: CarrierHost;
	readonly #mail: Mail;
	readonly #speakTimer: Timer;
	readonly #backTimer: Timer;
	readonly #silenceTimer: Timer;
	#carry = false;
	/** The kernel may believe that this page needs the comm. */
	#claimed = false;
	#begunAt = 0;
	#heardAt = Number.NEGATIVE_INFINITY;
	#behind = false;
	/** When the kernel was last asked to go back, and in which message. */
	#backAt = Number.NEGATIVE_INFINITY;
	#backIn = 0;
	#declinedAt = Number.NEGATIVE_INFINITY;
	#epoch: string | null = null;
	/** Of the kernel's returns, as far as this page has seen. */
	#backs: number | null = null;

	constructor(env: Env, host: CarrierHost) {
		this.#env = env;
		this.#host = host;
		const { subscriber, page } = host;
		this.#mail = new Mail(env, {
			page,
			says: () => this.#says(),
			emptyBody: () => JSON.stringify({ page, feeds: { [subscriber.feed]: subscriber.report(false) } }),
			send: (content) => host.send(content),
		});
		this.uplink = new Uplink(env, {
			page,
			maxBodyBytes: MAX_COMM_BODY_BYTES,
			post: (body) => this.#mail.post(body),
			reported: () => [subscriber.feed],
			report: (_, waiting) => subscriber.report(waiting),
			answered: (_, answer) => this.#answered(answer),
			hold: () => undefined, // the kernel's window holds it
			refused: () => undefined,
			tooLarge: () => undefined, // there is no status over the comm
			moved: () => {
				if (!subscriber.viaHttp && !this.uplink.waitsFor(subscriber.feed)) subscriber.flushed();
			},
		});
		this.#speakTimer = new Timer(env, () => this.#speak());
		this.#backTimer = new Timer(env, () => {
			if (this.#behind) this.#speak();
		});
		this.#silenceTimer = new Timer(env, () => host.changed());
	}

	/** This page needs the comm. */
	get carry(): boolean {
		return this.#carry;
	}

	/** Events come, or would if there were any. */
	get alive(): boolean {
		return this.#carry && this.#heardAt >= this.#begunAt && this.#env.now() - this.#heardAt < SILENCE_MS;
	}

	/** How long it has been needed [ms]. */
	get ageMs(): number {
		return this.#env.now() - this.#begunAt;
	}

	/** Something has come since it was needed, if only a heartbeat. */
	get heard(): boolean {
		return this.#heardAt >= this.#begunAt;
	}

	/** From now on this page needs the comm. It says so in `quietMs`: until then, something better may be there. */
	begin(quietMs: number): void {
		if (this.#carry) return;
		this.#carry = true;
		this.#begunAt = this.#env.now();
		this.#behind = false;
		this.uplink.pause();
		this.#speakTimer.start(quietMs);
	}

	/** Not any more: there is something better (`better`), or nothing is needed. What waits still goes back to Python. */
	end(better: boolean): void {
		if (!this.#carry) return;
		this.#carry = false;
		for (const timer of [this.#speakTimer, this.#backTimer, this.#silenceTimer]) timer.cancel();
		if (better) this.uplink.pause();
		else this.uplink.poke();
		if (this.#claimed) this.#decline();
	}

	/** The kernel's `packs`. `wanted`: the feed reads, this way or another. */
	packs(message: Record<string, unknown>, wanted: boolean): void {
		this.#heardAt = this.#env.now();
		if (wanted) this.#read(message);
		if (!this.#carry) {
			if (this.#env.now() - this.#declinedAt >= DECLINE_EVERY_MS) this.#decline();
			return;
		}
		this.#silenceTimer.start(SILENCE_MS);
		this.#host.changed();
		if (!this.#speakTimer.running || this.#claimed) this.#speak();
	}

	/** The kernel's `answer` to a page. */
	answer(message: Record<string, unknown>): void {
		if (message.page !== this.#host.page || typeof message.n !== "number") return;
		const { feed } = this.#host.subscriber;
		const feeds = asObject(message.feeds);
		this.#mail.answered(message.n, feeds);
		if (feeds?.[feed] === null) this.#answered(null);
	}

	/** Whether a feed that has read everything up to this cursor has read all. If not, the kernel is asked to go back. */
	hasAll(text: string): boolean {
		const cursor = parseCursor(text);
		const { shown, synced } = this.#host.subscriber;
		if (cursor === null || (joins(shown.cursor, cursor) && joins(synced.cursor, cursor))) return true;
		this.#behind = true;
		this.#speak();
		return false;
	}

	close(): void {
		this.#carry = false;
		for (const timer of [this.#speakTimer, this.#backTimer, this.#silenceTimer]) timer.cancel();
		this.uplink.close();
		this.#mail.close();
	}

	#read(message: Record<string, unknown>): void {
		const { packs, cursor, backs } = asPacks(message);
		this.#backs = backs;
		const taken = packs.map((text) => this.#take(asPack(parseObject(text)), text));
		const { shown, synced } = this.#host.subscriber;
		const sent = parseCursor(cursor);
		const complete = sent === null || (joins(shown.cursor, sent) && joins(synced.cursor, sent));
		this.#behind = !complete || taken.includes(false);
	}

	/** False: it does not join on. */
	#take(pack: Pack | null, text: string): boolean {
		const { subscriber } = this.#host;
		if (pack === null) return false;
		if (pack.channel !== subscriber.channel) return true;
		this.#epoch = pack.epoch;
		const shown = subscriber.shown.read(pack);
		const synced = subscriber.synced.read(pack);
		if (synced.kind === "take") this.#host.upload(text);
		if (shown.kind === "take") subscriber.take(pack, shown.from, shown.lost, text.length);
		return shown.kind !== "refuse" && synced.kind !== "refuse";
	}

	#answered(answer: FeedAnswer | null): void {
		const { subscriber } = this.#host;
		if (answer === null) {
			subscriber.closed();
			return;
		}
		subscriber.answered(answer);
		const back = mustGoBack(answer, subscriber.synced.cursor, this.uplink.waitsFor(subscriber.feed));
		if (back && !subscriber.viaHttp) {
			this.uplink.drop(subscriber.feed);
			subscriber.synced.cursor = parseCursor(answer.cursor);
			this.#behind = true;
			if (this.#carry) this.#speak();
		}
	}

	/** Say what is new, with what waits to go back; what is under way need not be waited for to ask the kernel back. */
	#speak(): void {
		if (!this.#carry) return;
		// Nothing is on its way to this page, which may lack something.
		if (!this.#claimed && !this.heard) this.#behind = true;
		this.#claimed = true;
		this.uplink.poke();
		if (this.#mail.waiting && this.#mayGoBack) this.#mail.tell();
		this.uplink.lease();
		if (!this.#speakTimer.running) this.#speakTimer.start(LEASE_MS);
	}

	get #mayGoBack(): boolean {
		const everyMs = this.#mail.heard >= this.#backIn ? BACK_EVERY_MS : UNHEARD_MS;
		return this.#carry && this.#behind && this.#env.now() - this.#backAt >= everyMs;
	}

	#says(): Said {
		const { shown, synced } = this.#host.subscriber;
		const back = this.#mayGoBack;
		if (back) {
			this.#backAt = this.#env.now();
			this.#backIn = this.#mail.said;
		}
		// Until it shows that this was heard.
		if (this.#behind && this.#carry) this.#backTimer.start(BACK_EVERY_MS);
		if (this.#carry) this.#speakTimer.start(LEASE_MS);
		const cursor = formatCursor(earliest([shown.cursor, synced.cursor], this.#epoch));
		return { carry: this.#carry, cursor, back, backs: this.#backs };
	}

	#decline(): void {
		this.#claimed = false;
		this.#declinedAt = this.#env.now();
		this.#mail.tell();
	}
}
