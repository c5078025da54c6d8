import { expect, test } from "vitest";
import { Foreign } from "../src/foreign.ts";
import type { ForeignBatch } from "../src/protocol.ts";
import { FakeEnv, type FakeSource } from "./support/env.ts";
import { Rig } from "./support/rig.ts";

const SPEC = { url: "https://example.org/events", types: ["tick"], credentials: false };

class Desk {
	readonly env = new FakeEnv();
	pokes = 0;
	readonly foreign = new Foreign(this.env, SPEC, {
		poke: () => {
			this.pokes += 1;
		},
		changed: () => undefined,
	});

	get source(): FakeSource {
		const source = this.env.live[0];
		if (source === undefined) throw new Error("no source is open");
		return source;
	}

	/** Send what waits, and have it acknowledged. */
	turn(): readonly (readonly string[])[] {
		const batch = this.foreign.batch as ForeignBatch;
		this.foreign.answered(batch.n);
		return batch.events;
	}

	lead(): void {
		this.foreign.start();
		this.turn();
		this.source.raw("open");
	}
}

test("opens the stream only when the kernel lets it lead, and asks again until then", async () => {
	const desk = new Desk();
	desk.foreign.start();
	desk.foreign.start();
	desk.foreign.answered(null);
	expect(desk.foreign.batch).toMatchObject({ n: 0, events: [] });
	expect(desk.env.sources).toEqual([]);
	await desk.env.advance(9_000);
	expect(desk.pokes).toBe(4);
	desk.foreign.answered(0);
	expect(desk.env.live).toHaveLength(1);
	desk.foreign.answered(0);
	expect(desk.env.sources).toHaveLength(1);
});

test("a batch is the same until it is acknowledged; what comes meanwhile is in the next", () => {
	const desk = new Desk();
	desk.lead();
	desk.source.raw("message", "1");
	const first = desk.foreign.batch;
	expect(first).toMatchObject({ n: 1, events: [["anew"], ["", "message", "1"]] });
	desk.source.raw("tick", "2");
	desk.foreign.answered(0);
	expect(desk.foreign.batch).toEqual(first);
	desk.foreign.answered(1);
	expect(desk.foreign.batch).toMatchObject({ n: 2, events: [["", "tick", "2"]] });
});

test("tells a reconnect of the browser from a new stream", async () => {
	const desk = new Desk();
	desk.lead();
	desk.source.fail();
	expect(desk.foreign.text).toContain("(CORS)");
	desk.source.raw("open");
	expect(desk.foreign.text).toBe("");
	Object.assign(desk.source, { readyState: 2 });
	desk.source.fail();
	expect(desk.env.live).toEqual([]);
	expect(desk.turn()).toEqual([["anew"], ["again"]]);
	await desk.env.advance(1_000);
	desk.source.raw("open");
	expect(desk.turn()).toEqual([["anew"]]);
});

test("events of the server that are called as the browser's own change nothing", () => {
	const desk = new Desk();
	desk.lead();
	desk.source.raw("open", "{}");
	desk.source.raw("error", "{}");
	expect(desk.foreign.text).toBe("");
	expect(desk.turn()).toEqual([["anew"]]);
});

test("one who does not lead any more closes the stream and begins anew", async () => {
	const desk = new Desk();
	desk.lead();
	const before = desk.foreign.batch?.session;
	desk.foreign.answered(null);
	expect(desk.env.live).toEqual([]);
	expect(desk.foreign.batch).toMatchObject({ n: 0, events: [] });
	expect(desk.foreign.batch?.session).not.toBe(before);
});

test("what waits is bounded, and batches are", () => {
	const desk = new Desk();
	desk.lead();
	const { source } = desk;
	source.raw("message", "ü".repeat(400_000));
	const text = "x".repeat(600_000);
	for (let n = 0; n < 40; n += 1) source.raw("message", text);
	expect(desk.env.live).toEqual([]);
	expect(desk.turn()).toEqual([["anew"], ["lost"]]);
	let many = 0;
	for (let batch = desk.turn(); batch.length > 0; batch = desk.turn()) {
		expect(batch).toHaveLength(1);
		many += 1;
	}
	expect(many).toBe(28);
	expect(desk.env.live).toHaveLength(1);
});

test("stops with the feed, and says nothing then", () => {
	const desk = new Desk();
	desk.lead();
	desk.foreign.stop();
	desk.foreign.answered(1);
	expect(desk.env.live).toEqual([]);
	expect(desk.foreign.batch).toBeUndefined();
});

test("the feed's report carries it, and a feed that does not read has none", async () => {
	const rig = new Rig();
	const widget = rig.shown("f", "prices", { foreign: SPEC });
	await rig.server.deliver();
	const reports = rig.server.bodies.map((body) => body.feeds.f as { foreign?: ForeignBatch });
	expect(reports.at(-1)?.foreign).toMatchObject({ n: 0, events: [] });
	widget.feed.answered({ cursor: "a-0", resume: false, foreign: 0 });
	expect(rig.env.live.map((source) => source.url.host)).toContain("example.org");
	widget.hide();
	expect(widget.feed.report(false).foreign).toBeUndefined();
	expect(rig.env.live.map((source) => source.url.host)).not.toContain("example.org");
});
