// @vitest-environment happy-dom
import { beforeEach, expect, test } from "vitest";
import { givesCanvas } from "./support/canvas.ts";
import { frozenClock, Stage } from "./support/stage.ts";

beforeEach(() => {
	givesCanvas();
	return frozenClock();
});

const TRAITS = { x: "x", y: ["y"], by: "", points: 10_000, seconds: null, height: "200px" };

function stageOf(traits: Record<string, unknown> = {}): Stage {
	return new Stage("chart", { ...TRAITS, ...traits });
}

const legend = (stage: Stage): string[] => stage.texts("legend-item");

test("the legend names each line and its newest value", () => {
	const stage = stageOf({ by: "s" });
	stage.push({ x: 1, s: "A", y: 1.5 }, { x: 2, s: "B", y: 20 }, { x: 3, s: "A", y: 2.25 });
	stage.draw();
	expect(legend(stage)).toEqual(["A2.25", "B20"]);
	expect(stage.el.querySelectorAll("canvas")).toHaveLength(1);
	expect(stage.el.dataset.points).toBe("3");
});

test("names are text, never HTML", () => {
	const stage = stageOf({ by: "s" });
	stage.push({ x: 1, s: "<img src=x>", y: 1 });
	stage.draw();
	expect(stage.el.querySelector("img")).toBeNull();
	expect(legend(stage)).toEqual(["<img src=x>1"]);
});

test("without numbers there is no empty frame of axes, and what is wrong is said", () => {
	const stage = stageOf({ y: ["pric"] });
	expect(stage.find("empty").textContent).toContain("Waiting for events.");
	for (let at = 0; at < 100; at += 1) stage.push({ x: at, price: 1 });
	stage.draw();
	expect(stage.find("empty").textContent).toBe("No numbers to show yet.");
	expect(stage.find("note").textContent).toBe("None of 100 events has “pric”; they have x, price");
	stage.set("y", ["price"]);
	expect(stage.find("empty").hidden).toBe(true);
	expect(legend(stage)).toEqual(["price1"]);
});

test("a line is hidden and shown by its name", () => {
	const stage = stageOf({ y: ["a", "b"] });
	stage.push({ x: 1, a: 1, b: 2 }, { x: 2, a: 1, b: 2 });
	stage.draw();
	const button = stage.find("legend-item");
	expect(button.getAttribute("aria-pressed")).toBe("true");
	button.click();
	stage.draw();
	expect(button.getAttribute("aria-pressed")).toBe("false");
	button.click();
	stage.draw();
	expect(button.getAttribute("aria-pressed")).toBe("true");
});

test("while paused the lines stand still, and can be zoomed; then all that came is there", () => {
	const stage = stageOf();
	for (let at = 0; at < 10; at += 1) stage.push({ x: at, y: at });
	stage.draw();
	stage.find("pause").click();
	stage.push({ x: 10, y: 10 });
	stage.press(stage.find("chart-canvas"), "+");
	expect([stage.el.dataset.points, stage.el.dataset.zoomed]).toEqual(["10", "true"]);
	stage.find("pause").click();
	stage.draw();
	expect([stage.el.dataset.points, stage.el.dataset.zoomed]).toEqual(["11", "true"]);
});

test("the keyboard zooms, moves, and shows all", () => {
	const stage = stageOf();
	for (let at = 0; at <= 100; at += 1) stage.push({ x: at, y: at });
	stage.draw();
	const canvas = stage.find("chart-canvas");
	expect(stage.find("reset").hidden).toBe(true);
	stage.press(canvas, "-");
	expect(stage.el.dataset.zoomed).toBe("false"); // there is no more than all
	stage.press(canvas, "+");
	expect(stage.el.dataset.zoomed).toBe("true");
	expect(stage.find("reset").hidden).toBe(false);
	stage.press(canvas, "0");
	expect(stage.el.dataset.zoomed).toBe("false");
	stage.press(canvas, "+");
	stage.find("reset").click();
	stage.draw();
	expect(stage.el.dataset.zoomed).toBe("false");
});

test("the chart says what it shows to who cannot see it", () => {
	const stage = stageOf({ y: ["loss"] });
	stage.push({ x: 1, loss: 0.5 });
	stage.draw(11_000);
	const canvas = stage.find("chart-canvas");
	expect(canvas.getAttribute("aria-label")).toBe("prices, 1 point, loss 0.5");
	expect(canvas.tabIndex).toBe(0);
	expect(stage.find("summary").textContent).toContain("loss 0.5");
});

test("clear takes all points away", () => {
	const stage = stageOf();
	stage.push({ x: 1, y: 1 });
	stage.draw();
	stage.find("clear").click();
	stage.draw();
	expect(stage.find("empty").textContent).toBe("Cleared. New events appear here.");
	stage.push({ x: 0, y: 5 });
	stage.draw();
	expect(legend(stage)).toEqual(["y5"]);
});

test("a view that comes later is complete, though the ring has forgotten the beginning", () => {
	const stage = stageOf({ points: 50_000 });
	for (let at = 0; at < 12_000; at += 1) stage.push({ x: at, y: 1 });
	expect(stage.show().dataset.points).toBe("12000");
});

test("what there is no room for is said", () => {
	const stage = stageOf({ by: "s" });
	for (let at = 0; at < 30; at += 1) stage.push({ x: at, s: `s${at}`, y: 1 });
	stage.draw();
	expect(stage.find("note").textContent).toBe("6 lines are not shown: there is room for 24");
});
