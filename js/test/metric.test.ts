// @vitest-environment happy-dom
import { beforeEach, expect, test } from "vitest";
import { frozenClock, Stage } from "./support/stage.ts";

beforeEach(frozenClock);

const TRAITS = {
	field: "",
	function: "last",
	unit: "",
	digits: null,
	span_s: 60,
	delta: true,
	sparkline: true,
	thresholds: [],
};

function stageOf(traits: Record<string, unknown> = {}, before?: (stage: Stage) => void): Stage {
	const stage = new Stage("metric", { ...TRAITS, ...traits }, before);
	stage.timeMs = stage.feed.now();
	return stage;
}

const value = (stage: Stage): string => stage.find("metric-value").textContent ?? "";

test("it shows the last number, its unit, and the change", () => {
	const stage = stageOf({ field: "quote.price", unit: "USD" });
	expect(value(stage)).toBe("–");
	stage.push({ quote: { price: 200 } });
	stage.timeMs += 1_000;
	stage.push({ quote: { price: 210.5 } });
	stage.draw();
	expect(value(stage)).toBe("210.50");
	expect(stage.find("metric-unit").textContent).toBe("USD");
	expect(stage.find("metric-delta").textContent).toBe("+10.50 (+5.3\u202f%)");
	expect(stage.find("spark-line").getAttribute("d")).toMatch(/^M[\d.]+ [\d.]+L/);
});

test("the change is that since the first number of the span, however fast they come", () => {
	const stage = stageOf();
	stage.push(5, 6, 9);
	stage.draw();
	expect(stage.find("metric-delta").textContent).toBe("+4 (+80.0\u202f%)");
});

test("a fall has a minus and an arrow of its own", () => {
	const stage = stageOf();
	stage.push(5);
	stage.timeMs += 1_000;
	stage.push(4);
	stage.draw();
	expect(stage.find("metric-delta").textContent).toBe("−1 (−20.0\u202f%)");
	expect(stage.find("metric-delta").innerHTML).toContain("M8 3.5v9");
});

test.each([
	["last", "8"],
	["mean", "6"],
	["min", "4"],
	["max", "8"],
	["sum", "18"],
	["count", "3"],
])("the %s of 4, 6 and 8 is %s", (name, shown) => {
	const stage = stageOf({ function: name, field: "n" });
	stage.push({ n: 4 }, { n: 6 }, { n: 8 });
	stage.draw();
	expect(value(stage)).toBe(shown);
});

test("min, max and mean look back over the span only; sum and count over everything", () => {
	const stages = ["min", "sum", "count", "last"].map((name) => stageOf({ function: name, span_s: 10 }));
	for (const stage of stages) {
		stage.push(1);
		stage.draw(30_000);
		stage.timeMs = stage.feed.now();
		stage.push(5);
		stage.draw();
	}
	expect(stages.map(value)).toEqual(["5", "6", "2", "5"]);
});

test("the rate counts events a second, of whatever they are", () => {
	const stage = stageOf({ function: "rate", span_s: 10 });
	for (let at = 0; at < 100; at += 1) {
		stage.timeMs = stage.feed.now();
		stage.push({ any: "thing" });
		stage.rig.env.tick(100);
	}
	stage.draw(0);
	stage.draw(250);
	expect(Number(value(stage))).toBeGreaterThan(9);
	expect(Number(value(stage))).toBeLessThan(11);
	expect(stage.find("metric-delta").hidden).toBe(true);
	stage.draw(30_000);
	expect(value(stage)).toBe("0.0");
});

test("a threshold is told by colour, by sign and by word", () => {
	const stage = stageOf({
		thresholds: [
			[0, "good"],
			[80, "warning"],
			[95, "bad"],
		],
	});
	const levels: (string | undefined)[] = [];
	for (const number of [-1, 0, 79.9, 80, 95]) {
		stage.push(number);
		stage.draw();
		const sign = stage.find("metric-level");
		levels.push(`${stage.el.dataset.level} ${sign.hidden ? "" : sign.textContent}`);
	}
	expect(levels).toEqual([" ", "good good", "good good", "warning warning", "bad bad"]);
	expect(stage.find("metric-level").querySelector("svg")).not.toBeNull();
});

test("what is no number is missing: the last number stays, and the missing are counted", () => {
	const stage = stageOf({ field: "p" });
	stage.push({ p: 3 }, { p: "4" }, {}, null);
	stage.draw();
	expect(value(stage)).toBe("3");
	expect(stage.find("note").textContent).toBe("3 of 4 events have no number at “p”");
	expect(stage.find("note").hidden).toBe(false);
});

test("a field that never comes is said, with those that do", () => {
	const stage = stageOf({ field: "pric" });
	for (let at = 0; at < 100; at += 1) stage.push({ price: at });
	stage.draw();
	expect(stage.find("note").textContent).toBe("None of 100 events has “pric”; they have price");
	stage.set("field", "price");
	expect(value(stage)).toBe("99");
	expect(stage.find("note").hidden).toBe(true);
});

test("it counts what the ring no longer holds, and a view that comes later is complete", () => {
	const stage = stageOf({ function: "sum" });
	for (let at = 0; at < 250; at += 1) stage.push(...new Array<number>(100).fill(1));
	stage.draw();
	expect(value(stage)).toBe("25,000");
	const other = stage.show();
	expect(other.querySelector(".sse-widget-metric-value")?.textContent).toBe("25,000");
});

test("what came before there was a view is there", () => {
	const stage = stageOf({ function: "count" }, (before) => before.push(1, 2, 3));
	expect(value(stage)).toBe("3");
});

test("while paused it stands still; then it shows what came", () => {
	const stage = stageOf();
	stage.push(1);
	stage.draw();
	stage.find("pause").click();
	stage.push(2);
	stage.draw();
	expect(value(stage)).toBe("1");
	expect(stage.el.dataset.paused).toBe("true");
	stage.find("pause").click();
	stage.draw();
	expect(value(stage)).toBe("2");
});

test("digits, and whether change and line are shown, are the user's to say", () => {
	const stage = stageOf({ digits: 3, delta: false, sparkline: false });
	stage.push(1, 2.5);
	stage.draw();
	expect(value(stage)).toBe("2.500");
	expect(stage.find("metric-delta").hidden).toBe(true);
	expect(stage.find("spark").getAttribute("data-shown")).toBe("false");
	stage.set("digits", 0);
	expect(value(stage)).toBe("3");
});

test.each([
	[0.000123, "0.000123"],
	[0.5, "0.500"],
	[12.345, "12.35"],
	[123_456.78, "123,456.8"],
	[1_000_000, "1,000,000"],
	[-3, "-3"],
])("%d is written %s", (number, text) => {
	const stage = stageOf();
	stage.push(number);
	stage.draw();
	expect(value(stage)).toBe(text);
});

test("screen readers are told the number, seldom, and not its every change", () => {
	const stage = stageOf({ unit: "ms", thresholds: [[1, "bad"]] });
	stage.push(7);
	stage.draw(11_000);
	expect(stage.find("summary").textContent).toContain("7 ms (bad)");
	expect(stage.find("metric-value").closest("[aria-live]")).toBeNull();
	expect(stage.el.getAttribute("role")).toBe("group");
	expect(stage.el.getAttribute("aria-label")).toBe("prices");
});

test("a view that is taken away draws no more, and the numbers go on", () => {
	const stage = stageOf();
	const life = new AbortController();
	const other = stage.show(life.signal);
	life.abort();
	stage.push(3);
	stage.draw();
	expect(other.querySelector(".sse-widget-metric-value")?.textContent).toBe("–");
	expect(value(stage)).toBe("3");
});

test("state, transport, rate, latency and losses are on one line", () => {
	const stage = new Stage("state");
	stage.timeMs = stage.feed.now() - 12;
	stage.push(1, 2);
	stage.gap(900);
	stage.feed.link({ state: "open", text: "", rung: "direct" });
	stage.draw();
	expect(stage.find("state-word").textContent).toBe("Live");
	expect(stage.find("transport").textContent).toBe("direct");
	expect(stage.find("figure-rate").textContent).toBe("1.0/s");
	expect(stage.find("figure-lost").textContent).toBe("900 lost");
	expect(stage.find("figure-latency").textContent).toBe("12 ms");
	expect(stage.el.dataset.state).toBe("open");
});
