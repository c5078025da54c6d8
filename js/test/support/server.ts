/** A kernel's server as docs/protocol.md describes it, with everything that can go wrong at the test's command. */

import type { Pack, WireEvent } from "../../src/protocol.ts";
import type { FakeEnv, FakeSource } from "./env.ts";
import { settle } from "./env.ts";

export const URL_BASE = "http://127.0.0.1:5000";

interface Body {
	readonly page: string;
	readonly feeds: Record<string, { n: number; state: string; transport: string; latency_ms: number | null }>;
	readonly wanted: string[][];
	readonly packs: Pack[];
}

/** A channel's log: sequences from 1, the oldest gone at will. */
export class FakeLog {
	epoch = "a";
	first = 1;
	events: WireEvent[] = [];
	closed = false;
	/** It is a run's, whose handler has raised. */
	error: { class: string; text: string } | null = null;

	get newest(): number {
		return this.first + this.events.length - 1;
	}

	push(count: number): void {
		for (let each = 0; each < count; each += 1) this.events.push([0, "message", this.newest + 1]);
	}

	evict(count: number): void {
		this.first += this.events.splice(0, count).length;
	}

	renew(): void {
		this.epoch = String.fromCharCode(this.epoch.charCodeAt(0) + 1);
		this.first = 1;
		this.events = [];
	}
}

/** Where a reader is in a log, and what it came with. */
export interface Place {
	readonly name: string;
	readonly epoch: string;
	position: number;
	unknown: boolean;
	readonly after: string;
}

export function placeIn(log: FakeLog, name: string, after: string): Place {
	const [epoch, sequence] = [
		after.slice(0, after.lastIndexOf("-")),
		Number(after.slice(after.lastIndexOf("-") + 1)),
	];
	const known = after !== "" && epoch === log.epoch && sequence <= log.newest;
	const position = known ? sequence : log.first - 1;
	return { name, epoch: log.epoch, position, unknown: after !== "" && !known, after };
}

/** The next pack for a place, which moves on; null if there is none. */
export function packAt(log: FakeLog, place: Place, size: number): Pack | null {
	if (log.epoch !== place.epoch || (place.position >= log.newest && !place.unknown)) return null;
	const lost = place.position < log.first - 1;
	const first = lost ? log.first : place.position + 1;
	const events = log.events.slice(first - log.first, first - log.first + size);
	const gap = lost || place.unknown ? { gap: true } : {};
	place.unknown = false;
	place.position = first + events.length - 1;
	return { channel: place.name, epoch: log.epoch, first, events, ...gap };
}

export function cursorOf(place: Place): string {
	return place.unknown ? place.after : `${place.epoch}-${place.position}`;
}

interface Open {
	readonly source: FakeSource;
	readonly places: Place[];
	said: boolean;
}

/** The kernel's Receiver, written from the protocol, not from the page's code. */
class Receiver {
	epoch: string;
	last: number;
	readonly past = new Set<string>();
	readonly taken: string[] = [];

	constructor(cursor: string) {
		const at = cursor.lastIndexOf("-");
		this.epoch = cursor.slice(0, at);
		this.last = Number(cursor.slice(at + 1));
	}

	take(pack: Pack): boolean {
		const end = pack.first + pack.events.length - 1;
		if (pack.epoch !== this.epoch) {
			if (this.past.has(pack.epoch)) return true;
			if (pack.gap !== true) return false;
			this.past.add(this.epoch);
			this.taken.push("gap ?");
			this.epoch = pack.epoch;
			this.last = pack.first - 1;
		} else if (pack.first > this.last + 1) {
			if (pack.gap !== true) return false;
			this.taken.push(`gap ${pack.first - 1 - this.last}`);
			this.last = pack.first - 1;
		}
		for (let sequence = this.last + 1; sequence <= end; sequence += 1)
			this.taken.push(`${pack.epoch}-${sequence}`);
		this.last = Math.max(this.last, end);
		return true;
	}

	get cursor(): string {
		return `${this.epoch}-${this.last}`;
	}
}

export class FakeServer {
	readonly env: FakeEnv;
	readonly logs = new Map<string, FakeLog>();
	readonly receivers = new Map<string, Receiver>();
	readonly bodies: Body[] = [];
	readonly texts: string[] = [];
	id = "server";
	key = "key";
	bearer = "bearer";
	down = false;
	/** Take what is posted, but lose the answer. */
	loseAnswers = false;
	/** Answer to tickets with this status. */
	ticketStatus = 200;
	receivedStatus = 200;
	/** What a proxy in front of Jupyter's server lets through [bytes]. */
	maxRelayedBytes = Number.POSITIVE_INFINITY;
	/** Take nothing that is posted, and say nothing. */
	hangs = false;
	packSize = 3;
	/** Of these streams nothing comes. */
	mute: (url: URL) => boolean = () => false;
	/** What Jupyter's server does with requests for the kernel. */
	jupyter: "no extension" | "relays" | "wants a login" | "lost the kernel" = "no extension";
	/** The page's origin is known. */
	admitted = false;
	/** Runs that were asked for, and how often: id, path. */
	readonly runs = new Map<string, string>();
	/** What a run is answered with; null: the usual. */
	runAnswer: (() => Response) | null = null;
	#tickets = 0;
	#open: Open | null = null;
	readonly #closedFeeds = new Set<string>();
	/** Channels that were, or never were. */
	readonly forgotten = new Set<string>();
	/** A closed channel may be read to its end, as runs are. */
	keepsClosed = false;

	constructor(env: FakeEnv) {
		this.env = env;
		env.answer = (url, init) => this.#answer(url, init);
	}

	log(name: string): FakeLog {
		const log = this.logs.get(name) ?? new FakeLog();
		this.logs.set(name, log);
		return log;
	}

	receiver(feed: string): Receiver {
		const receiver = this.receivers.get(feed) ?? new Receiver("a-0");
		this.receivers.set(feed, receiver);
		return receiver;
	}

	closeFeed(feed: string): void {
		this.#closedFeeds.add(feed);
	}

	welcome(feed: string, channel = "prices", more: object = {}): object {
		return {
			kind: "welcome",
			url: URL_BASE,
			server: this.id,
			bearer: this.bearer,
			key: this.key,
			feed,
			channel,
			kernel_id: KERNEL,
			start: "a-0",
			count: 0,
			lost: 0,
			heartbeat_s: 15,
			silence_s: 40,
			...more,
		};
	}

	/** Send all there is to the newest stream. */
	async deliver(): Promise<void> {
		await settle();
		this.#accept();
		const open = this.#open;
		if (open === null || open.source.closed) return;
		for (const place of open.places) this.#serve(open, place);
		await settle();
	}

	async heartbeat(): Promise<void> {
		await settle();
		this.#accept();
		this.#open?.source.emit("heartbeat", { channels: this.#cursors() });
		await settle();
	}

	async rotate(): Promise<void> {
		this.#open?.source.emit("rotate", {});
		await settle();
	}

	async cut(): Promise<void> {
		for (const source of this.env.live) source.fail();
		await settle();
	}

	/** What should come now is lost on the way. */
	skip(): void {
		for (const place of this.#open?.places ?? []) place.position = this.log(place.name).newest;
	}

	#cursors(): Record<string, string> {
		const pairs = (this.#open?.places ?? []).map((place) => [place.name, cursorOf(place)]);
		return Object.fromEntries(pairs);
	}

	#accept(): void {
		const source = this.env.live.at(-1);
		if (source === undefined || this.#open?.source === source || this.mute(source.url)) return;
		const places = [...source.afters].map(([name, after]) => placeIn(this.log(name), name, after));
		this.#open = { source, places, said: true };
		source.raw("open"); // EventSource's own, without data
		source.emit("open", { channels: this.#cursors() });
	}

	#serve(open: Open, place: Place): void {
		const log = this.log(place.name);
		if (log.epoch !== place.epoch) return; // a stream of the old log: cut by the test
		for (;;) {
			const pack = packAt(log, place, this.packSize);
			if (pack === null) break;
			open.source.emit("pack", pack);
		}
		if (log.closed)
			open.source.emit("ended", { channel: place.name, ...(log.error ? { error: log.error } : {}) });
	}

	#answer(url: URL, init: RequestInit): Response | Promise<Response> {
		const relayed = /\/sse-widget\/([^/]+)(\/\w+)$/.exec(url.pathname);
		if (relayed !== null) return this.#relay(url, relayed[1] ?? "", relayed[2] ?? "", init);
		if (this.down) throw new TypeError("refused");
		if (url.pathname === "/whoami") return this.#whoami(url, init);
		if (!this.admitted) throw new TypeError("CORS");
		if (headersOf(init).Authorization !== `Bearer ${this.bearer}`)
			return json(401, { error: "not authorised" });
		if (url.pathname === "/runs") return this.#run(init);
		if (url.pathname === "/channels") return this.#list(url);
		return url.pathname === "/tickets" ? this.#ticket(init) : this.#received(init);
	}

	#run(init: RequestInit): Response {
		const { path, run } = JSON.parse(String(init.body)) as { path: string; run: string };
		const answer = this.runAnswer?.();
		if (answer !== undefined) return answer;
		this.runs.set(run, path);
		this.log(`run-${run}`).epoch = run;
		if (this.loseAnswers) throw new TypeError("cut");
		return json(201, { run, channel: `run-${run}` });
	}

	#list(url: URL): Response {
		const wanted = url.searchParams.getAll("channel").filter((name) => this.logs.has(name));
		const channels = wanted.map((name) => {
			const { epoch, newest } = this.log(name);
			return { name, newest: `${epoch}-${newest}` };
		});
		return json(200, { channels });
	}

	/** The extension: nothing but what Jupyter itself lets in. */
	#relay(url: URL, kernel: string, path: string, init: RequestInit): Response | Promise<Response> {
		if (this.jupyter === "wants a login") return new Response(null, { status: 302 });
		if (this.jupyter !== "relays" || kernel !== KERNEL) return json(404, { error: "no such kernel" });
		if (headersOf(init)["X-XSRFToken"] !== this.env.cookie("_xsrf")) return json(403, { error: "no" });
		if (String(init.body ?? "").length > this.maxRelayedBytes) return json(413, { error: "too large" });
		if (path === "/whoami" && init.method === "GET") return this.#proof(url);
		if (path === "/tickets") return this.#ticket(init);
		return path === "/received" ? this.#received(init) : json(405, { error: "no" });
	}

	#proof(url: URL): Response {
		return json(200, { server: this.id, mac: `mac(${this.key},server|${url.searchParams.get("n")})` });
	}

	#whoami(url: URL, init: RequestInit): Response {
		if (init.method === "POST") {
			const { n, mac } = JSON.parse(String(init.body)) as { n: string; mac: string };
			this.admitted ||= mac === `mac(${this.key},page|${this.env.place.origin}|${n})`;
			return new Response(null, { status: 204 });
		}
		if (!this.admitted) throw new TypeError("CORS");
		return this.#proof(url);
	}

	#isClosed(name: string): boolean {
		return this.logs.get(name)?.closed === true && !this.keepsClosed;
	}

	#ticket(init: RequestInit): Response {
		if (this.ticketStatus !== 200) return json(this.ticketStatus, { error: "no" });
		const { channels } = JSON.parse(String(init.body)) as { channels: string[] };
		const gone = channels.filter((name) => this.forgotten.has(name) || this.#isClosed(name));
		if (gone.length > 0) return json(404, { error: "no such channel", channels: gone });
		this.#tickets += 1;
		return json(200, { ticket: `t${this.#tickets}`, expires_s: 20 });
	}

	#received(init: RequestInit): Response | Promise<Response> {
		if (this.hangs) return new Promise(() => undefined);
		if (this.receivedStatus !== 200) return json(this.receivedStatus, { error: "no" });
		const answer = this.receive(String(init.body));
		if (this.loseAnswers) throw new TypeError("cut");
		return json(200, answer);
	}

	/** What a page posts, by HTTP or over the comm. */
	receive(text: string): { feeds: Record<string, object | null> } {
		const body: Body = {
			wanted: [],
			packs: [],
			...(JSON.parse(text) as Partial<Body> & Pick<Body, "page" | "feeds">),
		};
		this.bodies.push(body);
		this.texts.push(text);
		const feeds: Record<string, object | null> = {};
		for (const feed of Object.keys(body.feeds)) {
			const mine = body.packs.filter((_, at) => body.wanted[at]?.includes(feed));
			const receiver = this.receiver(feed);
			const joins = mine.every((pack) => receiver.take(pack));
			feeds[feed] = this.#closedFeeds.has(feed) ? null : { cursor: receiver.cursor, resume: !joins };
		}
		return { feeds };
	}
}

export const KERNEL = "kernel-1";

function headersOf(init: RequestInit): Record<string, string> {
	return (init.headers ?? {}) as Record<string, string>;
}

export function json(status: number, body: object): Response {
	return new Response(JSON.stringify(body), { status });
}
