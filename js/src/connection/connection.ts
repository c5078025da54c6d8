/**
 * One kernel's server over HTTP, for all feeds of the page that want it: one EventSource, one way back.
 *
 * Theory of operation: `#review` compares what the subscribers need with what the stream gives, and is asked for whenever
 * either may have changed. If they differ, the climber takes the ladder's next way and fetches a ticket there (after
 * proof); then a new stream is opened in place of the old one, from the earliest cursor of each channel's readers, each of
 * whom skips what it has and refuses what does not join on. Where no way leads to one, the feeds have the comm.
 */

import type { Env } from "../env.ts";
import type { Welcome } from "../protocol.ts";
import type { Uplink } from "../sync/uplink.ts";
import { openWayBack } from "../sync/wayback.ts";
import { Climber } from "./climber.ts";
import { FeedRoster } from "./feeds.ts";
import { Intake } from "./intake.ts";
import { Ladder, waysOf } from "./ladder.ts";
import { Retries } from "./retries.ts";
import type { LinkState, Raised, Subscriber } from "./subscriber.ts";
import * as texts from "./texts.ts";
import { Soon, Timer } from "./timer.ts";
import { Vigil } from "./vigil.ts";
import type { Way } from "./way.ts";

const [LINGER_MS, LAST_WORDS_MS] = [1_000, 30_000];

export class Connection {
	readonly #client: string;
	readonly #intake: Intake<Way>;
	readonly #ladder: Ladder;
	readonly #climber: Climber;
	/** Also for what feeds have taken elsewhere, and for what they take away from here. */
	readonly uplink: Uplink;
	readonly #onClosed: () => void;
	readonly #roster = new FeedRoster();
	readonly #retries: Retries;
	/** When to look for a better way than the one that is open. */
	readonly #betterTimer: Retries;
	readonly #vigil: Vigil;
	readonly #review: Soon;
	readonly #lingerTimer: Timer;
	readonly #lastWordsTimer: Timer;
	#link: LinkState = { state: "connecting", text: "" };
	#held = false;
	#closed = false;

	/** `client`: by which the kernel knows this page on this connection. */
	constructor(env: Env, client: string, welcome: Welcome, onClosed: () => void) {
		this.#client = client;
		this.#onClosed = onClosed;
		this.#ladder = new Ladder(waysOf(env, welcome));
		const patience = { openMs: this.#ladder.probeMs, silenceMs: welcome.silence_s * 1000 };
		this.#intake = new Intake(env, client, patience, this.#roster, {
			opened: (way) => this.#opened(way),
			taken: (text, wanted) => this.uplink.add(text, wanted),
			heartbeat: (complete) => {
				this.uplink.lease();
				if (complete) this.#retries.joined();
			},
			missed: () => this.#missed(),
			ended: (channel, error) => this.#end([channel], false, error),
			broken: (way, opened) => this.#broken(way, opened),
			rotated: () => this.#review.ask(),
		});
		this.#climber = this.#makeClimber();
		this.#review = new Soon(() => this.#reviewNow());
		this.#vigil = new Vigil(env);
		this.#retries = new Retries(env, () => this.#tryAgain(false));
		this.#betterTimer = new Retries(env, () => this.#tryAgain(true));
		this.#lingerTimer = new Timer(env, () => this.#review.ask());
		this.#lastWordsTimer = new Timer(env, () => this.close());
		this.uplink = openWayBack(env, client, () => this.#intake.way, this.#roster, {
			hold: (on) => this.#hold(on),
			// Only a ticket decides that a second try has failed: this one may repeat before the new secret has come.
			refused: () => {
				const { way } = this.#intake;
				if (way?.needsSecret && !this.#retries.refused) this.#refused(way);
			},
			tooLarge: (way) => {
				this.#ladder.failed(way, way.rest());
				this.#exhausted();
			},
			changed: (back) => {
				if (back !== null) this.#intake.forget(back);
				else if (!this.#lingerTimer.running) this.#lingerTimer.start(LINGER_MS);
				this.#review.ask();
			},
		});
	}

	/** What tests and the curious may know: plain data, no secret. */
	stats(): object {
		const { state, text, rung } = this.#link;
		return {
			...{ url: this.#intake.way?.url ?? "", rung: rung ?? "", log: this.#ladder.log, state, text },
			streams: this.#intake.there ? 1 : 0,
			channels: this.#intake.channels,
			packs: this.#roster.packs,
			events: this.#roster.events,
			waiting_bytes: this.uplink.waitingBytes,
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

	/** A newer `welcome` of the same server. */
	update(welcome: Welcome): void {
		this.#ladder.update(welcome);
		this.poke();
	}

	/** Something is back: the network, the tab, the kernel. Do not wait for the backoff. */
	poke(): void {
		if (this.#closed) return;
		if (this.#intake.there) this.uplink.poke();
		if (this.#betterTimer.waiting) this.#tryAgain(true);
		else if (this.#retries.waiting || this.#link.state === "failed") this.#tryAgain(false);
	}

	/** Send the feeds' states to the kernel now, if the way is open. */
	report(): void {
		if (this.#link.state === "open") this.uplink.lease();
	}

	/** The host says the kernel may be gone. Resolves to whether it is; null: nobody here can tell. */
	async suspect(): Promise<boolean | null> {
		const way = this.#ladder.current;
		if (way === null) return null;
		const gone = await this.#vigil.keep(way);
		gone ? this.#fail() : this.#review.ask();
		return gone;
	}

	close(): void {
		if (this.#closed) return;
		this.#closed = true;
		this.#intake.close();
		this.#ladder.leave();
		for (const timer of [this.#retries, this.#betterTimer, this.#lingerTimer, this.#lastWordsTimer])
			timer.cancel();
		this.uplink.close();
		this.#roster.flush(() => false);
		this.#onClosed();
	}

	#makeClimber(): Climber {
		return new Climber(this.#ladder, {
			client: this.#client,
			closed: () => this.#closed,
			waits: () => this.#retries.waiting,
			wanted: () => (this.#held || !this.#lacking ? [] : this.#roster.channels()),
			channels: () => this.#roster.channels(),
			open: (way, ticket, channels) => this.#intake.open(way, ticket, channels),
			refused: (way) => this.#refused(way),
			gone: (channels) => this.#end(channels, true),
			exhausted: () => this.#exhausted(),
		});
	}

	/** A stream is missing, or a better way for it is looked for. */
	get #lacking(): boolean {
		const { way, opened, serves } = this.#intake;
		if (!serves) return true;
		if (!opened || way === null) return false;
		if (this.#ladder.next() !== way) return true;
		if (this.#ladder.current === null) this.#settle(way); // no better one was found
		return false;
	}

	#settle(way: Way): void {
		this.#ladder.opened(way);
		if (this.#ladder.mayImprove) this.#betterTimer.afterTrouble(false);
	}

	#tryAgain(better: boolean): void {
		this.#retries.cancel();
		this.#betterTimer.cancel();
		this.#ladder.begin(better);
		this.#review.ask();
	}

	/** Asked for through `Soon`: twenty views of one cell's output open one stream. */
	#reviewNow(): void {
		if (this.#closed) return;
		if (this.#roster.empty) {
			this.#leave();
			return;
		}
		this.#tell();
		if (!this.#held && !this.#retries.waiting) this.#climber.ask();
	}

	/** Nobody is left: close, after the linger, and after everything has gone back to Python. */
	#leave(): void {
		if (this.#lingerTimer.running || this.#vigil.running) return;
		this.#intake.close();
		this.#retries.cancel();
		this.#betterTimer.cancel();
		this.#ladder.leave();
		this.uplink.poke();
		if (this.uplink.idle) this.close();
		else if (!this.#lastWordsTimer.running) this.#lastWordsTimer.start(LAST_WORDS_MS);
	}

	/** No way leads anywhere now. */
	#exhausted(): void {
		this.#intake.close();
		this.uplink.pause();
		const { hopeless, text } = this.#ladder;
		this.#say(hopeless ? "failed" : "reconnecting", text);
		if (!hopeless) this.#retries.afterTrouble(this.#roster.needy);
	}

	/** The secret is not valid. The kernel may have a newer one; if that fails too, this way is over. */
	#refused(way: Way): void {
		if (!this.#retries.afterRefusal()) {
			this.#climber.failed(way, texts.REFUSED, true);
			return;
		}
		this.#intake.close();
		this.uplink.pause();
		this.#say("reconnecting", texts.ASKING_AGAIN);
		for (const subscriber of this.#roster.all()) subscriber.hello();
	}

	#opened(way: Way): void {
		this.#retries.opened();
		this.#settle(way);
		this.#say("open", "");
		this.uplink.poke();
		this.uplink.lease();
		this.#review.ask(); // somebody may have come in the meantime
	}

	#missed(): void {
		if (!this.#intake.there || this.#climber.busy || this.#retries.waiting) return;
		this.#intake.close();
		this.#retries.afterMiss();
	}

	/** A way that was open is tried again soon; one whose stream never began is none. */
	#broken(way: Way, opened: boolean): void {
		way.distrust();
		if (this.#roster.empty) return;
		if (!opened) {
			this.#climber.failed(way, texts.silent(way.url), false);
			return;
		}
		this.uplink.pause();
		this.#say("reconnecting", way.explain({ kind: "unreachable" }));
		this.#retries.afterTrouble(true);
	}

	#say(state: LinkState["state"], text: string): void {
		const rung = state === "open" ? this.#intake.way?.rung : undefined;
		this.#link = { state, text, rung, log: this.#ladder.log, held: this.#held };
		this.#tell();
	}

	/** Each subscriber ignores what it knows already. "open" is told to those whose channel has come. */
	#tell(): void {
		this.#roster.tell(this.#link, (channel) => this.#intake.brings(channel));
	}

	#end(channels: readonly string[], unread: boolean, error: Raised | null = null): void {
		for (const subscriber of channels.flatMap((channel) => this.#roster.of(channel))) {
			this.#roster.remove(subscriber);
			subscriber.ended(unread, error);
		}
		this.#lingerTimer.start(LINGER_MS);
		this.uplink.lease();
	}

	/** The kernel is no more. */
	#fail(): void {
		const all = this.#roster.all();
		for (const subscriber of all) this.#roster.remove(subscriber);
		this.close();
		for (const subscriber of all) subscriber.gone();
	}

	#hold(on: boolean): void {
		this.#held = on;
		if (on) {
			this.#intake.close();
			this.#say("reconnecting", texts.HELD);
		} else this.#review.ask();
	}
}
