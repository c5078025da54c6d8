// @vitest-environment happy-dom
import { beforeEach, expect, test } from "vitest";
import { formatDuration } from "../src/views/format.ts";
import { frozenClock, Stage } from "./support/stage.ts";

beforeEach(frozenClock);

const TRAITS = { by: "", value: "value", total: "total", status: "status", unit: "", max_rows: 50 };

function stageOf(traits: Record<string, unknown> = {}): Stage {
	const stage = new Stage("progress", { ...TRAITS, ...traits });
	stage.timeMs = stage.feed.now();
	return stage;
}

/** Push, and let as much time pass. */
function after(stage: Stage, ms: number, ...data: Parameters<Stage["push"]>): void {
	stage.rig.env.tick(ms);
	stage.timeMs = stage.feed.now();
	stage.push(...data);
}

function details(stage: Stage): string[] {
	return [...stage.el.querySelectorAll<HTMLElement>(".sse-widget-task")].map((task) => {
		const part = (name: string): string => task.querySelector(`.sse-widget-task-${name}`)?.textContent ?? "";
		return [task.dataset.outcome, part("label"), part("percent"), part("detail")].join(" | ");
	});
}

test("a bar has its share, its rate, and the time left", () => {
	const stage = stageOf({ by: "file", unit: "MB" });
	after(stage, 0, { file: "a", value: 0, total: 100 });
	after(stage, 2_000, { file: "a", value: 20, total: 100 });
	after(stage, 2_000, { file: "a", value: 40, total: 100 });
	stage.draw(0);
	stage.draw(16);
	expect(details(stage)).toEqual(["running | a | 40\u202f% | 40 of 100 MB · 10 MB/s · 6.0 s left"]);
	const track = stage.find("task-track");
	expect(track.getAttribute("role")).toBe("progressbar");
	expect(track.getAttribute("aria-valuenow")).toBe("40");
	expect(track.getAttribute("aria-label")).toBe("a");
	expect(track.getAttribute("aria-valuetext")).toBe("40\u202f%, 40 of 100 MB · 10 MB/s · 6.0 s left");
	expect(stage.find<HTMLElement>("task-fill").style.transform).toBe("scaleX(0.4)");
});

test("the time left runs down though nothing comes", () => {
	const stage = stageOf();
	after(stage, 0, { value: 0, total: 100 });
	after(stage, 1_000, { value: 10 });
	stage.draw(4_000);
	stage.draw(1_000);
	expect(details(stage)[0]).toMatch(/ 4\.\d s left$/);
});

test("each key has a bar of its own, in the order in which they came", () => {
	const stage = stageOf({ by: "f" });
	stage.push({ f: "b", value: 1, total: 2 }, { f: "a", value: 1, total: 4 }, { f: "b", value: 2 });
	stage.draw();
	expect(details(stage).map((line) => line.slice(0, 18))).toEqual([
		"done | b | 100\u202f% |",
		"running | a | 25\u202f%",
	]);
});

test.each([
	["done", "done"],
	["Finished", "done"],
	["failed", "failed"],
	["ERROR", "failed"],
	["cancelled", "failed"],
	["downloading", "running"],
])("a status of %s is %s, told by a sign, too", (status, outcome) => {
	const stage = stageOf();
	after(stage, 0, { value: 3, total: 10 });
	after(stage, 3_000, { status });
	stage.draw();
	expect(stage.find("task").dataset.outcome).toBe(outcome);
	expect(stage.find("task-sign").querySelector("svg") !== null).toBe(outcome !== "running");
	if (outcome === "failed") expect(stage.find("task-detail").textContent).toBe(`${status} after 3.0 s`);
});

test("without a total something moves, and the share is unknown", () => {
	const stage = stageOf();
	stage.push({ value: 5 });
	stage.draw();
	expect(stage.find("task").dataset.open).toBe("true");
	expect(stage.find("task-track").hasAttribute("aria-valuenow")).toBe(false);
	expect(stage.find("task-detail").textContent).toBe("5");
	stage.feed.ended();
	stage.draw();
	expect(stage.find("task").dataset.open).toBe("false");
	expect(stage.find("task-detail").textContent).toBe("5 · stopped");
});

test("the total may be a number for all, and the data itself the value", () => {
	const stage = stageOf({ value: "", total: 4 });
	stage.push(1, 3);
	stage.draw();
	expect(details(stage)).toEqual(["running | prices | 75\u202f% | 3 of 4"]);
});

test("what goes beyond its total or below nothing stays in its track", () => {
	const stage = stageOf({ by: "f" });
	stage.push({ f: 1, value: 30, total: 10 }, { f: 2, value: -5, total: 10 }, { f: 3, value: 1, total: 0 });
	stage.draw();
	expect(
		[...stage.el.querySelectorAll<HTMLElement>(".sse-widget-task-fill")].map((fill) => fill.style.transform),
	).toEqual(["scaleX(1)", "scaleX(0)", "scaleX(1)"]);
});

test("one that begins again is as fast as it is now", () => {
	const stage = stageOf();
	after(stage, 0, { value: 0, total: 100 });
	after(stage, 1_000, { value: 90 });
	after(stage, 1_000, { value: 0 });
	after(stage, 1_000, { value: 5 });
	stage.draw(0);
	stage.draw(16);
	expect(details(stage)[0]).toContain("5 of 100 · 5/s");
});

test("wrong types are missing and counted; an event that only tells the end is not", () => {
	const stage = stageOf();
	stage.push({ value: 1, total: "x" }, { value: "2", total: 10 }, { status: "failed" }, 7, null);
	stage.draw();
	expect(stage.find("note").textContent).toBe("3 of 4 events have no number at “value”");
	expect(stage.find("task").dataset.outcome).toBe("failed");
});

test("there are never more bars than max_rows; the others are said", () => {
	const stage = stageOf({ by: "f", max_rows: 3 });
	for (let at = 0; at < 1_500; at += 1) stage.push({ f: `f${at}`, value: 1, total: 2 });
	stage.draw();
	expect(stage.texts("task-label")).toEqual(["f1497", "f1498", "f1499"]);
	expect(stage.find("note").textContent).toBe("1,497 older ones are not shown");
});

test("while paused the bars stand still", () => {
	const stage = stageOf();
	stage.push({ value: 1, total: 10 });
	stage.draw();
	stage.find("pause").click();
	stage.push({ value: 5 });
	stage.draw();
	expect(stage.find("task-percent").textContent).toBe("10\u202f%");
	stage.find("pause").click();
	stage.draw();
	expect(stage.find("task-percent").textContent).toBe("50\u202f%");
});

test("clear takes all bars away", () => {
	const stage = stageOf({ by: "f" });
	stage.push({ f: "a", value: 1, total: 10 });
	stage.draw();
	stage.find("clear").click();
	stage.draw();
	expect(stage.texts("task")).toEqual([]);
	expect(stage.find("empty").hidden).toBe(false);
});

test("screen readers are told how many are where", () => {
	const stage = stageOf({ by: "f" });
	stage.push({ f: "a", value: 1, total: 10 }, { f: "b", value: 1, total: 1 }, { f: "c", status: "error" });
	stage.draw(11_000);
	expect(stage.find("summary").textContent).toContain("1 running, 1 done, 1 failed");
});

test.each([
	[400, "0.4 s"],
	[9_960, "10 s"],
	[59_400, "59 s"],
	[185_000, "3:05"],
	[7_387_000, "2:03:07"],
])("%d ms are written %s", (ms, text) => {
	expect(formatDuration(ms)).toBe(text);
});
