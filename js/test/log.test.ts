// @vitest-environment happy-dom
import { beforeEach, expect, test, vi } from "vitest";
import { frozenClock, Stage } from "./support/stage.ts";

beforeEach(frozenClock);

/** happy-dom lays nothing out: say where the reader was, and is. */
function scroll(stage: Stage, fromBottom: number): void {
	const rows = stage.find("rows");
	rows.scrollTop = 700;
	rows.dispatchEvent(new Event("scroll"));
	const sizes = { scrollHeight: 1000, clientHeight: 300, scrollTop: 700 - fromBottom };
	for (const [key, value] of Object.entries(sizes)) {
		Object.defineProperty(rows, key, { value, configurable: true, writable: true });
	}
	rows.dispatchEvent(new Event("scroll"));
	stage.draw();
}

test("the empty log says what to do", () => {
	const stage = new Stage("log");
	expect(stage.find("empty").textContent).toBe('Waiting for events.In a cell: channel("prices").push({...})');
	expect(stage.find("empty").hidden).toBe(false);
});

test("a row has a time, a type and one line of JSON", () => {
	const stage = new Stage("log");
	stage.pushTyped("trade", { symbol: "AAPL", n: [1, null, true] });
	stage.draw();
	expect(stage.find("time").textContent).toMatch(/^\d\d:\d\d:\d\d\.\d{3}$/);
	expect(stage.find("tag").textContent).toBe("trade");
	expect(stage.find("json").textContent).toBe('{symbol: "AAPL", n: [1, null, true]}');
	expect(stage.find("empty").hidden).toBe(true);
});

test("data is text, never HTML", () => {
	const stage = new Stage("log");
	const evil = "<img src=x onerror=alert(1)>";
	stage.pushTyped(evil, { [evil]: evil });
	stage.model.emit("msg:custom", { kind: "error", text: evil });
	stage.model.state.title = evil;
	stage.draw();
	stage.find("line").click();
	stage.draw();
	expect(stage.el.querySelector("img")).toBeNull();
	expect(stage.find("tag").textContent).toBe(evil);
	expect(stage.find("details-json").textContent).toContain(evil);
	expect(stage.find("title").textContent).toBe(evil);
});

test("a type keeps its colour, and message has none", () => {
	const stage = new Stage("log");
	stage.pushTyped("trade", 1);
	stage.pushTyped("message", 2);
	stage.pushTyped("trade", 3);
	stage.draw();
	const classes = [...stage.el.querySelectorAll(".sse-widget-tag")].map((tag) => tag.className);
	expect(classes[0]).toMatch(/^sse-widget-tag sse-widget-hue-\d$/);
	expect(classes[1]).toBe("sse-widget-tag sse-widget-tag-message");
	expect(classes[2]).toBe(classes[0]);
});

test("there are never more rows than max_rows, and they are the newest", () => {
	const stage = new Stage("log", { max_rows: 5 });
	for (let n = 0; n < 40; n += 1) {
		stage.push(n, n + 0.5);
		if (n % 7 === 0) stage.draw();
		expect(stage.texts("row").length).toBeLessThanOrEqual(5);
	}
	stage.draw();
	expect(stage.texts("json")).toEqual(["37.5", "38", "38.5", "39", "39.5"]);
	expect(stage.el.dataset.count).toBe("80");
});

test("a huge event makes a short row and bounded details", () => {
	const stage = new Stage("log");
	stage.push(Array.from({ length: 100_000 }, (_, at) => at));
	stage.draw();
	expect(stage.find("json").textContent?.length).toBeLessThan(400);
	expect(stage.find("json").childNodes.length).toBeLessThan(400);
	expect(stage.find("json").textContent).toMatch(/…$/);
	stage.find("line").click();
	expect(stage.find("details-json").textContent?.length).toBeLessThan(210_000);
});

test("drawing is batched: many packs, one change of the page", () => {
	const stage = new Stage("log");
	const draw = vi.spyOn(stage.find("rows"), "scrollTop", "set");
	for (let n = 0; n < 1_000; n += 1) stage.push(n);
	stage.draw();
	expect(draw.mock.calls.length).toBeLessThanOrEqual(2); // the rows, and the figures a moment later
	expect(stage.texts("row")).toHaveLength(500);
});

test.each([
	[900, "900 events lost – they were already gone from the history"],
	[1, "1 event lost – it was already gone from the history"],
	[null, "An unknown number of events was lost – they were already gone from the history"],
])("a gap of %j is a row of its own", (lost, text) => {
	const stage = new Stage("log");
	stage.push(1);
	stage.gap(lost);
	stage.draw();
	expect(stage.find("gap").textContent).toBe(text);
	expect(stage.el.dataset.lost).toBe(String(lost ?? 0));
});

test("lost is shown only when something is", () => {
	const stage = new Stage("log");
	expect(stage.find("figure-lost").hidden).toBe(true);
	stage.gap(900);
	stage.draw();
	expect(stage.find("figure-lost").textContent).toBe("900 lost");
	stage.gap(null);
	stage.draw();
	expect(stage.find("figure-lost").textContent).toBe("over 900 lost");
});

test("a row opens to indented JSON by click and by Enter, and closes again", () => {
	const stage = new Stage("log");
	stage.push({ a: { b: [1] } });
	stage.draw();
	const line = stage.find("line");
	expect(line.getAttribute("role")).toBe("button");
	expect(line.getAttribute("aria-expanded")).toBe("false");
	line.click();
	expect(line.getAttribute("aria-expanded")).toBe("true");
	expect(stage.find("details-json").textContent).toBe(JSON.stringify({ a: { b: [1] } }, null, 2));
	line.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
	expect(line.getAttribute("aria-expanded")).toBe("false");
	expect(stage.texts("details-json")).toEqual([]);
});

test("the arrow keys move from row to row", () => {
	const stage = new Stage("log");
	stage.push(1, 2, 3);
	stage.draw();
	const press = (target: Element, key: string): boolean =>
		target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
	press(stage.find("rows"), "ArrowUp");
	expect(document.activeElement?.textContent).toContain("3");
	press(document.activeElement ?? document.body, "ArrowUp");
	expect(document.activeElement?.textContent).toContain("2");
	press(document.activeElement ?? document.body, "Home");
	press(document.activeElement ?? document.body, "ArrowUp");
	expect(document.activeElement).toBe(stage.find("line"));
});

test("who scrolls up is not disturbed, and jumps to the newest when they like", () => {
	const stage = new Stage("log");
	stage.push(1);
	stage.draw();
	scroll(stage, 400);
	stage.push(2, 3);
	stage.draw();
	expect(stage.texts("json")).toEqual(["1"]);
	expect(stage.find("pill").textContent).toBe("Jump to newest (2 new)");
	stage.find("pill").click();
	stage.draw();
	expect(stage.texts("json")).toEqual(["1", "2", "3"]);
	expect(stage.find("pill").hidden).toBe(true);
});

test("at the bottom it follows again", () => {
	const stage = new Stage("log");
	scroll(stage, 400);
	stage.push(1);
	scroll(stage, 0);
	expect(stage.texts("json")).toEqual(["1"]);
	expect(stage.find("rows").scrollTop).toBe(1000);
});

test("a row that was opened at the bottom stays under the reader's eyes", () => {
	const stage = new Stage("log");
	stage.push(1);
	stage.draw();
	stage.find("line").click();
	scroll(stage, 0); // the browser scrolls the details into view
	stage.push(2);
	stage.draw();
	expect(stage.texts("json")).toEqual(["1"]);
	expect(stage.find("pill").textContent).toBe("Jump to newest (1 new)");
});

test("pause stops the view only, in both directions", () => {
	const stage = new Stage("log");
	stage.push(1);
	stage.draw();
	stage.find("pause").click();
	expect(stage.model.state.paused).toBe(true);
	expect(stage.model.saved).toBe(1);
	stage.push(2, 3);
	stage.draw();
	expect(stage.texts("json")).toEqual(["1"]);
	expect(stage.el.dataset.count).toBe("3");
	expect(stage.find("pill").textContent).toBe("2 new while paused – resume");
	stage.model.set("paused", false);
	stage.draw();
	expect(stage.texts("json")).toEqual(["1", "2", "3"]);
});

test("pause works without a kernel", () => {
	const stage = new Stage("log");
	stage.model.commDead = true;
	stage.find("pause").click();
	stage.draw();
	expect(stage.find("pause").getAttribute("aria-pressed")).toBe("true");
});

test("the filter matches types and content without regard to case, and counts", () => {
	const stage = new Stage("log");
	stage.pushTyped("Trade", { s: "AAPL" });
	stage.pushTyped("quote", { s: "aapl" });
	stage.pushTyped("quote", { s: "MSFT" });
	stage.draw();
	stage.type("aapl");
	expect(stage.texts("json")).toEqual(['{s: "AAPL"}', '{s: "aapl"}']);
	expect(stage.find("matches").textContent).toBe("2 matches");
	stage.type("trade");
	expect(stage.texts("json")).toEqual(['{s: "AAPL"}']);
	stage.pushTyped("trade", 1);
	stage.pushTyped("quote", 2);
	stage.draw();
	expect(stage.texts("json")).toEqual(['{s: "AAPL"}', "1"]);
	stage.type("nothing like it");
	expect(stage.find("empty").textContent).toBe("No event matches the filter.");
	stage.type("");
	expect(stage.texts("json")).toHaveLength(5);
	expect(stage.find("matches").textContent).toBe("");
});

test("a gap is shown whatever the filter, and is no match", () => {
	const stage = new Stage("log");
	stage.push("yes");
	stage.gap(3);
	stage.push("no");
	stage.type("yes");
	expect([...stage.texts("row"), ...stage.texts("gap")]).toHaveLength(2);
	expect(stage.find("matches").textContent).toBe("1 match");
});

test("the filter finds older events than the rows show", () => {
	const stage = new Stage("log", { max_rows: 3 });
	stage.push("needle");
	for (let n = 0; n < 100; n += 1) stage.push(n);
	stage.draw();
	stage.type("needle");
	expect(stage.texts("json")).toEqual(['"needle"']);
});

test("clear empties the view and keeps the count", () => {
	const stage = new Stage("log");
	stage.push(1, 2);
	stage.draw();
	stage.find("clear").click();
	stage.draw();
	expect(stage.texts("json")).toEqual([]);
	expect(stage.find("empty").textContent).toBe("Cleared. New events appear here.");
	expect(stage.el.dataset.count).toBe("2");
	stage.push(3);
	stage.draw();
	expect(stage.texts("json")).toEqual(["3"]);
	stage.type("1");
	expect(stage.texts("json")).toEqual([]);
});

test("a short reconnect troubles nobody; a longer one is explained", () => {
	const stage = new Stage("log");
	const { rig, feed } = stage;
	feed.link({ state: "open", text: "" });
	feed.link({ state: "reconnecting", text: "why" });
	stage.draw();
	expect(stage.find("state-word").textContent).toBe("Reconnecting");
	expect(stage.find("notice").hidden).toBe(true);
	rig.env.tick(1_000);
	vi.advanceTimersByTime(1_500);
	expect(stage.find("notice").textContent).toBe("why");
	expect(stage.find("notice").hidden).toBe(false);
});

test("what failed is said at once", () => {
	const stage = new Stage("log");
	stage.feed.link({ state: "failed", text: "The kernel has restarted or stopped." });
	stage.draw();
	expect(stage.find("notice").textContent).toBe("The kernel has restarted or stopped.");
	expect(stage.find("notice").dataset.kind).toBe("failed");
	expect(stage.el.dataset.state).toBe("failed");
	expect(stage.find("state-word").textContent).toBe("Not connected");
});

test("an ended channel says so", () => {
	const stage = new Stage("log");
	stage.feed.ended();
	stage.draw();
	expect(stage.find("notice").textContent).toBe("The channel is closed.");
	expect(stage.el.dataset.state).toBe("ended");
});

test("where what fed the channel has failed, the end says how", () => {
	const stage = new Stage("log");
	stage.feed.ended(false, { class: "ValueError", text: "the handler raised it" });
	stage.draw();
	expect(stage.find("notice").textContent).toBe("It has failed. ValueError: the handler raised it.");
	expect(stage.el.dataset.state).toBe("ended");
});

test("trouble of a channel's source is told in its own words", () => {
	const stage = new Stage("log");
	stage.model.emit("msg:custom", { kind: "error", text: "the handler raised ValueError: boom" });
	stage.draw();
	expect(stage.find("problem-summary").textContent).toBe("The handler raised ValueError: boom");
	expect(stage.find("problem").dataset.brief).toBe("true");
	stage.model.emit("msg:custom", {
		kind: "error",
		text: "Traceback (most recent call last):\nKeyError: 1\n",
	});
	stage.draw();
	expect(stage.find("problem-summary").textContent).toBe("A callback raised KeyError: 1 (2 errors)");
	expect(stage.find("problem").dataset.brief).toBe("false");
});

test("a callback's traceback is shown, and can be dismissed until the next", () => {
	const stage = new Stage("log");
	const text = "Traceback (most recent call last):\n  …\nKeyError: 'price'\n";
	stage.model.emit("msg:custom", { kind: "error", text });
	stage.draw();
	expect(stage.find("problem").hidden).toBe(false);
	expect(stage.find("problem-summary").textContent).toBe("A callback raised KeyError: 'price'");
	expect(stage.find("traceback").textContent).toBe(text);
	stage.find("dismiss").click();
	expect(stage.find("problem").hidden).toBe(true);
	stage.model.emit("msg:custom", { kind: "error", text: "ValueError: x" });
	stage.draw();
	expect(stage.find("problem").hidden).toBe(false);
	expect(stage.find("traceback").textContent).toBe("ValueError: x");
});

test("screen readers are told the state, not every event", () => {
	const stage = new Stage("log");
	expect(stage.find("rows").getAttribute("role")).toBe("log");
	expect(stage.find("rows").getAttribute("aria-live")).toBe("off");
	const before = stage.find("summary").textContent;
	for (let n = 0; n < 30; n += 1) {
		stage.push(n);
		stage.draw();
	}
	expect(stage.find("summary").textContent).toBe(before); // nine seconds, thirty events
	expect(before).toBe("prices: Connecting, 0 events, 0 per second");
});

test("a view that is taken away draws no more and lets the feed rest", () => {
	const stage = new Stage("log");
	stage.controller.abort();
	stage.push(1);
	stage.draw();
	expect(stage.texts("json")).toEqual([]);
	expect(stage.feed.state).toBe("idle");
	expect(vi.getTimerCount()).toBe(0);
});

test("two views of one feed scroll and filter on their own", () => {
	const stage = new Stage("log");
	const other = stage.show();
	stage.push("xa", "xb");
	stage.draw();
	stage.type("xa");
	expect(stage.texts("json")).toEqual(['"xa"']);
	expect(other.querySelectorAll(".sse-widget-json")).toHaveLength(2);
});
