import { asObject, type FeedAnswer, type FeedReport, type Pack, type Rung, type State } from "../protocol.ts";
import type { Reader } from "./cursor.ts";

export interface LinkState {
	/** `failed`: there is no way, and waiting alone does not change that. */
	readonly state: Extract<State, "connecting" | "open" | "reconnecting" | "failed">;
	/** For the reader of the notebook; "" while all is well. */
	readonly text: string;
	/** Which way is open. */
	readonly rung?: Rung | undefined;
	/** Why better ways were not taken, each as a sentence. */
	readonly log?: readonly string[];
	/** Reading stands still because Python takes its time: another way would not help. */
	readonly held?: boolean;
}

/** An exception in Python: its class, and a text that may be shown. */
export interface Raised {
	readonly class: string;
	readonly text: string;
}

export function asRaised(value: unknown): Raised | null {
	const error = asObject(value);
	return error === null ? null : { class: String(error.class), text: String(error.text) };
}

/** Who reads a channel, as the stream sees it. */
export interface Listener {
	/** Its name among the others. */
	readonly feed: string;
	readonly channel: string;
	/** What the views have. */
	readonly shown: Reader;
	/**
	 * What was sent back to Python. The kernel may ask this one to go back; the views must not see events twice for that.
	 * Where nothing goes back, it is the other one.
	 */
	readonly synced: Reader;
	/** Take `pack.events.slice(from)`, after a gap of `lost` events (0: none; null: unknown). `chars`: the length of its text. */
	take(pack: Pack, from: number, lost: number | null, chars: number): void;
	link(link: LinkState): void;
	/**
	 * The channel was closed. `unread`: the stream was not there to bring its last events. `error`: it was a run's, and the
	 * run's handler raised.
	 */
	ended(unread: boolean, error?: Raised | null): void;
	/** The secret is not valid any more. A widget asks the kernel for a new `welcome`. */
	hello(): void;
}

/** A feed, as its connection sees it. */
export interface Subscriber extends Listener {
	/** What it reads goes back by HTTP; otherwise over the comm, and what is answered here is out of date. */
	readonly viaHttp: boolean;
	/** Its events come over the comm. */
	readonly carried: boolean;
	/** The widget was closed in Python. */
	closed(): void;
	/** The kernel is no more. */
	gone(): void;
	/** Everything taken so far has been acknowledged by the kernel. */
	flushed(): void;
	/** `waiting`: packs for this feed remain behind this report. */
	report(waiting: boolean): FeedReport;
	/** What the kernel said to a report, whichever way it went. */
	answered(answer: FeedAnswer): void;
}
