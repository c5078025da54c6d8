/** One widget on this page: when it reads, what it has read, what it tells the kernel and its views. */

import { parseCursor, Reader } from "./connection/cursor.ts";
import type { DrawBudget, Page } from "./connection/page.ts";
import type { LinkState, Subscriber } from "./connection/subscriber.ts";
import * as texts from "./connection/texts.ts";
import type { WidgetModel } from "./model.ts";
import {
	asObject,
	asWelcome,
	type FeedAnswer,
	type FeedReport,
	type Pack,
	type State,
	type Transport,
	type Welcome,
} from "./protocol.ts";
import { newsOf, Route } from "./route.ts";
import { statsOf } from "./stats.ts";
import { StatusSender } from "./status.ts";
import { Tally, type Tap } from "./tally.ts";
import { KernelWatch } from "./watch.ts";

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
	/** Tracebacks of callbacks, and what is wrong with the source; oldest first. */
	problems: readonly string[] = [];
	/** How many there ever were. */
	problemCount = 0;
	readonly #model: WidgetModel;
	readonly #page: Page;
	readonly #watchers = new Set<() => void>();
	readonly #host = { send: (content: object) => this.#send(content), changed: () => this.#stand() };
	readonly #status = new StatusSender(this.#host.send);
	readonly #watch: KernelWatch;
	/** Null before the kernel has said `welcome`. */
	#route: Route | null = null;
	#views = 0;
	#over = false;
	#gone = false;
	#endedUnsaid = false;
	readonly #listeners: readonly (readonly [name: string, listener: (message: unknown) => void])[] = [
		["msg:custom", (message) => this.#onMessage(message)],
		["change:_listening", () => this.#review()],
		["comm_live_update", () => this.#onCommChange()],
	];

	constructor(model: WidgetModel, page: Page) {
		this.#model = model;
		this.#page = page;
		this.#watch = new KernelWatch(page.env, {
			ask: async () => (await this.#route?.suspect()) ?? null,
			hello: () => this.hello(),
			gone: () => this.gone(),
		});
	}

	start(): void {
		for (const [name, listener] of this.#listeners) this.#model.on(name, listener);
		this.hello();
		this.#review();
	}

	/** The widget is gone from this page. */
	stop(): void {
		for (const [name, listener] of this.#listeners) this.#model.off(name, listener);
		this.#over = true;
		this.#watch.stop();
		this.#route?.close();
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
		return statsOf(this, this.#route?.log ?? [], this.#views);
	}

	// ---- Subscriber ------------------------------------------------------------------------------------------------

	get viaHttp(): boolean {
		return this.#route?.viaHttp === true;
	}

	get carried(): boolean {
		return this.#route?.carried === true;
	}

	take(pack: Pack, from: number, lost: number | null, chars: number): void {
		this.tally.take(pack, from, lost, chars, this.now());
		this.#changed();
	}

	link(link: LinkState): void {
		if (this.#route === null) this.#become(link.state, link.text, link.rung);
		else {
			this.#route.link(link);
			this.#stand();
		}
	}

	/** What an absent stream has not brought may still come over the comm; that says the end itself, then. */
	ended(unread = false, error: unknown = null): void {
		if (unread && this.carried) {
			this.#route?.released();
			return;
		}
		this.#endedUnsaid = true;
		this.#become("ended", texts.ended(error));
		this.#route?.leave();
		if (!this.viaHttp) this.flushed();
	}

	closed(): void {
		this.#become("closed", texts.CLOSED);
		this.#route?.close();
	}

	/** Even if the channel has ended meanwhile: a kernel that stops closes its channels, too. */
	gone(): void {
		this.#gone = true;
		this.#become("failed", texts.KERNEL_GONE);
		this.#route?.close();
	}

	hello(): void {
		this.#send({ kind: "hello", page: this.#page.id });
	}

	/** Only now may Python hear that the channel has ended: before, events of it were still on their way. */
	flushed(): void {
		if (!this.#endedUnsaid || this.#route?.waits) return;
		this.#endedUnsaid = false;
		this.#say();
	}

	report(waiting: boolean): FeedReport {
		const state = this.state === "ended" && waiting ? "open" : this.state;
		const foreign = this.#route?.foreign?.batch;
		return {
			...this.#status.report(state, this.transport, this.tally.latencyMs),
			...(foreign && { foreign }),
		};
	}

	answered(answer: FeedAnswer): void {
		if (answer.foreign !== undefined) this.#route?.foreign?.answered(answer.foreign);
	}

	// ---- the kernel's messages -------------------------------------------------------------------------------------

	#onMessage(content: unknown): void {
		const message = asObject(content);
		if (message === null || this.#over) return;
		this.#watch.heard();
		const welcome = asWelcome(message);
		if (welcome !== null) this.#onWelcome(welcome);
		if (message.kind === "packs") this.#route?.packs(message, this.#reads);
		if (message.kind === "answer") this.#route?.answer(message);
		if (message.kind === "ended" && this.#reads && this.#route?.hasAll(message.cursor))
			this.ended(false, message.error);
		if (message.kind === "error" && typeof message.text === "string") this.#onProblem(message.text);
	}

	#onWelcome(welcome: Welcome): void {
		if (this.state === "closed" || this.state === "ended") return;
		const news = newsOf(this.#route?.welcome, welcome);
		const reads = this.#route?.active === true;
		this.feed = welcome.feed;
		this.channel = welcome.channel;
		this.#page.feeds.set(this.feed, this);
		if (news !== "none" || this.#gone) {
			this.#route?.close();
			this.#route = new Route(this.#page, welcome, this, this.#host);
		} else this.#route?.update(welcome);
		// Once something has come, this page's own place and counts are ahead of what the kernel said.
		if (news === "all" || (this.tally.ring.end === 0 && !reads)) {
			this.shown = new Reader(parseCursor(welcome.start));
			this.synced = new Reader(parseCursor(welcome.start));
			Object.assign(this.tally, { count: welcome.count, lost: welcome.lost });
		}
		if (welcome.trouble !== "" && !this.problems.includes(welcome.trouble)) this.#onProblem(welcome.trouble);
		if (this.#gone) this.#become("idle", "");
		this.#gone = false;
		this.#review();
	}

	#onProblem(text: string): void {
		this.problems = [...this.problems, text].slice(-MAX_PROBLEMS);
		this.problemCount += 1;
		this.#changed();
	}

	#onCommChange(): void {
		const final = this.#over || this.state === "closed" || this.state === "ended";
		if (this.#route !== null && !final) void this.#watch.suspect();
	}

	// ---- when to read ----------------------------------------------------------------------------------------------

	get #final(): boolean {
		return this.#over || this.#gone || this.state === "ended" || this.state === "closed";
	}

	get #reads(): boolean {
		return !this.#final && (this.#views > 0 || this.#model.get("_listening") === true);
	}

	#review(): void {
		if (this.#final) return;
		if (!this.#reads) {
			this.#route?.leave();
			this.#become("idle", "");
		} else if (this.#route === null) this.#become("connecting", texts.WAITING_FOR_KERNEL);
		else {
			this.#route.join();
			this.#stand();
		}
	}

	// ---- what others are told --------------------------------------------------------------------------------------

	/** Say how the route stands. */
	#stand(): void {
		if (!this.#reads || this.#route === null) return;
		const { state, text, transport } = this.#route.standing;
		this.#become(state, text, transport);
	}

	#become(state: State, text: string, transport: Transport = ""): void {
		const by = transport === "" ? this.transport : transport;
		const same = this.state === state && this.text === text && this.transport === by;
		this.state = state;
		this.text = text;
		this.transport = by;
		if (same && this.#status.silent) return;
		if (!this.#endedUnsaid) this.#say(); // even if only the log is new
		if (same) return;
		this.#route?.report();
		this.#changed();
	}

	#say(): void {
		const { state, transport, text } = this;
		const transport_log = this.#route?.log ?? [];
		this.#status.say(this.#route?.client ?? this.#page.id, { state, transport, transport_log, text });
	}

	/** False: the comm is dead. Whether the kernel is, too, shows elsewhere. */
	#send(content: object): boolean {
		try {
			this.#model.send(content);
			return true;
		} catch {
			return false;
		}
	}

	#changed(): void {
		for (const changed of this.#watchers) changed();
	}
}
