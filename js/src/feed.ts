/** One widget on this page: when it reads, what it has read, what it tells the kernel and its views. */

import type { Connection } from "./connection/connection.ts";
import { formatCursor, parseCursor, Reader } from "./connection/cursor.ts";
import type { DrawBudget, Page } from "./connection/page.ts";
import { directImpossible } from "./connection/reach.ts";
import type { LinkState, Subscriber } from "./connection/subscriber.ts";
import * as texts from "./connection/texts.ts";
import type { WidgetModel } from "./model.ts";
import {
	asObject,
	asWelcome,
	type FeedReport,
	type Pack,
	type State,
	type Transport,
	type Welcome,
} from "./protocol.ts";
import { Tally, type Tap } from "./tally.ts";

const MAX_PROBLEMS = 20;

export class Feed implements Subscriber {
	feed = "";
	channel = "";
	shown = new Reader(null);
	synced = new Reader(null);
	state: State = "idle";
	/** What is wrong, for the reader of the notebook; "" while all is well. */
	text = "";
	transport: Transport = "";
	readonly tally = new Tally();
	/** Tracebacks of callbacks, oldest first. */
	readonly problems: string[] = [];
	/** How many there ever were. */
	problemCount = 0;
	readonly #model: WidgetModel;
	readonly #page: Page;
	readonly #watchers = new Set<() => void>();
	#welcome: Welcome | null = null;
	#connection: Connection | null = null;
	#views = 0;
	#said = "";
	#n = 0;
	#over = false;
	#endedUnsaid = false;

	constructor(model: WidgetModel, page: Page) {
		this.#model = model;
		this.#page = page;
	}

	start(): void {
		this.#model.on("msg:custom", this.#onMessage);
		this.#model.on("change:_listening", this.#review);
		this.#model.on("comm_live_update", this.#onCommChange);
		this.hello();
		this.#review();
	}

	/** The widget is gone from this page. */
	stop(): void {
		this.#model.off("msg:custom", this.#onMessage);
		this.#model.off("change:_listening", this.#review);
		this.#model.off("comm_live_update", this.#onCommChange);
		this.#over = true;
		this.#leave();
		if (this.#page.feeds.get(this.feed) === this) this.#page.feeds.delete(this.feed);
	}

	// ---- for views and tests ---------------------------------------------------------------------------------------

	/** A view is shown from now on; returns the call that takes it away. `changed` must only note it, and come back later. */
	show(changed: () => void): () => void {
		this.#watchers.add(changed);
		this.#views += 1;
		this.#review();
		return () => {
			if (!this.#watchers.delete(changed)) return;
			this.#views -= 1;
			this.#review();
		};
	}

	now(): number {
		return this.#page.env.now();
	}

	get drawing(): DrawBudget {
		return this.#page.drawing;
	}

	/** Get every event and gap that this feed takes from now on; returns the way to stop. */
	tap(fn: Tap): () => void {
		return this.tally.tap(fn);
	}

	stats(): object {
		return {
			feed: this.feed,
			channel: this.channel,
			state: this.state,
			transport: this.transport,
			text: this.text,
			count: this.tally.count,
			lost: this.tally.lost,
			cursor: formatCursor(this.shown.cursor),
			synced: formatCursor(this.synced.cursor),
			latency_ms: this.tally.latencyMs,
			views: this.#views,
		};
	}

	// ---- Subscriber ------------------------------------------------------------------------------------------------

	take(pack: Pack, from: number, lost: number | null, chars: number): void {
		this.tally.take(pack, from, lost, chars, this.now());
		this.#changed();
	}

	link({ state, text }: LinkState): void {
		if (state === "failed") this.#connection = null;
		this.#become(state, text);
	}

	ended(): void {
		this.#endedUnsaid = true;
		this.#become("ended", texts.ENDED);
	}

	closed(): void {
		this.#connection = null;
		this.#become("closed", texts.CLOSED);
	}

	hello(): void {
		this.#send({ kind: "hello", page: this.#page.id });
	}

	/** Only now may Python hear that the channel has ended: before, events of it were still on their way. */
	flushed(): void {
		if (!this.#endedUnsaid) return;
		this.#endedUnsaid = false;
		this.#connection = null;
		this.#say();
	}

	report(waiting: boolean): FeedReport {
		const state = this.state === "ended" && waiting ? "open" : this.state;
		const { latencyMs } = this.tally;
		return {
			state,
			transport: this.transport,
			latency_ms: latencyMs === null ? null : Math.round(latencyMs),
		};
	}

	// ---- the kernel's messages -------------------------------------------------------------------------------------

	readonly #onMessage = (message: unknown): void => {
		const welcome = asWelcome(message);
		if (welcome !== null) this.#onWelcome(welcome);
		const object = asObject(message);
		if (object?.kind === "error" && typeof object.text === "string") this.#onProblem(object.text);
	};

	#onWelcome(welcome: Welcome): void {
		if (this.state === "closed" || this.state === "ended" || this.#over) return;
		const moved = this.#welcome !== null && this.#welcome.server !== welcome.server;
		const other = this.channel !== "" && this.channel !== welcome.channel;
		if (moved || other) this.#leave();
		this.#welcome = welcome;
		this.feed = welcome.feed;
		this.channel = welcome.channel;
		this.#page.feeds.set(this.feed, this);
		// Once something has come, this page's own place and counts are ahead of what the kernel said.
		if (this.tally.ring.end === 0 || moved || other) this.#begin(welcome);
		if (this.state === "failed") this.#become("idle", "");
		if (this.#connection !== null) this.#connection = this.#page.connect(welcome);
		this.#review();
	}

	#begin(welcome: Welcome): void {
		if (this.#connection !== null) return;
		this.shown = new Reader(parseCursor(welcome.start));
		this.synced = new Reader(parseCursor(welcome.start));
		this.tally.count = welcome.count;
		this.tally.lost = welcome.lost;
	}

	#onProblem(text: string): void {
		this.problems.push(text);
		this.problemCount += 1;
		if (this.problems.length > MAX_PROBLEMS) this.problems.shift();
		this.#changed();
	}

	/** ipywidgets: the comm was lost, or came back. It says neither which nor why, so the server is asked. */
	readonly #onCommChange = (): void => {
		const welcome = this.#welcome;
		if (welcome === null || this.#over || this.state === "closed" || this.state === "ended") return;
		if (directImpossible(this.#page.env, welcome.url) !== "") return;
		void this.#page
			.connect(welcome)
			.suspect()
			.then((gone) => {
				if (this.#over || this.#welcome?.server !== welcome.server) return;
				if (!gone) this.hello();
				// Even if the channel has ended meanwhile: a kernel that stops closes its channels, too.
				else this.link({ state: "failed", text: texts.KERNEL_GONE });
			});
	};

	// ---- when to read ----------------------------------------------------------------------------------------------

	readonly #review = (): void => {
		if (this.#over || this.state === "ended" || this.state === "closed" || this.state === "failed") return;
		const wanted = this.#views > 0 || this.#model.get("_listening") === true;
		if (!wanted) {
			this.#leave();
			this.#become("idle", "");
		} else if (this.#welcome === null) this.#become("connecting", texts.WAITING_FOR_KERNEL);
		else if (this.#connection === null) this.#join(this.#welcome);
	};

	#join(welcome: Welcome): void {
		const impossible = directImpossible(this.#page.env, welcome.url);
		if (impossible !== "") {
			this.#become("failed", impossible);
			return;
		}
		this.#become("connecting", "");
		this.#connection = this.#page.connect(welcome);
		this.#connection.subscribe(this);
	}

	#leave(): void {
		this.#connection?.unsubscribe(this);
		this.#connection = null;
	}

	// ---- what others are told --------------------------------------------------------------------------------------

	#become(state: State, text: string): void {
		if (this.state === state && this.text === text) return;
		this.state = state;
		this.text = text;
		if (state === "open") this.transport = "direct";
		if (!this.#endedUnsaid) this.#say();
		this.#connection?.report();
		this.#changed();
	}

	#say(): void {
		const { state, transport, text } = this;
		const log = state === "failed" || state === "reconnecting" ? [`direct: ${text}`] : [];
		const status = { state, transport, transport_log: log, text };
		const said = JSON.stringify(status);
		if (said === this.#said) return;
		this.#said = said;
		this.#n += 1;
		this.#send({ kind: "status", page: this.#page.id, n: this.#n, ...status });
	}

	#send(content: object): void {
		try {
			this.#model.send(content);
		} catch {
			// The comm is dead. Whether the kernel is, too, shows elsewhere.
		}
	}

	#changed(): void {
		for (const changed of this.#watchers) changed();
	}
}
