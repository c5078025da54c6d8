/** A kernel's server as docs/protocol.md describes it, with everything that can go wrong at the test's command. */

import type { Pack, WireEvent } from "../../src/protocol.ts";
import type { FakeEnv, FakeSource } from "./env.ts";
import { settle } from "./env.ts";

export const URL_BASE = "http://127.0.0.1:5000";

interface Body {
	readonly page: string;
	readonly feeds: Record<string, { state: string; transport: string; latency_ms: number | null }>;
	readonly wanted: string[][];
	readonly packs: Pack[];
}

/** A channel's log: sequences from 1, the oldest gone at will. */
export class FakeLog {
	epoch = "a";
	first = 1;
	events: WireEvent[] = [];
	closed = false;

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

interface Place {
	readonly name: string;
	readonly epoch: string;
	position: number;
	unknown: boolean;
	readonly after: string;
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
	packSize = 3;
	#admitted = false;
	#tickets = 0;
	#open: Open | null = null;
	readonly #closedFeeds = new Set<string>();

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
		const pairs = (this.#open?.places ?? []).map((place) => [
			place.name,
			place.unknown ? place.after : `${place.epoch}-${place.position}`,
		]);
		return Object.fromEntries(pairs);
	}

	#accept(): void {
		const source = this.env.live.at(-1);
		if (source === undefined || this.#open?.source === source) return;
		const places = [...source.afters].map(([name, after]) => this.#place(name, after));
		this.#open = { source, places, said: true };
		source.raw("open"); // EventSource's own, without data
		source.emit("open", { channels: this.#cursors() });
	}

	#place(name: string, after: string): Place {
		const log = this.log(name);
		const [epoch, sequence] = [
			after.slice(0, after.lastIndexOf("-")),
			Number(after.slice(after.lastIndexOf("-") + 1)),
		];
		const known = after !== "" && epoch === log.epoch && sequence <= log.newest;
		const position = known ? sequence : log.first - 1;
		return { name, epoch: log.epoch, position, unknown: after !== "" && !known, after };
	}

	#serve(open: Open, place: Place): void {
		const log = this.log(place.name);
		if (log.epoch !== place.epoch) return; // a stream of the old log: cut by the test
		while (place.position < log.newest || place.unknown) {
			const lost = place.position < log.first - 1;
			const first = lost ? log.first : place.position + 1;
			const events = log.events.slice(first - log.first, first - log.first + this.packSize);
			const gap = lost || place.unknown ? { gap: true } : {};
			place.unknown = false;
			place.position = first + events.length - 1;
			open.source.emit("pack", { channel: place.name, epoch: log.epoch, first, events, ...gap });
		}
		if (log.closed) open.source.emit("ended", { channel: place.name });
	}

	#answer(url: URL, init: RequestInit): Response {
		if (this.down) throw new TypeError("refused");
		if (url.pathname === "/whoami") return this.#whoami(url, init);
		if (!this.#admitted) throw new TypeError("CORS");
		const { headers } = init;
		const bearer = headers !== undefined && "Authorization" in headers ? headers.Authorization : "";
		if (bearer !== `Bearer ${this.bearer}`) return json(401, { error: "not authorised" });
		return url.pathname === "/tickets" ? this.#ticket(init) : this.#received(init);
	}

	#whoami(url: URL, init: RequestInit): Response {
		if (init.method === "POST") {
			const { n, mac } = JSON.parse(String(init.body)) as { n: string; mac: string };
			this.#admitted ||= mac === `mac(${this.key},page|${this.env.place.origin}|${n})`;
			return new Response(null, { status: 204 });
		}
		if (!this.#admitted) throw new TypeError("CORS");
		return json(200, { server: this.id, mac: `mac(${this.key},server|${url.searchParams.get("n")})` });
	}

	#ticket(init: RequestInit): Response {
		if (this.ticketStatus !== 200) return json(this.ticketStatus, { error: "no" });
		const { channels } = JSON.parse(String(init.body)) as { channels: string[] };
		const gone = channels.filter((name) => this.logs.get(name)?.closed);
		if (gone.length > 0) return json(404, { error: "no such channel", channels: gone });
		this.#tickets += 1;
		return json(200, { ticket: `t${this.#tickets}`, expires_s: 20 });
	}

	#received(init: RequestInit): Response {
		if (this.receivedStatus !== 200) return json(this.receivedStatus, { error: "no" });
		const text = String(init.body);
		const body = JSON.parse(text) as Body;
		this.bodies.push(body);
		this.texts.push(text);
		const feeds: Record<string, object | null> = {};
		for (const feed of Object.keys(body.feeds)) {
			const mine = body.packs.filter((_, at) => body.wanted[at]?.includes(feed));
			const receiver = this.receiver(feed);
			const joins = mine.every((pack) => receiver.take(pack));
			feeds[feed] = this.#closedFeeds.has(feed) ? null : { cursor: receiver.cursor, resume: !joins };
		}
		if (this.loseAnswers) throw new TypeError("cut");
		return json(200, { feeds });
	}
}

function json(status: number, body: object): Response {
	return new Response(JSON.stringify(body), { status });
}
