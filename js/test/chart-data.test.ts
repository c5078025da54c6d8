import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { LineChartModel } from "../src/model.gen.ts";
import type { WidgetModel } from "../src/model.ts";
import type { Json } from "../src/protocol.ts";
import { ChartData } from "../src/views/chart-data.ts";
import { valueAt } from "../src/views/plot.ts";
import { FakeModel } from "./support/model.ts";

const TRAITS = { x: "x", y: ["y"], by: "", points: 10_000, seconds: null as number | null };

class Bench {
	readonly data: ChartData;
	readonly #take;
	#now = 1_700_000_000_000;

	constructor(traits: Partial<typeof TRAITS> = {}) {
		const model = new FakeModel();
		Object.assign(model.state, TRAITS, traits);
		this.data = new ChartData(model as unknown as WidgetModel<LineChartModel>);
		this.#take = this.data.begin();
	}

	push(...all: Json[]): this {
		for (const data of all) {
			this.#take({ kind: "event", id: "a-1", timeMs: this.#now, type: "message", data });
			this.#now += 1_000;
		}
		return this;
	}

	gap(): this {
		this.#take({ kind: "gap", id: "a-1", lost: 3 });
		return this;
	}

	get lines(): Record<string, unknown> {
		const { x, names, lines } = this.data.now;
		return { x, ...Object.fromEntries(names.map((name, at) => [name, lines[at]])) };
	}
}

test("each path of y has a line", () => {
	const bench = new Bench({ y: ["loss", "val.loss"] });
	bench.push({ x: 1, loss: 2, val: { loss: 3 } }, { x: 2, loss: 1, val: { loss: 2.5 } });
	expect(bench.lines).toEqual({ x: [1, 2], loss: [2, 1], "val.loss": [3, 2.5] });
	expect(bench.data.now.time).toBe(false);
});

test("each key has a line, and what has the same x shares a row", () => {
	const bench = new Bench({ by: "s" });
	bench.push({ s: "A", x: 1, y: 10 }, { s: "B", x: 1, y: 20 }, { s: "A", x: 2, y: 11 });
	expect(bench.lines).toEqual({ x: [1, 2], A: [10, 11], B: [20, undefined] });
});

test("several keys and several paths make a line for each pair", () => {
	const bench = new Bench({ by: "s", y: ["bid", "ask"] }).push({ s: "A", x: 1, bid: 1, ask: 2 });
	expect(bench.data.now.names).toEqual(["A bid", "A ask"]);
});

test("what is no number breaks the line; an event that says nothing of a line does not", () => {
	const bench = new Bench({ y: ["a", "b"] });
	bench.push({ x: 1, a: 1, b: 1 }, { x: 2, a: null }, { x: 3, a: "3", b: 2 }, { x: 4, a: 4 });
	expect(bench.lines).toEqual({
		x: [1, 2, 3, 4],
		a: [1, null, null, 4],
		b: [1, undefined, 2, undefined],
	});
	expect(bench.data.fields.note).toBe("2 of 4 events have no number at “a”");
});

test("lost events break every line, and are marked", () => {
	const bench = new Bench({ by: "s" });
	bench.gap().push({ s: "A", x: 1, y: 1 }, { s: "B", x: 1, y: 2 }).gap().push({ s: "A", x: 2, y: 3 });
	expect(bench.lines).toEqual({ x: [1, 1, 2], A: [1, null, 3], B: [2, null, undefined] });
	expect(bench.data.now.gaps).toEqual([1]);
});

test("without x it is the time of the push", () => {
	const bench = new Bench({ x: "", y: [""] }).push(5, 6);
	expect(bench.data.now).toMatchObject({ time: true, x: [1_700_000_000, 1_700_000_001], names: ["value"] });
});

test.each<[string, Json]>([
	["seconds", 1_700_000_000],
	["milliseconds", 1_700_000_000_000],
	["text", "2023-11-14T22:13:20+00:00"],
])("times may be %s", (_, time) => {
	const bench = new Bench({ x: "at" }).push({ at: time, y: 1 }, { at: "never", y: 2 }, { at: null, y: 3 });
	expect(bench.data.now).toMatchObject({ time: true, x: [1_700_000_000] });
	expect(bench.data.fields.note).toBe("2 of 3 events have no number or time at “at”");
});

test("the window is the last points, or the last seconds", () => {
	const points = new Bench({ points: 3 });
	const seconds = new Bench({ seconds: 2.5 });
	const times = new Bench({ x: "", seconds: 2 });
	for (let at = 0; at < 20_000; at += 1) {
		points.push({ x: at, y: at });
		seconds.push({ x: at, y: at });
		times.push({ y: at });
	}
	expect(points.lines).toEqual({ x: [19_997, 19_998, 19_999], y: [19_997, 19_998, 19_999] });
	expect(seconds.lines.x).toEqual([19_997, 19_998, 19_999]);
	expect(times.lines.y).toEqual([19_998, 19_999]);
});

test("the window is bounded, also in seconds", () => {
	const bench = new Bench({ seconds: 1e9 });
	for (let at = 0; at < 130_000; at += 1) bench.push({ x: at, y: at });
	expect(bench.data.now.x).toHaveLength(100_000);
	expect(bench.data.now.x.at(-1)).toBe(129_999);
});

test("however x comes, it is ascending, and every number is there once", () => {
	const event = fc.record({ x: fc.integer({ min: 0, max: 30 }), s: fc.constantFrom("A", "B") });
	fc.assert(
		fc.property(fc.array(event, { maxLength: 60 }), (events) => {
			const bench = new Bench({ by: "s" });
			bench.push(...events.map(({ x, s }, at) => ({ x, s, y: at })));
			const { x, names, lines } = bench.data.now;
			expect([...x]).toEqual([...x].sort((a, b) => a - b));
			const found = lines.flatMap((line, which) =>
				line.flatMap((y, at) => (typeof y === "number" ? [{ x: x[at], s: names[which], y }] : [])),
			);
			const wanted = events.map(({ x: at, s }, y) => ({ x: at, s, y }));
			expect(found.sort((a, b) => a.y - b.y)).toEqual(wanted);
		}),
	);
});

test("what comes too late for a full window is counted", () => {
	const bench = new Bench({ points: 2 }).push({ x: 5, y: 1 }, { x: 6, y: 2 }, { x: 1, y: 3 });
	expect(bench.lines.x).toEqual([5, 6]);
	expect(bench.data.late).toBe(1);
});

test("there are at most 24 lines; the others are counted, once each", () => {
	const bench = new Bench({ by: "s" });
	for (let at = 0; at < 60; at += 1) bench.push({ x: at, y: 1, s: `s${at % 30}` });
	expect(bench.data.now.names).toHaveLength(24);
	expect(bench.data.unseen.size).toBe(6);
});

test("a line that has left the window makes room", () => {
	const bench = new Bench({ by: "s", points: 100 });
	bench.push({ x: 0, y: 1, s: "old" });
	for (let at = 1; at < 3_000; at += 1) bench.push({ x: at, y: 1, s: "new" });
	expect(bench.data.now.names).toEqual(["new"]);
});

test("whatever comes, nothing is thrown", () => {
	fc.assert(
		fc.property(fc.array(fc.jsonValue()), (all) => {
			const bench = new Bench({ by: "s", y: ["", "y"], x: "x" });
			expect(() => bench.push(...(all as Json[])).gap().lines).not.toThrow();
		}),
	);
});

test("the value at a row is that of the row, or the one before it", () => {
	expect(valueAt([1, undefined, null, 4], 1)).toBe(1);
	expect(valueAt([1, undefined, null, 4], 2)).toBeNull();
	expect(valueAt([1, undefined, null, 4, undefined], Number.POSITIVE_INFINITY)).toBe(4);
	expect(valueAt([undefined], 0)).toBeNull();
});
