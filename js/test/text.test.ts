// @vitest-environment happy-dom
import * as fc from "fast-check";
import { beforeEach, expect, test, vi } from "vitest";
import { frozenClock, Stage } from "./support/stage.ts";

beforeEach(frozenClock);

const TRAITS = { field: "", separator: "", height: "200px" };

function stageOf(traits: Record<string, unknown> = {}, before?: (stage: Stage) => void): Stage {
	return new Stage("text", { ...TRAITS, ...traits }, before);
}

const shown = (stage: Stage): string => stage.texts("text-line").join("\n");

test("tokens flow into one text, whatever lines they have", () => {
	fc.assert(
		fc.property(
			fc.array(fc.stringMatching(/^[a-z \n]{0,6}$/), { maxLength: 30 }),
			fc.nat(5),
			(tokens, every) => {
				const stage = stageOf();
				for (const [at, token] of tokens.entries()) {
					stage.push(token);
					if (at % (every + 1) === 0) stage.draw();
				}
				stage.draw();
				expect(shown(stage)).toBe(tokens.join(""));
				stage.controller.abort();
			},
		),
		{ numRuns: 40 },
	);
});

test("all three line ends are one, and markup is text", () => {
	const stage = stageOf();
	stage.push("<b>a</b>\r\nb\rc\nd");
	stage.draw();
	expect(stage.texts("text-line")).toEqual(["<b>a</b>", "b", "c", "d"]);
	expect(stage.find("text-page").querySelector("b")).toBeNull();
});

test("a token is taken from its field; what has none is counted", () => {
	const stage = stageOf({ field: "choices.0.delta" });
	stage.push({ choices: [{ delta: "Hello" }] }, { choices: [] }, { choices: [{ delta: null }] });
	stage.push({ choices: [{ delta: 5 }] });
	stage.draw();
	expect(shown(stage)).toBe("Hello5");
	expect(stage.find("note").textContent).toBe("2 of 4 events have no text at “choices.0.delta”");
});

test("a separator stands between tokens", () => {
	const stage = stageOf({ separator: "\n" });
	stage.push("a", "b");
	stage.draw();
	expect(stage.texts("text-line")).toEqual(["a", "b"]);
	stage.set("separator", " ");
	expect(shown(stage)).toBe("a b");
});

test("what was lost is said where it was", () => {
	const stage = stageOf();
	stage.push("before");
	stage.gap(3);
	stage.push("after");
	stage.draw();
	expect(stage.texts("text-line")).toEqual(["before", "after"]);
	expect(stage.find("text-gap").textContent).toBe("3 events lost – they were already gone from the history");
	expect(stage.find("text-page").textContent).toMatch(/^before3 events lost.*historyafter$/);
});

test("only what is new is written: the line that grows stays the same node", () => {
	const stage = stageOf();
	stage.push("one ");
	stage.draw();
	const node = stage.find("text-line").firstChild;
	stage.push("two");
	stage.draw();
	expect(stage.find("text-line").firstChild).toBe(node);
	expect(node?.textContent).toBe("one two");
});

test("the text is bounded, and says what it no longer shows", () => {
	const stage = stageOf();
	for (let at = 0; at < 60; at += 1)
		stage.push(Array.from({ length: 100 }, (_, n) => `${at * 100 + n}\n`).join(""));
	stage.draw();
	const lines = stage.texts("text-line");
	expect(lines.length).toBeLessThanOrEqual(5_500);
	expect(lines.at(-2)).toBe("5999");
	expect(stage.find("note").textContent).toMatch(/^The first [\d,]+ characters are not shown any more$/);
	expect(lines.some((line) => line === "0")).toBe(false);
});

test("one endless line is bounded, too", () => {
	const stage = stageOf();
	for (let at = 0; at < 12; at += 1) stage.push("x".repeat(99_999).concat("y"));
	stage.draw();
	expect(shown(stage).length).toBeLessThanOrEqual(550_000);
	expect(shown(stage).endsWith("xy")).toBe(true);
});

test("while paused the text stands still; resuming shows the rest", () => {
	const stage = stageOf();
	stage.push("a");
	stage.draw();
	stage.find("pause").click();
	stage.push("b", "c");
	stage.draw();
	expect(shown(stage)).toBe("a");
	expect(stage.find("pill").textContent).toBe("2 new while paused – resume");
	stage.find("pill").click();
	stage.draw();
	expect(shown(stage)).toBe("abc");
	expect(stage.find("pill").hidden).toBe(true);
});

test("clear empties it, and new tokens begin anew", () => {
	const stage = stageOf();
	stage.push("a");
	stage.draw();
	stage.find("clear").click();
	stage.draw();
	expect(stage.find("empty").textContent).toBe("Cleared. New events appear here.");
	stage.push("b");
	stage.draw();
	expect(shown(stage)).toBe("b");
});

test("all of it can be copied, also what is out of sight; a browser that refuses is no error", async () => {
	const stage = stageOf();
	stage.push("a\n", "b");
	stage.gap(2);
	stage.push("c");
	stage.draw();
	const write = vi.fn<(text: string) => Promise<void>>().mockResolvedValue();
	vi.stubGlobal("navigator", { ...navigator, clipboard: { writeText: write } });
	stage.find("copy-all").click();
	await vi.advanceTimersByTimeAsync(10);
	expect(write).toHaveBeenCalledWith("a\nb\n[2 events lost – they were already gone from the history]\nc");
	expect(stage.find("copy-all").textContent).toBe("Copied");
	await vi.advanceTimersByTimeAsync(2_000);
	expect(stage.find("copy-all").querySelector("svg")).not.toBeNull();
	write.mockRejectedValue(new Error("no"));
	stage.find("copy-all").click();
	await vi.advanceTimersByTimeAsync(10);
	expect(stage.find("copy-all").textContent).toBe("Not allowed here");
	vi.unstubAllGlobals();
});

test("a view that comes later has the text from its beginning, though the ring has forgotten it", () => {
	const stage = stageOf();
	for (let at = 0; at < 12_000; at += 1) stage.push(at === 0 ? "first " : "x");
	const other = stage.show();
	expect(other.querySelector(".sse-widget-text-line")?.textContent?.startsWith("first xx")).toBe(true);
});

test("screen readers are not read every token", () => {
	const stage = stageOf();
	stage.push("a");
	stage.draw(11_000);
	expect(stage.find("text-page").closest("[aria-live]")).toBeNull();
	expect(stage.find("text-page").tabIndex).toBe(0);
	expect(stage.find("summary").textContent).toContain("1 character");
});
