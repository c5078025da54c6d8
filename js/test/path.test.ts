import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Json } from "../src/protocol.ts";
import type { EventRecord } from "../src/ring.ts";
import { Fields } from "../src/views/fields.ts";
import { pathsIn, readerOf } from "../src/views/path.ts";

function event(data: Json): EventRecord {
	return { kind: "event", id: "a-7", timeMs: 1_500, type: "trade", data };
}

test.each<[Json, string, Json | undefined]>([
	[{ price: 1 }, "price", 1],
	[{ quote: { price: 2 } }, "quote.price", 2],
	[{ "quote.price": 3, quote: { price: 2 } }, "quote.price", 3],
	[{ bids: [{ p: 4 }] }, "bids.0.p", 4],
	[[5, 6], "1", 6],
	[7, "", 7],
	[{ price: null }, "price", null],
	[{ price: 1 }, "pric", undefined],
	[{ price: 1 }, "price.cents", undefined],
	[null, "price", undefined],
	["text", "length", undefined],
	[[1, 2], "length", undefined],
	[{}, "constructor", undefined],
	[{}, "__proto__.toString", undefined],
	[{}, "time", 1.5],
	[{ time: 8 }, "time", 8],
	[9, "type", "trade"],
	[{}, "id", "a-7"],
	[{}, "toString", undefined],
])("%j at %s is %j", (data, path, value) => {
	expect(readerOf(path)(event(data))).toEqual(value);
});

test("whatever comes, and wherever one looks, nothing is thrown", () => {
	fc.assert(
		fc.property(fc.jsonValue(), fc.string(), (data, path) => {
			readerOf(path)(event(data as Json));
			const fields = new Fields();
			fields.number(path)(event(data as Json));
			expect(typeof fields.note).toBe("string");
		}),
	);
});

test("the paths in an event are its keys, and those of what it holds", () => {
	expect(pathsIn({ a: 1, quote: { bid: 1, ask: 2 }, list: [1], none: {} })).toEqual([
		"a",
		"quote.bid",
		"quote.ask",
		"list",
		"none",
	]);
	expect(pathsIn([1])).toEqual([]);
});

function noteOf(path: string, ...data: Json[]): string {
	const fields = new Fields();
	const read = fields.number(path);
	for (const each of data) read(event(each));
	return fields.note;
}

const many = (data: Json): Json[] => new Array<Json>(100).fill(data);

test("a field that never comes is said after a hundred events, with those that do", () => {
	const near = { symbol: "A", quote: { price: 1 } };
	expect(noteOf("pric", ...many(near).slice(1))).toBe("");
	expect(noteOf("pric", ...many(near))).toBe("None of 100 events has “pric”; they have symbol, quote.price");
	expect(noteOf("pric", ...many(5))).toBe("None of 100 events has “pric”; they have no fields");
	expect(noteOf("", ...many(near))).toBe("The events are an object, no numbers; say which field to take");
	expect(noteOf("symbol", ...many(near))).toBe("“symbol” is no number in any of 100 events: it is text");
});

test("what is missing now and then is counted, whatever was there instead", () => {
	expect(noteOf("p", { p: 1 }, { p: 2 })).toBe("");
	expect(noteOf("p", { p: 1 }, {}, { p: "2" }, { p: null }, { p: [1] }, { p: true }, 3)).toBe(
		"6 of 7 events have no number at “p”",
	);
	expect(noteOf("", 1, "x")).toBe("1 of 2 events have no number");
});

test("names in a note are bounded in number and length", () => {
	const wide = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`${at}${"x".repeat(500)}`, at]));
	expect(noteOf("p", ...many(wide)).length).toBeLessThan(700);
});
