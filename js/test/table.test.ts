// @vitest-environment happy-dom
import { beforeEach, expect, test, vi } from "vitest";
import { Column, compare, timeOf } from "../src/views/column.ts";
import { csv } from "../src/views/save.ts";
import { frozenClock, Stage } from "./support/stage.ts";

beforeEach(frozenClock);

const TRAITS = { columns: [] as string[], key: "", formats: {}, sort: "", max_rows: 500, height: "200px" };

function stageOf(traits: Record<string, unknown> = {}): Stage {
	return new Stage("table", { ...TRAITS, ...traits });
}

function head(stage: Stage): string[] {
	return stage.texts("table-sort");
}

function rows(stage: Stage): string[] {
	return [...stage.el.querySelectorAll(".sse-widget-table-row")].map((row) =>
		[...row.children].map((cell) => cell.textContent).join(" | "),
	);
}

function sortBy(stage: Stage, path: string): void {
	stage.el.querySelector<HTMLButtonElement>(`button[data-path="${path}"]`)?.click();
	stage.draw();
}

/** happy-dom lays nothing out. */
function scrollTo(stage: Stage, top: number): void {
	const scroll = stage.find("table-scroll");
	scroll.scrollTop = top;
	scroll.dispatchEvent(new Event("scroll"));
	stage.draw();
}

test("columns are found, the newest event is first", () => {
	const stage = stageOf();
	stage.push({ symbol: "A", quote: { bid: 1, ask: 2 } });
	stage.push({ symbol: "B", size: 5 });
	stage.draw();
	expect(head(stage)).toEqual(["time", "symbol", "quote.bid", "quote.ask", "size"]);
	expect(rows(stage).map((row) => row.slice(row.indexOf("|") + 2))).toEqual([
		"B | – | – | 5",
		"A | 1 | 2 | –",
	]);
	expect(stage.find("table-td").textContent).toMatch(/^\d\d:\d\d:\d\d\.\d{3}$/);
});

test("what is no object has a column of its own, and markup is text", () => {
	const stage = stageOf();
	stage.push(5, "<img src=x>", null, [1, 2], { a: 1 });
	stage.draw();
	expect(head(stage)).toEqual(["time", "value", "a"]);
	expect(rows(stage).map((row) => row.split(" | ")[1])).toEqual(["–", "[1,2]", "–", "<img src=x>", "5"]);
	expect(stage.el.querySelector("img")).toBeNull();
});

test("given columns are shown as they are given; what is missing is counted", () => {
	const stage = stageOf({ columns: ["quote.bid", "symbol"] });
	stage.push({ symbol: "A", quote: { bid: 1.5 } }, { symbol: "B", quote: 7 });
	stage.draw();
	expect(head(stage)).toEqual(["quote.bid", "symbol"]);
	expect(rows(stage)).toEqual(["– | B", "1.5 | A"]);
	expect(stage.find("note").textContent).toBe("1 of 2 events have no value at “quote.bid”");
});

test("a column that never comes is said, with those that do", () => {
	const stage = stageOf({ columns: ["symbl"] });
	for (let at = 0; at < 100; at += 1) stage.push({ symbol: "A" });
	stage.draw();
	expect(stage.find("note").textContent).toBe("None of 100 events has “symbl”; they have symbol");
	stage.set("columns", ["symbol"]);
	expect(rows(stage)[0]).toBe("A");
});

test("with a key each thing has one row, changed in place", () => {
	const stage = stageOf({ key: "symbol" });
	stage.push({ symbol: "A", bid: 1 }, { symbol: "B", bid: 2 }, { symbol: "A", ask: 3 });
	stage.draw();
	expect(head(stage)).toEqual(["symbol", "bid", "ask"]);
	expect(rows(stage)).toEqual(["A | 1 | 3", "B | 2 | –"]);
	const line = stage.find("table-row");
	stage.push({ symbol: "A", bid: 1.25 });
	stage.draw();
	expect(rows(stage)).toEqual(
		["A | 1.25 | 3", "B | 2 | –"].map((row, at) => (at === 1 ? "B | 2.00 | –" : row)),
	);
	expect(stage.find("table-row")).toBe(line);
});

test("a cell that changes lights up, and no other", () => {
	const stage = stageOf({ key: "s", columns: ["s", "bid", "ask"] });
	stage.push({ s: "A", bid: 1, ask: 2 }, { s: "B", bid: 1, ask: 2 });
	stage.draw();
	const lit = (): string[] =>
		[...stage.el.querySelectorAll<HTMLElement>("[data-flash]")].map((cell) => `${cell.textContent}`);
	expect(lit()).toEqual([]);
	stage.push({ s: "B", bid: 7, ask: 2 });
	stage.draw();
	expect(lit()).toEqual(["7"]);
	const first = stage.el.querySelector<HTMLElement>("[data-flash]")?.dataset.flash;
	stage.push({ s: "B", bid: 8 });
	stage.draw();
	expect(stage.el.querySelector<HTMLElement>("[data-flash]")?.dataset.flash).not.toBe(first);
});

test("a click sorts up, the next down, the third not at all; a screen reader is told", () => {
	const stage = stageOf({ key: "s" });
	stage.push({ s: "B", n: 10 }, { s: "C", n: 9 }, { s: "A" }, { s: "D", n: "x" });
	stage.draw();
	const order = (): string =>
		rows(stage)
			.map((row) => row[0])
			.join("");
	expect(order()).toBe("BCAD");
	sortBy(stage, "n");
	expect(order()).toBe("CBDA");
	expect(stage.find("table-th").parentElement?.children[1]?.getAttribute("aria-sort")).toBe("ascending");
	sortBy(stage, "n");
	expect(order()).toBe("DBCA");
	sortBy(stage, "n");
	expect(order()).toBe("BCAD");
	stage.set("sort", "-s");
	expect(order()).toBe("DCBA");
	expect(head(stage)).toEqual(["s▼", "n"]);
});

test("only rows in sight are elements, and scrolling shows the others", () => {
	const stage = stageOf({ key: "n" });
	for (let at = 0; at < 5_000; at += 1) stage.push({ n: at });
	stage.draw();
	expect(rows(stage).length).toBeLessThan(40);
	expect(rows(stage)[0]).toBe("0");
	expect(stage.find("table").getAttribute("aria-rowcount")).toBe("5001");
	scrollTo(stage, 4_000 * 26);
	expect(rows(stage).length).toBeLessThan(40);
	expect(rows(stage)).toContain("4000");
	expect(stage.find("table-row").getAttribute("aria-rowindex")).toBe("3996");
});

test("there are never more than max_rows events, and never more than 10,000 keys; the others are said", () => {
	const stage = stageOf({ max_rows: 5 });
	for (let at = 0; at < 100; at += 1) stage.push({ n: at });
	stage.draw();
	expect(rows(stage).map((row) => row.split(" | ")[1])).toEqual(["99", "98", "97", "96", "95"]);
	const keyed = stageOf({ key: "n" });
	for (let at = 0; at < 10_003; at += 1) keyed.push({ n: at });
	keyed.draw();
	expect(keyed.find("note").textContent).toBe("3 older keys are not shown any more");
	expect(keyed.find("table").getAttribute("aria-rowcount")).toBe("10001");
});

test("there are at most thirty columns; the others are said", () => {
	const stage = stageOf({ key: "k0" });
	stage.push(Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`k${at}`, at])));
	stage.draw();
	expect(head(stage)).toHaveLength(30);
	expect(stage.find("note").textContent).toBe("10 columns are not shown; say which with columns=");
});

test("a gap is a row of its own, where it was", () => {
	const stage = stageOf({ columns: ["n"] });
	stage.push({ n: 1 });
	stage.gap(3);
	stage.push({ n: 2 });
	stage.draw();
	expect(rows(stage)).toEqual(["2", "3 events lost – they were already gone from the history", "1"]);
	stage.push({ n: 3 });
	stage.draw();
	expect(rows(stage)).toEqual(["3", "2", "3 events lost – they were already gone from the history", "1"]);
});

test("the filter finds rows by what is in them, and counts", () => {
	const stage = stageOf({ columns: ["s"] });
	stage.push({ s: "Apple" }, { s: "pear" }, { s: "x", hidden: "apple" });
	stage.draw();
	stage.type("APPLE");
	expect(rows(stage)).toEqual(["x", "Apple"]);
	expect(stage.find("matches").textContent).toBe("2 matches");
	stage.type("nothing");
	expect(stage.find("empty").textContent).toBe("No event matches the filter.");
});

test("while paused rows stand still, also for sorting; then all that came is there", () => {
	const stage = stageOf({ key: "s" });
	stage.push({ s: "A", n: 1 }, { s: "B", n: 2 });
	stage.draw();
	stage.find("pause").click();
	stage.draw();
	stage.push({ s: "A", n: 9 }, { s: "C", n: 3 });
	sortBy(stage, "n");
	sortBy(stage, "n");
	expect(rows(stage)).toEqual(["B | 2", "A | 1"]);
	expect(stage.find("pill").textContent).toBe("2 new while paused – resume");
	stage.find("pill").click();
	stage.draw();
	expect(rows(stage)).toEqual(["A | 9", "C | 3", "B | 2"]);
});

test("who scrolls down a growing list is not disturbed", () => {
	const stage = stageOf({ columns: ["n"] });
	for (let at = 0; at < 200; at += 1) stage.push({ n: at });
	stage.draw();
	scrollTo(stage, 26 * 50);
	const before = rows(stage);
	stage.push({ n: 200 }, { n: 201 });
	stage.draw();
	expect(rows(stage)).toEqual(before);
	expect(stage.find("pill").textContent).toBe("Jump to newest (2 new)");
	stage.find("pill").click();
	stage.draw();
	expect(rows(stage)[0]).toBe("201");
});

test("a view that comes later has every key, though the ring has forgotten it", () => {
	const stage = stageOf({ key: "s" });
	stage.push({ s: "first", n: 1 });
	for (let at = 0; at < 12_000; at += 1) stage.push({ s: "busy", n: at });
	const other = stage.show();
	expect(other.querySelector(".sse-widget-table-td")?.textContent).toBe("first");
});

test("clear takes all rows away", () => {
	const stage = stageOf({ key: "s" });
	stage.push({ s: "A" });
	stage.draw();
	stage.find("clear").click();
	stage.draw();
	expect(rows(stage)).toEqual([]);
	expect(stage.find("empty").textContent).toBe("Cleared. New events appear here.");
});

test("the table can be copied as it is sorted and filtered", async () => {
	const stage = stageOf({ columns: ["s", "n"], sort: "n" });
	stage.push({ s: 'say "hi", now', n: 2.5 }, { s: "=1+1", n: -1 }, { s: "gone" });
	stage.draw();
	const write = vi.fn<(text: string) => Promise<void>>().mockResolvedValue();
	vi.stubGlobal("navigator", { ...navigator, clipboard: { writeText: write } });
	stage.find("copy-all").click();
	await vi.advanceTimersByTimeAsync(10);
	expect(write).toHaveBeenCalledWith('s,n\r\n\'=1+1,-1\r\n"say ""hi"", now",2.5\r\ngone,\r\n');
	vi.unstubAllGlobals();
});

test("the table can be downloaded", async () => {
	const stage = stageOf({ columns: ["n"], title: "my prices" });
	stage.push({ n: 1 });
	stage.draw();
	const made: Blob[] = [];
	const names: string[] = [];
	vi.spyOn(URL, "createObjectURL").mockImplementation((blob) => `blob:${made.push(blob as Blob)}`);
	const revoke = vi.spyOn(URL, "revokeObjectURL").mockImplementation(() => undefined);
	vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function (this: HTMLAnchorElement) {
		names.push(`${this.download} ${this.href}`);
	});
	stage.find("save").click();
	await vi.advanceTimersByTimeAsync(10);
	expect(names).toEqual(["my_prices.csv blob:1"]);
	expect(await made[0]?.text()).toBe("n\r\n1\r\n");
	await vi.advanceTimersByTimeAsync(2_000);
	expect(revoke).toHaveBeenCalledWith("blob:1");
});

test("CSV has no formulas, and quotes what needs it", () => {
	expect(csv([["=cmd()", "-5", "-x", "@a", "+1", "a\nb", ""]])).toBe("'=cmd(),-5,'-x,'@a,+1,\"a\nb\",\r\n");
});

const record = (data: unknown): Parameters<Column["textAt"]>[0] =>
	({ kind: "event", id: "a-1", timeMs: 0, type: "message", data }) as Parameters<Column["textAt"]>[0];

test.each([
	[",.2f", 1234.5, "1,234.50"],
	[".0f", 1234.5, "1235"],
	[".1%", 0.256, "25.6%"],
	[".3g", 1234.5, "1230"],
	[".2f", "text", "text"],
	["", 20261122, "20261122"],
	["", 0.00001234, "0.00001234"],
	["", true, "true"],
	["", { a: 1 }, '{"a":1}'],
	["datetime", "soon", "soon"],
])("with the format %j, %j is written %s", (format, value, text) => {
	expect(new Column("v", format).textAt(record({ v: value }))).toBe(text);
});

test("times are numbers of seconds or milliseconds, or texts as Python writes them", () => {
	expect(timeOf(1_700_000_000)).toBe(1_700_000_000_000);
	expect(timeOf(1_700_000_000_123)).toBe(1_700_000_000_123);
	expect(timeOf("2023-11-14T22:13:20+00:00")).toBe(1_700_000_000_000);
	expect([timeOf(5), timeOf("x"), timeOf(null), timeOf("2023-99-99")]).toEqual([null, null, null, null]);
	expect(new Column("t", "time").textAt(record({ t: 1_700_000_000.5 }))).toMatch(/:\d\d\.500$/);
	expect(new Column("t", "datetime").textAt(record({ t: 1_700_000_000 }))).toMatch(
		/^2023-11-1\d \d\d:\d\d:\d\d$/,
	);
});

test("a column's numbers have as many digits as the longest so far, and its width never shrinks", () => {
	const column = new Column("v", "");
	expect(column.textAt(record({ v: 1 }))).toBe("1");
	expect(column.textAt(record({ v: 1.25 }))).toBe("1.25");
	expect(column.textAt(record({ v: 3 }))).toBe("3.00");
	column.textAt(record({ v: "x".repeat(500) }));
	expect(column.chars).toBe(201);
	expect(column.numeric).toBe(true);
});

test("numbers come before texts, the missing last in both directions", () => {
	const sorted = (descending: boolean): unknown[] =>
		["b", 2, undefined, 10, "a10", "a9", null].sort((a, b) => compare(a, b, descending));
	expect(sorted(false)).toEqual([2, 10, "a9", "a10", "b", null, undefined]);
	expect(sorted(true)).toEqual(["b", "a10", "a9", 10, 2, null, undefined]);
});

test("the log can be copied as JSON Lines, gaps and all", async () => {
	const stage = new Stage("log");
	stage.pushTyped("trade", { a: 1 });
	stage.gap(2);
	const write = vi.fn<(text: string) => Promise<void>>().mockResolvedValue();
	vi.stubGlobal("navigator", { ...navigator, clipboard: { writeText: write } });
	stage.find("copy-all").click();
	await vi.advanceTimersByTimeAsync(10);
	expect(write).toHaveBeenCalledWith(
		'{"id":"a-1","time":1700000000,"type":"trade","data":{"a":1}}\n{"id":"a-3","type":"gap","lost":2}\n',
	);
	vi.unstubAllGlobals();
});
