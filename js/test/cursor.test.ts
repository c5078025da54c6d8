import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Cursor, earliest, formatCursor, parseCursor, Reader } from "../src/connection/cursor.ts";
import type { Pack } from "../src/protocol.ts";

function pack(epoch: string, first: number, count: number, gap = false): Pack {
	const events = Array.from({ length: count }, (_, at): [number, string, number] => [
		0,
		"message",
		first + at,
	]);
	return { channel: "c", epoch, first, events, ...(gap ? { gap: true } : {}) };
}

function reader(text: string): Reader {
	return new Reader(parseCursor(text));
}

describe("a cursor", () => {
	test.each(["", "a", "a-", "-1", "a-01", "a-1 ", "a--1", "a-1.5", "a-1234567890123456", "ä-1"])(
		"is not in %j",
		(text) => expect(parseCursor(text)).toBeNull(),
	);

	test("is read as it was written", () => {
		expect(parseCursor("e_1-0")).toEqual({ epoch: "e_1", last: 0 });
		expect(formatCursor({ epoch: "e", last: 7 })).toBe("e-7");
		expect(formatCursor(null)).toBe("");
	});
});

describe("a reader of a pack", () => {
	test("takes what joins on", () => {
		const at = reader("a-2");
		expect(at.read(pack("a", 3, 2))).toEqual({ kind: "take", from: 0, lost: 0 });
		expect(formatCursor(at.cursor)).toBe("a-4");
	});

	test("skips what it has", () => {
		const at = reader("a-4");
		expect(at.read(pack("a", 3, 4))).toEqual({ kind: "take", from: 2, lost: 0 });
		expect(at.read(pack("a", 1, 3))).toEqual({ kind: "skip" });
		expect(formatCursor(at.cursor)).toBe("a-6");
	});

	test("announces a gap of the right size", () => {
		const at = reader("a-2");
		expect(at.read(pack("a", 10, 1, true))).toEqual({ kind: "take", from: 0, lost: 7 });
		expect(formatCursor(at.cursor)).toBe("a-10");
	});

	test("does not count what hides announced losses", () => {
		const at = reader("a-2");
		expect(at.read({ ...pack("a", 10, 1, true), unsure: true })).toEqual({
			kind: "take",
			from: 0,
			lost: null,
		});
		expect(formatCursor(at.cursor)).toBe("a-10");
	});

	test("announces a gap with nothing behind it yet", () => {
		const at = reader("a-2");
		expect(at.read(pack("a", 10, 0, true))).toEqual({ kind: "take", from: 0, lost: 7 });
		expect(formatCursor(at.cursor)).toBe("a-9");
	});

	test("refuses a hole that nobody announced", () => {
		const at = reader("a-2");
		expect(at.read(pack("a", 4, 1))).toEqual({ kind: "refuse" });
		expect(at.read(pack("b", 1, 1))).toEqual({ kind: "refuse" });
		expect(formatCursor(at.cursor)).toBe("a-2");
	});

	test("does not know how much is lost when the epoch is another", () => {
		const at = reader("a-2");
		expect(at.read(pack("b", 5, 1, true))).toEqual({ kind: "take", from: 0, lost: null });
		expect(formatCursor(at.cursor)).toBe("b-5");
	});

	test("skips late packs of an epoch that is over", () => {
		const at = reader("a-2");
		at.read(pack("b", 1, 1, true));
		expect(at.read(pack("a", 1, 9, true))).toEqual({ kind: "skip" });
		expect(formatCursor(at.cursor)).toBe("b-1");
	});

	test("ignores a gap that is no gap for it", () => {
		const at = reader("a-20");
		expect(at.read(pack("a", 10, 5, true))).toEqual({ kind: "skip" });
		expect(at.read(pack("a", 10, 12, true))).toEqual({ kind: "take", from: 11, lost: 0 });
	});

	test("sees every sequence once or in an announced gap, whatever comes", () => {
		const piece = fc.record({
			first: fc.integer({ min: 1, max: 60 }),
			count: fc.integer({ min: 0, max: 8 }),
			gap: fc.boolean(),
		});
		fc.assert(
			fc.property(fc.integer({ min: 0, max: 30 }), fc.array(piece, { maxLength: 40 }), (start, pieces) => {
				const at = reader(`a-${start}`);
				let next = start + 1;
				for (const { first, count, gap } of pieces) {
					const reading = at.read(pack("a", first, count, gap));
					if (reading.kind !== "take") continue;
					expect(reading.lost).not.toBeNull();
					expect(first + reading.from).toBe(next + (reading.lost ?? 0));
					next = first + count;
				}
				expect(formatCursor(at.cursor)).toBe(`a-${next - 1}`);
			}),
		);
	});
});

describe("the cursor to ask from", () => {
	const at = (text: string): Cursor | null => parseCursor(text);

	test.each([
		[["a-5", "a-3", "a-9"], "a", "a-3"],
		[["a-5", "b-3"], "b", "a-5"],
		[["b-3", "", "a-5"], "b", "a-5"],
		[["a-5", ""], "a", ""],
		[["a-5", "a-3"], null, "a-3"],
		[[""], null, ""],
	])("of %j in epoch %j is %j", (texts, epoch, expected) => {
		expect(formatCursor(earliest(texts.map(at), epoch))).toBe(expected);
	});
});
