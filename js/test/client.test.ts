import * as fc from "fast-check";
import { beforeEach, expect, test, vi } from "vitest";
import type { Gap, Options, Outcome, RequestError } from "../src/client.ts";
import { handleRequest, subscribe } from "../src/client.ts";
import { expectNothingSilent } from "./support/check.ts";
import { FakeEnv, settle } from "./support/env.ts";
import { FakeServer, json, URL_BASE } from "./support/server.ts";

const basics = vi.hoisted(() => ({ env: null as unknown, back: [] as (() => void)[] }));
vi.mock("../src/basics.ts", () => ({
	browserBasics: () => basics.env,
	whenBack: (fn: () => void) => basics.back.push(fn),
}));

let bearers = 0;

/** A page with one server; every rig has a bearer of its own, so that no two share a connection. */
class Rig {
	readonly env = new FakeEnv();
	readonly server = new FakeServer(this.env);
	readonly taken: string[] = [];
	readonly data: unknown[] = [];
	readonly states: string[] = [];
	readonly controller = new AbortController();
	readonly options: Options;
	/** Of the last call. */
	outcome: Outcome | RequestError | null = null;

	constructor() {
		basics.env = this.env;
		bearers += 1;
		this.server.bearer = `bearer-${bearers}`;
		this.server.admitted = true;
		this.server.keepsClosed = true;
		this.options = {
			server: URL_BASE,
			bearer: this.server.bearer,
			signal: this.controller.signal,
			onGap: ({ lost }: Gap) => this.taken.push(`gap ${lost ?? "?"}`),
			onState: (state) => this.states.push(state),
		};
	}

	/** A run's epoch is its id: here "run". */
	readonly callback = (data: unknown, { id }: { readonly id: string }): void => {
		this.data.push(data);
		this.taken.push(id.replace(/^\d{32}-/, "run-"));
	};

	/** Note how it ends. */
	watch(promise: Promise<Outcome>): void {
		promise.then(
			(outcome) => {
				this.outcome = outcome;
			},
			(error) => {
				this.outcome = error;
			},
		);
	}

	async request(path = "/countdown/3?x=1", more: Partial<Options> = {}): Promise<string> {
		this.watch(handleRequest(path, this.callback, { ...this.options, ...more }));
		await settle();
		return `run-${[...this.server.runs.keys()].at(-1)}`;
	}

	subscribe(channels: string | string[], more: object = {}): void {
		this.watch(subscribe(channels, this.callback, { ...this.options, ...more }));
	}

	get error(): RequestError {
		if (!(this.outcome instanceof Error)) throw new Error(`it has not failed: ${this.outcome}`);
		return this.outcome as RequestError;
	}
}

let rig: Rig;
beforeEach(() => {
	rig = new Rig();
});

// ---- handleRequest -----------------------------------------------------------------------------------------------------

test("a request gets each event of its run, in order, and resolves at its end", async () => {
	const channel = await rig.request();
	expect([...rig.server.runs.values()]).toEqual(["/countdown/3?x=1"]);
	const log = rig.server.log(channel);
	log.push(2);
	await rig.server.deliver();
	expect(rig.data).toEqual([1, 2]);
	expect(rig.outcome).toBeNull();
	log.push(1);
	log.closed = true;
	await rig.server.deliver();
	expect(rig.data).toEqual([1, 2, 3]);
	expect(rig.outcome).toEqual({ count: 3, lost: 0 });
	expect(rig.states).toEqual(["connecting", "open", "ended"]);
});

test("an address of another server is refused: it must not get the bearer", async () => {
	await rig.request(`${URL_BASE}/countdown/3`);
	expect([...rig.server.runs.values()]).toEqual(["/countdown/3"]);
	for (const url of ["https://evil.example/x", "//evil.example/x", "http://127.0.0.1:5001/x"])
		expect(() => handleRequest(url, rig.callback, rig.options)).toThrow(
			`expected a path of ${URL_BASE}, got ${url}`,
		);
	expect(new Set(rig.env.requests.map(({ host }) => host))).toEqual(new Set(["127.0.0.1:5000"]));
});

test("an event has all that it has in Python", async () => {
	const events: unknown[] = [];
	rig.watch(handleRequest("/x", (_, event) => events.push(event), rig.options));
	await settle();
	const channel = `run-${[...rig.server.runs.keys()][0]}`;
	rig.server.log(channel).events.push([1_500_000, "trade", { a: 1 }]);
	await rig.server.deliver();
	expect(events).toEqual([
		{ data: { a: 1 }, type: "trade", id: `${channel.slice(4)}-1`, time: 1.5, channel },
	]);
});

test("an answer that is lost never starts the run twice", async () => {
	rig.server.loseAnswers = true;
	await rig.request();
	await rig.env.advance(5_000);
	expect(rig.env.requestsTo("/runs").length).toBeGreaterThan(2);
	rig.server.loseAnswers = false;
	await rig.env.advance(5_000);
	const bodies = new Set(rig.env.requestsTo("/runs").map(({ body }) => body));
	expect(bodies.size).toBe(1);
	expect(rig.server.runs.size).toBe(1);
	rig.server.log(`run-${[...rig.server.runs.keys()][0]}`).push(1);
	await rig.server.deliver();
	expect(rig.data).toEqual([1]);
});

test("two requests are two runs, on one connection", async () => {
	const first = await rig.request("/a");
	await rig.server.deliver();
	const second = await rig.request("/b");
	rig.server.log(first).push(1);
	rig.server.log(second).push(1);
	await rig.server.deliver();
	expect(first).not.toBe(second);
	expect(rig.env.live).toHaveLength(1);
	expect(rig.taken).toEqual(["run-1", "run-1"]);
});

test("cut three times, a request asks for the rest and its handler runs once", async () => {
	const channel = await rig.request();
	const log = rig.server.log(channel);
	for (let cut = 0; cut < 3; cut += 1) {
		log.push(2);
		await rig.server.deliver();
		await rig.server.cut();
		expect(rig.states.at(-1)).toBe("reconnecting");
		log.push(1);
		await rig.env.advance(11_000);
		await rig.server.deliver();
	}
	log.closed = true;
	await rig.server.deliver();
	expect(rig.data).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
	expect(rig.outcome).toEqual({ count: 9, lost: 0 });
	expect(rig.env.requestsTo("/runs")).toHaveLength(1);
});

test("what a fast run's history has lost before the first event came is announced", async () => {
	const channel = await rig.request();
	const log = rig.server.log(channel);
	log.push(10);
	log.evict(7);
	await rig.server.deliver();
	expect(rig.taken).toEqual(["gap 7", "run-8", "run-9", "run-10"]);
});

test("a handler that raises rejects with the class and the text", async () => {
	const channel = await rig.request();
	const log = rig.server.log(channel);
	log.push(1);
	log.closed = true;
	log.error = { class: "ValueError", text: "no such symbol" };
	await rig.server.deliver();
	expect(rig.data).toEqual([1]);
	const { name, kind, class: className, text, message } = rig.error;
	expect({ name, kind, className, text, message }).toEqual({
		name: "RequestError",
		kind: "raised",
		className: "ValueError",
		text: "no such symbol",
		message: "ValueError: no such symbol",
	});
	expect(rig.states.at(-1)).toBe("failed");
});

test.each([
	[404, "missing"],
	[409, "invalid"],
	[410, "gone"],
	[422, "invalid"],
	[403, "refused"],
	[401, "refused"],
])("an answer of %s is final: %s", async (status, kind) => {
	rig.server.runAnswer = () => json(status, { error: "no route /nowhere" });
	await rig.request();
	expect(rig.error.kind).toBe(kind);
	if (kind !== "refused") expect(rig.error.message).toBe("no route /nowhere");
	await rig.env.advance(60_000);
	expect(rig.env.requestsTo("/runs")).toHaveLength(1);
});

test("a busy server says when to ask again", async () => {
	rig.server.runAnswer = () =>
		new Response(JSON.stringify({ error: "too many runs" }), {
			status: 503,
			headers: { "Retry-After": "7" },
		});
	const texts: string[] = [];
	await rig.request("/x", { onState: (state, text) => texts.push(`${state} ${text}`) });
	expect(texts).toEqual(["connecting ", "connecting too many runs"]);
	await rig.env.advance(6_900);
	expect(rig.env.requestsTo("/runs")).toHaveLength(1);
	rig.server.runAnswer = null;
	await rig.env.advance(200);
	expect(rig.env.requestsTo("/runs")).toHaveLength(2);
	expect(rig.server.runs.size).toBe(1);
});

test("a run that the kernel has forgotten is gone, and not started again", async () => {
	const channel = await rig.request();
	rig.server.log(channel).push(1);
	await rig.server.deliver();
	rig.server.forgotten.add(channel);
	await rig.server.cut();
	await rig.env.advance(11_000);
	expect(rig.error.kind).toBe("gone");
	expect(rig.env.requestsTo("/runs")).toHaveLength(1);
});

test("a bearer of an earlier kernel is refused, whatever it is shown to", async () => {
	const channel = await rig.request();
	await rig.server.deliver();
	rig.server.log(channel).push(1);
	rig.server.bearer = "another";
	await rig.server.cut();
	await rig.env.advance(11_000);
	expect(rig.error.kind).toBe("refused");
	await rig.env.advance(60_000);
	expect(rig.env.live).toEqual([]);
});

test("without a bearer nothing is asked", () => {
	expect(() => handleRequest("/x", rig.callback, { server: URL_BASE } as Options)).toThrow(
		"expected a bearer; sse_widget.allow_origin(…) in the kernel prints one",
	);
});

// ---- the signal --------------------------------------------------------------------------------------------------------

test("the signal ends a request: nothing more is called, and the stream is closed", async () => {
	const channel = await rig.request();
	rig.server.log(channel).push(2);
	await rig.server.deliver();
	rig.controller.abort("enough");
	await settle();
	expect(rig.outcome).toBe("enough");
	rig.server.log(channel).push(2);
	await rig.server.deliver();
	expect(rig.data).toEqual([1, 2]);
	await rig.env.advance(2_000);
	expect(rig.env.live).toEqual([]);
	expect(rig.states.at(-1)).toBe("closed");
});

test("a callback may end its own request: the rest of the pack is not for it", async () => {
	const controller = new AbortController();
	const channel = await rig.request("/x", { signal: controller.signal });
	const log = rig.server.log(channel);
	log.push(3);
	vi.spyOn(rig.data, "push").mockImplementation(() => {
		controller.abort();
		return 0;
	});
	await rig.server.deliver();
	expect(rig.taken).toEqual(["run-1"]);
});

test("a signal that has aborted already asks for nothing", async () => {
	rig.controller.abort("before");
	await rig.request();
	expect(rig.outcome).toBe("before");
	expect(rig.env.requests).toEqual([]);
});

test("a request that is ended while it waits for a busy server asks no more", async () => {
	rig.server.runAnswer = () => json(503, { error: "too many runs" });
	await rig.request();
	rig.controller.abort("enough");
	await rig.env.advance(60_000);
	expect(rig.env.requestsTo("/runs")).toHaveLength(1);
	expect(rig.outcome).toBe("enough");
});

// ---- subscribe ---------------------------------------------------------------------------------------------------------

test("a subscription begins with the next event", async () => {
	rig.server.log("prices").push(5);
	rig.subscribe("prices");
	await rig.server.deliver();
	expect(rig.taken).toEqual([]);
	rig.server.log("prices").push(2);
	await rig.server.deliver();
	expect(rig.taken).toEqual(["a-6", "a-7"]);
});

test.each([
	["oldest", ["a-1", "a-2", "a-3"]],
	["a-2", ["a-3"]],
	[{ prices: "a-1" }, ["a-2", "a-3"]],
])("a subscription begins after %j", async (after, expected) => {
	rig.server.log("prices").push(3);
	rig.subscribe("prices", { after });
	await rig.server.deliver();
	expect(rig.taken).toEqual(expected);
});

test("a place that is none is refused, not read as the oldest", async () => {
	rig.subscribe("prices", { after: "yesterday" });
	await settle();
	expect(rig.error.message).toBe('expected "oldest", "newest" or an event id, got "yesterday"');
	expect(rig.env.requests).toEqual([]);
});

test("several channels come over one connection, each in its order", async () => {
	const channels: string[] = [];
	rig.watch(
		subscribe(["a", "b", "a"], (_, event) => channels.push(`${event.channel} ${event.id}`), {
			...rig.options,
			after: "oldest",
		}),
	);
	rig.server.log("a").push(2);
	rig.server.log("b").push(1);
	await rig.server.deliver();
	expect(channels).toEqual(["a a-1", "a a-2", "b a-1"]);
	expect(rig.env.sources).toHaveLength(1);
	rig.server.log("a").closed = true;
	await rig.server.deliver();
	expect(rig.outcome).toBeNull();
	rig.server.log("b").closed = true;
	await rig.server.deliver();
	expect(rig.outcome).toEqual({ count: 3, lost: 0 });
});

test("types choose what is called back; the others count", async () => {
	rig.subscribe("prices", { after: "oldest", types: ["trade"] });
	rig.server.log("prices").events.push([0, "message", 1], [0, "trade", 2], [0, "message", 3]);
	rig.server.log("prices").closed = true;
	await rig.server.deliver();
	expect(rig.data).toEqual([2]);
	expect(rig.outcome).toEqual({ count: 3, lost: 0 });
});

test.each(["newest", "oldest"])(
	"a channel that does not exist is an error, from the %s on",
	async (after) => {
		rig.server.forgotten.add("pricse");
		rig.subscribe("pricse", { after });
		await settle();
		expect(rig.error.kind).toBe("missing");
		expect(rig.error.message).toBe('expected open channels, got "pricse"');
	},
);

test("what the channel itself never got is a gap in its place", async () => {
	rig.subscribe("prices", { after: "oldest" });
	rig.server.log("prices").events.push([0, "message", 1], [0, "gap", { lost: 4 }], [0, "message", 2]);
	await rig.server.deliver();
	rig.server.log("prices").events.push([0, "gap", { lost: null }]);
	rig.server.log("prices").closed = true;
	await rig.server.deliver();
	expect(rig.taken).toEqual(["a-1", "gap 4", "a-3", "gap ?"]);
	expect(rig.outcome).toEqual({ count: 2, lost: null });
});

test("a channel whose source has failed ends with what it raised", async () => {
	rig.subscribe("prices", { after: "oldest" });
	const log = rig.server.log("prices");
	log.closed = true;
	log.error = { class: "OSError", text: "the source has failed" };
	await rig.server.deliver();
	expect(rig.error.message).toBe("OSError: the source has failed");
});

test("a channel that was closed while the page was away may have had more: that is announced", async () => {
	rig.subscribe("prices", { after: "oldest" });
	rig.server.log("prices").push(2);
	await rig.server.deliver();
	rig.server.forgotten.add("prices");
	await rig.server.cut();
	await rig.env.advance(11_000);
	expect(rig.taken).toEqual(["a-1", "a-2", "gap ?"]);
	expect(rig.outcome).toEqual({ count: 2, lost: null });
});

// ---- loss, trouble, callbacks ------------------------------------------------------------------------------------------

test("a gap is a warning on the console if nobody wants to know", async () => {
	const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
	const { onGap: _, ...options } = rig.options;
	rig.watch(subscribe("prices", rig.callback, { ...options, after: "a-0" }));
	rig.server.log("prices").push(4);
	rig.server.log("prices").evict(3);
	await rig.server.deliver();
	expect(warn).toHaveBeenCalledExactlyOnceWith('[sse_widget] 3 events of "prices" were lost');
	expect(rig.taken).toEqual(["a-4"]);
});

test("a gap of unknown size is told to one who waits in an epoch that is gone, beside one that begins anew", async () => {
	rig.server.log("prices").push(1);
	rig.subscribe("prices", { after: "a-1" });
	await rig.server.deliver();
	rig.server.log("prices").renew();
	await rig.server.cut();
	subscribe("prices", () => undefined, { ...rig.options, after: "oldest" }).catch(() => undefined);
	for (let round = 0; round < 3; round += 1) {
		await rig.env.advance(11_000);
		await rig.server.deliver();
		await rig.server.heartbeat();
	}
	expect(rig.taken).toEqual(["gap ?"]);
});

test("a callback that raises is told on the console, and the next events come", async () => {
	const shout = vi.spyOn(console, "error").mockImplementation(() => undefined);
	const seen: unknown[] = [];
	const raise = (data: unknown): void => {
		seen.push(data);
		throw new Error("mine");
	};
	rig.watch(subscribe("prices", raise, { ...rig.options, after: "oldest" }));
	rig.server.log("prices").push(2);
	await rig.server.deliver();
	expect(seen).toEqual([1, 2]);
	expect(shout).toHaveBeenCalledTimes(2);
});

test("a page that cannot reach the server says what may be wrong, and reads as soon as it can", async () => {
	const texts: string[] = [];
	rig.server.down = true;
	rig.subscribe("prices", {
		after: "oldest",
		onState: (state: string, text: string) => texts.push(`${state}: ${text}`),
	});
	await rig.env.advance(30_000);
	expect(texts.at(-1)).toMatch(
		/^connecting: cannot reach http:\/\/127\.0\.0\.1:5000; trying again\. Does it know this page\? sse_widget\.allow_origin/,
	);
	rig.server.down = false;
	rig.server.log("prices").push(1);
	await rig.env.advance(11_000);
	await rig.server.deliver();
	expect(rig.taken).toEqual(["a-1"]);
	expect(texts.at(-1)).toBe("open: ");
});

test("a page whose network is back does not wait", async () => {
	rig.server.down = true;
	rig.subscribe("prices", { after: "oldest" });
	await rig.env.advance(30_000);
	rig.server.down = false;
	basics.back.at(-1)?.();
	await rig.server.deliver();
	expect(rig.states.at(-1)).toBe("open");
});

test("every heartbeat is answered with a sign of life", async () => {
	rig.subscribe("prices", { after: "oldest" });
	await rig.server.deliver();
	await rig.server.heartbeat();
	const bodies = rig.env.requestsTo("/received").map(({ body }) => JSON.parse(String(body)));
	expect(bodies).toHaveLength(2);
	expect(bodies[1]).toEqual({ page: expect.stringMatching(/^\d{32}$/) });
});

test("requests send no cookies and follow no redirect; the bearer is in a header only", async () => {
	await rig.request();
	rig.server.log("prices");
	rig.subscribe("prices");
	await rig.server.deliver();
	for (const { path, init } of rig.env.requests) {
		expect([path, init.credentials, init.cache, init.redirect, init.referrerPolicy]).toEqual([
			path,
			"omit",
			"no-store",
			"error",
			"no-referrer",
		]);
		expect(`${path} ${init.body}`).not.toContain("bearer");
	}
	for (const { url } of rig.env.sources) expect(url.href).not.toContain("bearer");
});

test("whatever happens on the way, each event comes once or is announced", async () => {
	const step = fc.oneof(
		{ weight: 6, arbitrary: fc.record({ what: fc.constant("push"), n: fc.integer({ min: 1, max: 7 }) }) },
		{ weight: 3, arbitrary: fc.record({ what: fc.constant("deliver"), n: fc.constant(0) }) },
		{ weight: 2, arbitrary: fc.record({ what: fc.constant("evict"), n: fc.integer({ min: 1, max: 5 }) }) },
		{
			weight: 3,
			arbitrary: fc.record({
				what: fc.constantFrom("cut", "skip", "heartbeat", "rotate", "down", "up", "renew", "join", "wait"),
				n: fc.integer({ min: 1, max: 12_000 }),
			}),
		},
	);
	await fc.assert(
		fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
			rig = new Rig();
			const log = rig.server.log("prices");
			rig.subscribe("prices", { after: "a-0" });
			for (const { what, n } of steps) await take(what, n);
			rig.server.down = false;
			for (let round = 0; round < 6; round += 1) {
				await rig.env.advance(11_000);
				await rig.server.deliver();
				await rig.server.heartbeat();
				await rig.server.deliver();
			}
			expectNothingSilent(rig.taken, "a-0", `${log.epoch}-${log.newest}`);
			rig.controller.abort();
		}),
		{ numRuns: 300 },
	);
});

async function take(what: string, n: number): Promise<void> {
	const { server, env } = rig;
	if (what === "push") server.log("prices").push(n);
	if (what === "evict") server.log("prices").evict(n);
	if (what === "renew" && server.log("prices").newest > 0) {
		server.log("prices").renew();
		await server.cut();
	}
	if (what === "join")
		subscribe(["prices", "other"], () => undefined, {
			...rig.options,
			onGap: () => undefined,
			after: "oldest",
		}).catch(() => 0);
	if (what === "cut") await server.cut();
	if (what === "skip") server.skip();
	if (what === "down" || what === "up") server.down = what === "down";
	if (what === "heartbeat") await server.heartbeat();
	if (what === "rotate") await server.rotate();
	if (what === "deliver") await server.deliver();
	if (what === "wait") await env.advance(n);
}
