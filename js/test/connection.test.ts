import * as fc from "fast-check";
import { expect, test } from "vitest";
import { expectNothingSilent } from "./support/check.ts";
import { settle } from "./support/env.ts";
import { Rig } from "./support/rig.ts";

const DIRECT = { transport: "direct" };

test("twenty widgets of one page share one EventSource, opened once", async () => {
	const rig = new Rig();
	rig.server.log("prices").push(2);
	const widgets = Array.from({ length: 20 }, (_, at) => rig.shown(`f${at}`));
	await settle();
	expect(rig.env.sources).toHaveLength(1);
	expect(rig.env.requestsTo("/tickets")).toHaveLength(1);
	await rig.server.deliver();
	for (const widget of widgets) expect(widget.taken).toEqual(["a-1", "a-2"]);
});

test("no request carries the bearer before the server has proved itself", async () => {
	const rig = new Rig();
	rig.server.key = "another key";
	const widget = rig.widget("f");
	widget.model.emit("msg:custom", rig.server.welcome("f", "prices", { key: "key" }));
	widget.feed.show(() => undefined);
	await rig.env.advance(60_000);
	const bearers = rig.env.requests.filter(({ init }) =>
		JSON.stringify(init.headers ?? {}).includes("bearer"),
	);
	expect(bearers).toEqual([]);
	expect(widget.feed.state).toBe("reconnecting");
});

test("a wrong answer to the proof is told as such", async () => {
	const rig = new Rig();
	const widget = rig.shown("f", "prices", { ...DIRECT, server: "another server" });
	await settle();
	expect(widget.feed.text).toContain(
		"Something else than this notebook's kernel answers at http://127.0.0.1:5000",
	);
});

test("requests send no cookies, are not stored and follow no redirect", async () => {
	const rig = new Rig();
	rig.shown("f");
	await settle();
	for (const { path, init } of rig.env.requests) {
		const noCors = init.mode === "no-cors"; // where the Fetch standard allows nothing but "follow"
		expect([path, init.credentials, init.cache, init.redirect]).toEqual([
			path,
			"omit",
			"no-store",
			noCors ? "follow" : "error",
		]);
	}
});

test("the stream is asked for from the earliest cursor, and each widget skips what it has", async () => {
	const rig = new Rig();
	rig.server.log("prices").push(6);
	const early = rig.shown("early", "prices", { start: "a-1" });
	const late = rig.shown("late", "prices", { start: "a-4" });
	await settle();
	expect(rig.env.sources[0]?.afters.get("prices")).toBe("a-1");
	await rig.server.deliver();
	expect(early.taken).toEqual(["a-2", "a-3", "a-4", "a-5", "a-6"]);
	expect(late.taken).toEqual(["a-5", "a-6"]);
});

test("a newcomer that needs older events gets them; the others see nothing twice", async () => {
	const rig = new Rig();
	rig.server.log("prices").push(4);
	const first = rig.shown("first");
	await rig.server.deliver();
	const second = rig.shown("second");
	await rig.server.deliver();
	expect(rig.env.sources).toHaveLength(2);
	expect(rig.env.live).toHaveLength(1);
	expect(second.taken).toEqual(["a-1", "a-2", "a-3", "a-4"]);
	expect(first.taken).toEqual(second.taken);
});

test("a newcomer that is up to date joins the stream as it is", async () => {
	const rig = new Rig();
	rig.server.log("prices").push(4);
	rig.shown("first");
	await rig.server.deliver();
	rig.server.receiver("second").last = 4;
	const second = rig.shown("second", "prices", { start: "a-4" });
	await settle();
	expect(rig.env.sources).toHaveLength(1);
	expect(second.feed.state).toBe("open");
	rig.server.log("prices").push(1);
	await rig.server.deliver();
	expect(second.taken).toEqual(["a-5"]);
});

test("a newcomer that comes while the stream opens gets what it needs, too", async () => {
	const rig = new Rig();
	rig.server.log("prices").push(4);
	rig.shown("first", "prices", { start: "a-4" });
	await settle();
	const second = rig.shown("second");
	await settle();
	expect(rig.env.sources).toHaveLength(1); // not open yet
	await rig.server.deliver();
	await rig.server.deliver();
	expect(second.taken).toEqual(["a-1", "a-2", "a-3", "a-4"]);
});

test("a second channel comes onto the same stream", async () => {
	const rig = new Rig();
	rig.shown("one", "prices");
	await rig.server.deliver();
	rig.server.log("orders").push(1);
	const orders = rig.shown("two", "orders");
	await rig.server.deliver();
	expect([...(rig.env.live[0]?.afters.keys() ?? [])]).toEqual(["orders", "prices"]);
	expect(rig.env.live).toHaveLength(1);
	expect(orders.taken).toEqual(["a-1"]);
});

test("the stream closes within two seconds of the last view, and not when a view only moves", async () => {
	const rig = new Rig();
	const widget = rig.shown("f");
	await rig.server.deliver();
	widget.hide();
	const hideAgain = widget.feed.show(() => undefined);
	await rig.env.advance(5_000);
	expect(rig.env.sources).toHaveLength(1);
	expect(rig.env.live).toHaveLength(1);
	hideAgain();
	await rig.env.advance(2_000);
	expect(rig.env.live).toHaveLength(0);
	expect(rig.page.connections.size).toBe(0);
	expect(widget.feed.state).toBe("idle");
});

test("a widget that comes back goes on from where it was", async () => {
	const rig = new Rig();
	rig.server.log("prices").push(2);
	const widget = rig.shown("f");
	await rig.server.deliver();
	widget.hide();
	await rig.env.advance(5_000);
	rig.server.log("prices").push(2);
	widget.feed.show(() => undefined);
	await rig.server.deliver();
	expect(rig.env.live[0]?.afters.get("prices")).toBe("a-2");
	expect(widget.taken).toEqual(["a-1", "a-2", "a-3", "a-4"]);
});

test("rotate reconnects at once, without proof and without backoff", async () => {
	const rig = new Rig();
	rig.server.log("prices").push(2);
	const widget = rig.shown("f");
	await rig.server.deliver();
	const proofs = rig.env.requestsTo("/whoami").length;
	await rig.server.rotate();
	expect(rig.env.live[0]?.afters.get("prices")).toBe("a-2");
	expect(rig.env.requestsTo("/whoami")).toHaveLength(proofs);
	expect(widget.feed.state).toBe("open");
});

test("a cut is followed by backoff, proof, ticket and stream", async () => {
	const rig = new Rig();
	const widget = rig.shown("f", "prices", DIRECT);
	await rig.server.deliver();
	rig.server.down = true;
	await rig.server.cut();
	expect(widget.feed.state).toBe("reconnecting");
	expect(widget.feed.text).toContain("cannot reach the kernel's server at http://127.0.0.1:5000");
	await rig.env.advance(60_000);
	expect(rig.env.live).toHaveLength(0);
	const proofs = rig.env.requestsTo("/whoami").length;
	rig.server.down = false;
	await rig.env.advance(10_000);
	await rig.server.deliver();
	expect(rig.env.requestsTo("/whoami").length).toBeGreaterThan(proofs);
	expect(widget.feed.state).toBe("open");
	expect(widget.feed.text).toBe("");
});

test("backoff doubles with jitter up to ten seconds", async () => {
	const rig = new Rig();
	rig.server.down = true;
	rig.shown("f", "prices", DIRECT);
	await rig.env.advance(60_000);
	const times = rig.env.requests.filter(({ init }) => init.method === "POST").map(({ at }) => at);
	const waits = times.slice(1).map((time, at) => time - (times[at] ?? 0));
	expect(waits.slice(0, 7)).toEqual([500, 1000, 2000, 4000, 5000, 5000, 5000]);
});

test("forty seconds of silence are a broken stream; a heartbeat is not silence", async () => {
	const rig = new Rig();
	const widget = rig.shown("f");
	await rig.server.deliver();
	await rig.env.advance(30_000);
	await rig.server.heartbeat();
	await rig.env.advance(39_000);
	expect(rig.env.sources).toHaveLength(1);
	await rig.env.advance(1_000);
	expect(rig.env.sources[0]?.closed).toBe(true);
	await rig.env.advance(1_000);
	await rig.server.deliver();
	expect(widget.feed.state).toBe("open");
});

test("a stream that never says open is given up", async () => {
	const rig = new Rig();
	rig.shown("f", "prices", DIRECT);
	await rig.env.advance(9_000);
	expect(rig.env.sources).toHaveLength(1);
	await rig.env.advance(2_000);
	expect(rig.env.sources[0]?.closed).toBe(true);
	expect(rig.env.sources.length).toBeGreaterThan(1);
});

test("a heartbeat that names a later cursor makes the page ask again from its own", async () => {
	const rig = new Rig();
	rig.server.log("prices").push(2);
	const widget = rig.shown("f");
	await rig.server.deliver();
	rig.server.log("prices").push(3);
	rig.server.skip();
	await rig.server.heartbeat();
	await rig.env.advance(0);
	await rig.server.deliver();
	expect(rig.env.live[0]?.afters.get("prices")).toBe("a-2");
	expect(widget.taken).toEqual(["a-1", "a-2", "a-3", "a-4", "a-5"]);
});

test("a message that is not JSON is a broken stream", async () => {
	const rig = new Rig();
	const widget = rig.shown("f");
	await rig.server.deliver();
	rig.env.live[0]?.raw("pack", '{"channel": "pri');
	expect(widget.feed.state).toBe("reconnecting");
	expect(rig.env.live).toHaveLength(0);
});

test("an unknown secret asks the kernel once; a new one is used", async () => {
	const rig = new Rig();
	const widget = rig.shown("f", "prices", DIRECT);
	widget.model.welcome = null;
	rig.server.bearer = "new";
	await settle();
	expect(widget.feed.state).toBe("reconnecting");
	expect(widget.model.sent.filter((message) => message.kind === "hello")).toHaveLength(2);
	widget.model.emit("msg:custom", rig.server.welcome("f", "prices", DIRECT));
	await rig.server.deliver();
	expect(widget.feed.state).toBe("open");
});

test.each([401, 403])("a second %i fails", async (status) => {
	const rig = new Rig();
	rig.server.ticketStatus = status;
	const widget = rig.shown("f", "prices", DIRECT);
	await settle();
	await rig.env.advance(6_000);
	expect(widget.feed.state).toBe("failed");
	expect(widget.feed.text).toBe(
		"The kernel's server does not accept this page any more. Run this cell again to go on.",
	);
	expect(rig.env.requestsTo("/tickets")).toHaveLength(2);
});

test("a channel that a 404 names is ended; the others go on", async () => {
	const rig = new Rig();
	rig.server.log("gone").closed = true;
	const gone = rig.shown("gone", "gone");
	const other = rig.shown("other");
	await rig.server.deliver();
	expect(gone.feed.state).toBe("ended");
	expect(gone.feed.text).toBe("The channel is closed.");
	expect(other.feed.state).toBe("open");
	expect([...(rig.env.live[0]?.afters.keys() ?? [])]).toEqual(["prices"]);
});

test("a run whose handler has raised ends with the class and the text", async () => {
	const rig = new Rig();
	const widget = rig.shown("f");
	await settle();
	const log = rig.server.log("prices");
	log.closed = true;
	log.error = { class: "ValueError", text: "the handler raised it" };
	await rig.server.deliver();
	expect([widget.feed.state, widget.feed.text]).toEqual([
		"ended",
		"It has failed. ValueError: the handler raised it.",
	]);
});

test("an ended channel is not asked for again, and Python hears it after its last event", async () => {
	const rig = new Rig();
	rig.server.log("prices").push(2);
	const widget = rig.shown("f");
	await settle();
	rig.server.log("prices").closed = true;
	const told: string[] = [];
	const { send } = widget.model;
	widget.model.send = (content: object & { kind?: string; state?: string }) => {
		told.push(`${content.kind} ${content.state} after ${rig.server.receiver("f").last}`);
		send.call(widget.model, content);
	};
	await rig.server.deliver();
	expect(widget.feed.state).toBe("ended");
	expect(widget.taken).toEqual(["a-1", "a-2"]);
	await rig.env.advance(60_000);
	expect(told).toEqual(["status open after 0", "status ended after 2"]);
	expect(rig.env.sources).toHaveLength(1);
	expect(rig.page.connections.size).toBe(0);
});

test("when the tab or the network is back, the page does not wait for its backoff", async () => {
	const rig = new Rig();
	rig.shown("f");
	await rig.server.deliver();
	rig.server.down = true;
	await rig.server.cut();
	await rig.env.advance(40_000);
	rig.server.down = false;
	const streams = rig.env.sources.length;
	rig.page.poke();
	await settle();
	expect(rig.env.sources).toHaveLength(streams + 1);
});

// ---- every sequence once, in order, or an announced gap ---------------------------------------------------------------

const action = fc.oneof(
	fc.record({ kind: fc.constant("push" as const), count: fc.integer({ min: 1, max: 7 }) }),
	fc.record({ kind: fc.constant("evict" as const), count: fc.integer({ min: 1, max: 7 }) }),
	fc.record({ kind: fc.constant("wait" as const), count: fc.integer({ min: 1, max: 3000 }) }),
	fc.record({ kind: fc.constant("toggle" as const), count: fc.integer({ min: 0, max: 1 }) }),
	fc.record({
		kind: fc.constantFrom(
			"deliver",
			"heartbeat",
			"cut",
			"rotate",
			"skip",
			"renew",
			"down",
			"up",
			"lose",
			"answer",
		),
		count: fc.constant(0),
	}),
);

type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

async function perform(rig: Rig, { kind, count }: Action, toggle: (which: number) => void): Promise<void> {
	const log = rig.server.log("prices");
	if (kind === "push") log.push(count);
	else if (kind === "evict") log.evict(count);
	else if (kind === "wait") await rig.env.advance(count);
	else if (kind === "toggle") toggle(count);
	else if (kind === "skip") rig.server.skip();
	else if (kind === "down" || kind === "up") rig.server.down = kind === "down";
	else if (kind === "lose" || kind === "answer") rig.server.loseAnswers = kind === "lose";
	else if (kind === "renew") {
		log.renew();
		await rig.server.cut();
	} else await rig.server[kind]();
	await settle();
}

test("two widgets and Python see every event once or announced, whatever happens on the way", async () => {
	const starts = fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 4 }));
	await fc.assert(
		fc.asyncProperty(starts, fc.array(action, { maxLength: 40 }), async (from, actions) => {
			const rig = new Rig();
			const log = rig.server.log("prices");
			log.push(4);
			const widgets = from.map((start, at) => rig.shown(`f${at}`, "prices", { start: `a-${start}` }));
			from.forEach((start, at) => {
				rig.server.receiver(`f${at}`).last = start;
			});
			const hides = widgets.map((widget): (() => void) | null => widget.hide);
			const toggle = (which: number): void => {
				const hide = hides[which];
				hide?.();
				hides[which] = hide ? null : (widgets[which]?.feed.show(() => undefined) ?? null);
			};
			for (const each of actions) await perform(rig, each, toggle);
			hides.forEach((hide, which) => {
				if (hide === null) toggle(which);
			});
			await rig.heal();
			const end = `${log.epoch}-${log.newest}`;
			widgets.forEach((widget, at) => {
				expectNothingSilent(widget.taken, `a-${from[at]}`, end);
				expectNothingSilent(rig.server.receiver(`f${at}`).taken, `a-${from[at]}`, end);
				expect(rig.server.receiver(`f${at}`).cursor).toBe(end);
			});
			expect(rig.env.live).toHaveLength(1);
		}),
		{ numRuns: 300 },
	);
});
