/**
 * One kernel's server, for all feeds of the page: one EventSource, one way back.
 *
 * Theory of operation: `#review()` compares what the subscribers need with what the stream gives, and is called whenever
 * either may have changed; calls are coalesced. If they differ, `#connect()` fetches a ticket (after proof), closes the
 * old stream and opens a new one from the earliest cursor of each channel's readers. Nobody loses or repeats anything by
 * that: each reader skips what it has and refuses what does not join on. So every trouble has the same cure, a new stream.
 */

import type { Env } from "../env.ts";
import type { Pack, Secret } from "../protocol.ts";
import type { Uplink } from "../sync/uplink.ts";
import { openWayBack } from "../sync/wayback.ts";
import { type Cursor, joins } from "./cursor.ts";
import { Access } from "./proof.ts";
import { Retries } from "./retries.ts";
import { Roster } from "./roster.ts";
import { Stream } from "./stream.ts";
import type { LinkState, Subscriber } from "./subscriber.ts";
import * as texts from "./texts.ts";
import { askForTicket } from "./tickets.ts";
import { Soon, Timer } from "./timer.ts";
import { Vigil } from "./vigil.ts";

const LINGER_MS = 1_000;
const LAST_WORDS_MS = 30_000;

export class Connection {
	readonly #env: Env;
	readonly #page: string;
	readonly #silenceMs: number;
	readonly #access: Access;
	readonly #uplink: Uplink;
	readonly #onClosed: () => void;
	readonly #roster = new Roster();
	readonly #retries: Retries;
	readonly #vigil: Vigil;
	readonly #review: Soon;
	readonly #lingerTimer: Timer;
	readonly #lastWordsTimer: Timer;
	#stream: Stream | null = null;
	#link: LinkState = { state: "connecting", text: "" };
	#connecting = false;
	#again = false;
	#held = false;
	#closed = false;
	#packs = 0;
	#events = 0;

	constructor(env: Env, page: string, secret: Secret, silence_s: number, onClosed: () => void) {
		this.#env = env;
		this.#page = page;
		this.#silenceMs = silence_s * 1000;
		this.#onClosed = onClosed;
		this.#access = new Access(env, secret);
		this.#review = new Soon(() => this.#reviewNow());
		this.#vigil = new Vigil(env, () => this.#access.prove());
		this.#retries = new Retries(env, () => this.#review.ask());
		this.#lingerTimer = new Timer(env, () => this.#review.ask());
		this.#lastWordsTimer = new Timer(env, () => this.close());
		this.#uplink = openWayBack(env, page, this.#access, this.#roster, {
			hold: (on) => this.#hold(on),
			// Only a ticket decides that a second try has failed: this one may repeat before the new secret has come.
			refused: () => void (this.#retries.refused || this.#refused()),
			changed: (back) => {
				if (back !== null) this.#stream?.serves.delete(back);
				else if (!this.#lingerTimer.running) this.#lingerTimer.start(LINGER_MS);
				this.#review.ask();
			},
		});
	}

	/** What tests and the curious may know: plain data, no secret. */
	stats(): object {
		return {
			url: this.#access.url,
			state: this.#link.state,
			text: this.#link.text,
			streams: this.#stream === null ? 0 : 1,
			channels: [...(this.#stream?.channels ?? [])],
			packs: this.#packs,
			events: this.#events,
			waiting_bytes: this.#uplink.waitingBytes,
			subscribers: this.#roster.feeds(),
		};
	}

	subscribe(subscriber: Subscriber): void {
		this.#roster.add(subscriber);
		this.#lingerTimer.cancel();
		this.#lastWordsTimer.cancel();
		this.#review.ask();
	}

	/** The stream goes on for a moment: hosts take a view out and put it back when a cell moves. */
	unsubscribe(subscriber: Subscriber): void {
		if (this.#roster.remove(subscriber)) this.#lingerTimer.start(LINGER_MS);
	}

	/** A newer `welcome` of the same server: if it was asked for, or has new secrets, try at once. */
	update(secret: Secret): void {
		if (this.#access.update(secret) || this.#retries.refused) this.poke();
	}

	/** The network or the tab is back, or there are new secrets: do not wait for the backoff. */
	poke(): void {
		if (this.#closed) return;
		this.#uplink.poke();
		if (!this.#retries.waiting) return;
		this.#retries.cancel();
		this.#review.ask();
	}

	/** Send the feeds' states to the kernel now, if the way is open. */
	report(): void {
		if (this.#link.state === "open") this.#uplink.lease();
	}

	/** The host says the kernel may be gone. Resolves to whether it is; if so, everything has ended here. */
	async suspect(): Promise<boolean> {
		const gone = await this.#vigil.keep();
		if (gone) this.#fail(texts.KERNEL_GONE);
		else this.#review.ask();
		return gone;
	}

	close(): void {
		if (this.#closed) return;
		this.#closed = true;
		this.#closeStream();
		for (const timer of [this.#retries, this.#lingerTimer, this.#lastWordsTimer]) timer.cancel();
		this.#uplink.close();
		this.#roster.flush(() => false);
		this.#onClosed();
	}

	/** Asked for through `Soon`: twenty views of one cell's output open one stream. */
	#reviewNow(): void {
		if (this.#closed) return;
		if (this.#roster.empty) {
			this.#leave();
			return;
		}
		this.#tell();
		if (this.#held || this.#retries.waiting) return;
		if (this.#connecting) this.#again = true;
		else if (!this.#roster.servedBy(this.#stream)) void this.#connect();
	}

	/** Nobody is left: close, after the linger, and after everything has gone back to Python. */
	#leave(): void {
		if (this.#lingerTimer.running || this.#vigil.running) return;
		this.#closeStream();
		this.#retries.cancel();
		if (this.#uplink.idle) this.close();
		else if (!this.#lastWordsTimer.running) this.#lastWordsTimer.start(LAST_WORDS_MS);
	}

	async #connect(): Promise<void> {
		this.#connecting = true;
		do {
			this.#again = false;
			await this.#attempt();
		} while (this.#again && !this.#retries.waiting && !this.#closed);
		this.#connecting = false;
	}

	async #attempt(): Promise<void> {
		const channels = this.#roster.channels();
		if (channels.length === 0 || this.#held || this.#roster.servedBy(this.#stream)) return;
		const answer = await askForTicket(this.#access, this.#page, channels);
		if (this.#closed) return;
		if (answer.kind === "trouble") this.#trouble(answer.text);
		else if (answer.kind === "refused") this.#refused();
		else if (answer.kind === "gone") {
			for (const channel of answer.channels) this.#end(channel);
			this.#again = true;
		} else if (this.#roster.channels().join("\n") !== channels.join("\n")) this.#again = true;
		else if (!this.#held) this.#openStream(answer.ticket, channels);
	}

	/** The secret is not valid. The kernel may have a newer one; if that fails too, it is over. */
	#refused(): void {
		if (!this.#retries.afterRefusal()) {
			this.#fail(texts.REFUSED);
			return;
		}
		this.#closeStream();
		this.#say({ state: "reconnecting", text: texts.ASKING_AGAIN });
		for (const subscriber of this.#roster.all()) subscriber.hello();
	}

	#openStream(ticket: string, channels: readonly string[]): void {
		this.#closeStream();
		const query = new URLSearchParams({ ticket, client: this.#page });
		const url = `${this.#access.url}/events?${query}${this.#roster.query(channels)}`;
		const stream: Stream = new Stream(this.#env, url, channels, this.#silenceMs, {
			open: () => this.#opened(stream),
			pack: (pack, text) => this.#pack(pack, text),
			heartbeat: (cursors) => this.#heartbeat(cursors),
			ended: (channel) => this.#end(channel),
			rotate: () => this.#rotated(),
			broken: () => this.#broken(),
		});
		for (const channel of channels) {
			for (const reader of this.#roster.readers(channel)) stream.serves.add(reader);
		}
		this.#stream = stream;
	}

	#closeStream(): void {
		this.#stream?.close();
		this.#stream = null;
	}

	#opened(stream: Stream): void {
		this.#retries.opened();
		this.#roster.adopt(stream.sent);
		this.#say({ state: "open", text: "" });
		this.#uplink.poke();
		this.#uplink.lease();
		this.#review.ask(); // somebody may have come in the meantime
	}

	#pack(pack: Pack, text: string): void {
		this.#packs += 1;
		this.#events += pack.events.length;
		const { wanted, refused } = this.#roster.deliver(pack, text.length);
		if (wanted.length > 0) this.#uplink.add(text, wanted);
		if (refused) this.#askAgain();
	}

	#heartbeat(cursors: ReadonlyMap<string, Cursor>): void {
		const late = [...cursors].some(([channel, sent]) =>
			this.#roster.readers(channel).some((reader) => !joins(reader.cursor, sent)),
		);
		this.#uplink.lease();
		if (late) this.#askAgain();
		else this.#retries.joined();
	}

	#askAgain(): void {
		if (this.#stream === null || this.#connecting || this.#retries.waiting) return;
		this.#closeStream();
		this.#retries.afterMiss();
	}

	#rotated(): void {
		this.#stream = null;
		this.#review.ask();
	}

	#broken(): void {
		this.#stream = null;
		this.#access.distrust();
		if (!this.#roster.empty) this.#trouble(texts.unreachable(this.#access.url));
	}

	#trouble(text: string): void {
		this.#closeStream();
		this.#say({ state: "reconnecting", text });
		this.#retries.afterTrouble();
	}

	#say(link: LinkState): void {
		this.#link = link;
		this.#tell();
	}

	/** Each subscriber ignores what it knows already. "open" is told to those whose channel has come. */
	#tell(): void {
		const stream = this.#stream;
		this.#roster.tell(this.#link, (channel) => stream?.opened === true && stream.channels.has(channel));
	}

	#end(channel: string): void {
		for (const subscriber of this.#roster.of(channel)) {
			this.#roster.remove(subscriber);
			subscriber.ended();
		}
		this.#lingerTimer.start(LINGER_MS);
		this.#uplink.lease();
	}

	#fail(text: string): void {
		const all = this.#roster.all();
		for (const subscriber of all) this.#roster.remove(subscriber);
		this.close();
		for (const subscriber of all) subscriber.link({ state: "failed", text });
	}

	#hold(on: boolean): void {
		this.#held = on;
		if (on) {
			this.#closeStream();
			this.#say({ state: "reconnecting", text: texts.HELD });
		} else this.#review.ask();
	}
}
