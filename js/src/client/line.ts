/**
 * One server over one way, for all who read from it: one EventSource, however many channels.
 *
 * The sibling of `Connection` for pages without a comm: the same streams, readers and rules (docs/protocol.md, section 3),
 * but no ladder of ways, and nothing that goes back to Python except a sign of life.
 */

import type { Basics } from "../basics.ts";
import { Intake } from "../connection/intake.ts";
import { Retries } from "../connection/retries.ts";
import { Roster } from "../connection/roster.ts";
import type { LinkState, Listener, Raised } from "../connection/subscriber.ts";
import { askForTicket } from "../connection/tickets.ts";
import { Soon, Timer } from "../connection/timer.ts";
import type { Desk } from "../connection/way.ts";
import { DEFAULT_SILENCE_S } from "../protocol.ts";

const OPEN_MS = 10_000;
const LEASE_TIMEOUT_MS = 10_000;
const LINGER_MS = 1_000;

export class Line {
	readonly #way: Desk;
	readonly #client: string;
	readonly #roster = new Roster();
	readonly #intake: Intake<Desk>;
	readonly #retries: Retries;
	readonly #review: Soon;
	readonly #linger: Timer;
	#link: LinkState = { state: "connecting", text: "" };
	#wasOpen = false;
	#asking = false;

	/** `client`: by which the kernel knows this page. */
	constructor(env: Basics, way: Desk, client: string) {
		this.#way = way;
		this.#client = client;
		this.#review = new Soon(() => this.#reviewNow());
		this.#retries = new Retries(env, () => this.#review.ask());
		this.#linger = new Timer(env, () => this.#review.ask());
		const patience = { openMs: OPEN_MS, silenceMs: DEFAULT_SILENCE_S * 1000 };
		this.#intake = new Intake(env, this.#client, patience, this.#roster, {
			opened: () => this.#opened(),
			taken: () => undefined,
			heartbeat: (complete) => {
				this.#lease();
				if (complete) this.#retries.joined();
			},
			missed: () => this.#missed(),
			ended: (channel, error) => this.#end([channel], false, error),
			broken: () => this.#trouble(this.#way.explain({ kind: "unreachable" })),
			rotated: () => this.#review.ask(),
		});
	}

	/** Read from the subscriber's cursor on; returns the way to stop. */
	read(subscriber: Listener): () => void {
		this.#roster.add(subscriber);
		this.#review.ask();
		return () => {
			// A call often follows the end of another: the stream goes on for a moment.
			if (this.#roster.remove(subscriber)) this.#linger.start(LINGER_MS);
		};
	}

	/** The network or the tab is back: do not wait for the backoff. */
	poke(): void {
		this.#retries.cancel();
		this.#review.ask();
	}

	#reviewNow(): void {
		if (this.#roster.empty) {
			if (this.#linger.running) return;
			this.#intake.close();
			this.#retries.cancel();
			return;
		}
		this.#roster.tell(this.#link, (channel) => this.#intake.brings(channel));
		if (!this.#asking && !this.#retries.waiting && !this.#intake.serves) void this.#open();
	}

	/** The old stream goes on until the new one has its ticket. */
	async #open(): Promise<void> {
		const channels = this.#roster.channels();
		this.#asking = true;
		const answer = await askForTicket(this.#way, this.#client, channels);
		this.#asking = false;
		if (answer.kind === "trouble") this.#trouble(answer.text);
		else if (answer.kind === "gone") this.#end(answer.channels, true, null);
		else if (answer.kind === "refused") for (const subscriber of this.#roster.all()) subscriber.hello();
		else if (this.#roster.channels().join("\n") === channels.join("\n"))
			this.#intake.open(this.#way, answer.ticket, channels);
		else this.#review.ask();
	}

	#opened(): void {
		this.#retries.opened();
		this.#wasOpen = true;
		this.#say({ state: "open", text: "" });
		this.#lease(); // and perhaps somebody has come in the meantime
	}

	/** Without a sign of life the server closes the stream. What goes wrong here goes wrong there, too, and is told there. */
	#lease(): void {
		void this.#way.post("/received", JSON.stringify({ page: this.#client }), LEASE_TIMEOUT_MS);
	}

	#missed(): void {
		if (!this.#intake.there || this.#asking || this.#retries.waiting) return;
		this.#intake.close();
		this.#retries.afterMiss();
	}

	#trouble(text: string): void {
		this.#intake.close();
		this.#retries.afterTrouble(true);
		this.#say({ state: this.#wasOpen ? "reconnecting" : "connecting", text });
	}

	#say(link: LinkState): void {
		this.#link = link;
		this.#review.ask();
	}

	#end(channels: readonly string[], unread: boolean, error: Raised | null): void {
		for (const subscriber of channels.flatMap((channel) => this.#roster.of(channel))) {
			this.#roster.remove(subscriber);
			subscriber.ended(unread, error);
		}
		this.#linger.start(LINGER_MS);
		this.#review.ask();
	}
}
