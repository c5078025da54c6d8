import { expect, test } from "vitest";
import type { FeedRecord } from "../src/ring.ts";
import { Gathering } from "../src/views/gather.ts";
import { Rig } from "./support/rig.ts";

function bench() {
	const { model, feed } = new Rig().start(null);
	const life = new AbortController();
	let next = 1;
	const push = (...data: number[]): void => {
		const events = data.map((each): [number, string, number] => [0, "message", each]);
		feed.take({ channel: "prices", epoch: "a", first: next, events }, 0, 0, 10);
		next += data.length;
	};
	const rounds: unknown[][] = [];
	const begin = () => {
		const taken: unknown[] = [];
		rounds.push(taken);
		return (record: FeedRecord) => void taken.push(record.kind === "event" ? record.data : "gap");
	};
	const gathering = (): Gathering => new Gathering({ model, feed, signal: life.signal }, ["title"], begin);
	return { model, life, push, rounds, gathering };
}

test("it begins with what the page holds already, and takes all that comes", () => {
	const { push, rounds, gathering } = bench();
	push(1, 2);
	gathering();
	push(3);
	expect(rounds).toEqual([[1, 2, 3]]);
});

test("when a trait that it depends on changes, all is read again; others do not matter", () => {
	const { model, push, rounds, gathering } = bench();
	gathering();
	push(1, 2);
	model.set("height", "1px");
	expect(rounds).toHaveLength(1);
	model.set("title", "other");
	push(3);
	expect(rounds).toEqual([
		[1, 2],
		[1, 2, 3],
	]);
});

test("what is cleared does not come again", () => {
	const { push, rounds, gathering } = bench();
	const made = gathering();
	push(1, 2);
	made.clear();
	push(3);
	expect(rounds).toEqual([[1, 2], [3]]);
});

test("it ends with the model", () => {
	const { model, life, push, rounds, gathering } = bench();
	const before = model.listeners();
	gathering();
	life.abort();
	push(1);
	expect(rounds).toEqual([[]]);
	expect(model.listeners()).toBe(before);
});
