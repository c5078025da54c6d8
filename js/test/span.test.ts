import * as fc from "fast-check";
import { expect, test } from "vitest";
import { reduced, Span } from "../src/views/span.ts";

test("buckets hold count, sum, smallest, largest and last", () => {
	const span = new Span(60_000);
	for (const value of [3, 1, 2]) span.add(1_000, value);
	const [bucket] = span.since(1_000);
	expect(bucket).toMatchObject({ count: 3, sum: 6, min: 1, max: 3, last: 2 });
	if (bucket === undefined) throw new Error("no bucket");
	expect((["last", "mean", "min", "max"] as const).map((by) => reduced(bucket, by))).toEqual([2, 2, 1, 3]);
});

test("what is older than the span goes", () => {
	const span = new Span(10_000);
	span.add(0, 1);
	span.add(9_000, 2);
	expect(span.since(9_000).map(({ last }) => last)).toEqual([1, 2]);
	expect(span.since(15_000).map(({ last }) => last)).toEqual([2]);
	expect(span.since(60_000)).toEqual([]);
});

test("however many and whenever they come: few buckets, in order, and nothing of the span is missing", () => {
	fc.assert(
		fc.property(fc.array(fc.nat(400), { minLength: 1, maxLength: 600, size: "max" }), (steps) => {
			const span = new Span(60_000);
			let now = 1_700_000_000_000;
			const times: number[] = [];
			for (const step of steps) {
				now += step;
				times.push(now);
				span.add(now, 1);
			}
			const buckets = span.since(now);
			expect(buckets.length).toBeLessThanOrEqual(120);
			for (let at = 1; at < buckets.length; at += 1) {
				expect(buckets[at]?.at).toBeGreaterThan(buckets[at - 1]?.at ?? Number.POSITIVE_INFINITY);
			}
			const held = buckets.reduce((sum, { count }) => sum + count, 0);
			expect(held).toBeGreaterThanOrEqual(times.filter((time) => time >= now - 60_000).length);
			expect(held).toBeLessThanOrEqual(times.filter((time) => time >= now - 64_000).length);
		}),
	);
});

test("buckets grow coarser, and none of what they hold is lost", () => {
	const span = new Span(60_000);
	for (let at = 0; at < 600; at += 1) span.add(1_700_000_000_000 + at * 60, at);
	const buckets = span.since(1_700_000_036_000);
	expect(buckets.length).toBeLessThanOrEqual(120);
	expect(buckets.reduce((sum, { count }) => sum + count, 0)).toBe(600);
	expect(buckets.reduce((total, { sum }) => total + sum, 0)).toBe((600 * 599) / 2);
});

test("an event whose clock goes back counts as of now", () => {
	const span = new Span(10_000);
	span.add(5_000, 1);
	span.add(1_000, 2);
	expect(span.since(5_000)).toMatchObject([{ count: 2, last: 2 }]);
});
