import type { FeedReport, Pack, State } from "../protocol.ts";
import type { Reader } from "./cursor.ts";

export interface LinkState {
	readonly state: Extract<State, "connecting" | "open" | "reconnecting" | "failed">;
	/** For the reader of the notebook; "" while all is well. */
	readonly text: string;
}

/** A feed, as its connection sees it. */
export interface Subscriber {
	readonly feed: string;
	readonly channel: string;
	/** What the views have. */
	readonly shown: Reader;
	/** What was sent back to Python. The kernel may ask this one to go back; the views must not see events twice for that. */
	readonly synced: Reader;
	/** Take `pack.events.slice(from)`, after a gap of `lost` events (0: none; null: unknown). `chars`: the length of its text. */
	take(pack: Pack, from: number, lost: number | null, chars: number): void;
	link(link: LinkState): void;
	/** The channel was closed. */
	ended(): void;
	/** The widget was closed in Python. */
	closed(): void;
	/** Ask the kernel for a new `welcome`. */
	hello(): void;
	/** Everything taken so far has been acknowledged by the kernel. */
	flushed(): void;
	/** `waiting`: packs for this feed remain behind this report. */
	report(waiting: boolean): FeedReport;
}
