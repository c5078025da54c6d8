import { expect, test } from "vitest";
import { asPack } from "../src/protocol.ts";
import { settle } from "./support/env.ts";
import { Rig } from "./support/rig.ts";

test("says hello at once, and what it is doing", async () => {
	const rig = new Rig();
	const widget = rig.shown("f");
	await rig.server.deliver();
	expect(widget.model.sent[0]).toEqual({ kind: "hello", page: rig.page.id });
	expect(widget.model.states).toEqual(["connecting", "open"]);
	expect(widget.model.statuses.map((message) => message.n)).toEqual([1, 2]);
	expect(widget.model.statuses[1]).toEqual({
		kind: "status",
		page: rig.page.id,
		n: 2,
		state: "open",
		transport: "direct",
		transport_log: [],
		text: "",
	});
});

test("is idle until a view is shown or Python listens", async () => {
	const rig = new Rig();
	const widget = rig.widget("f");
	await rig.env.advance(60_000);
	expect(widget.feed.state).toBe("idle");
	expect(rig.env.requests).toEqual([]);
	widget.model.set("_listening", true);
	await rig.server.deliver();
	expect(widget.feed.state).toBe("open");
	widget.model.set("_listening", false);
	await settle();
	expect(widget.feed.state).toBe("idle");
	await rig.env.advance(2_000);
	expect(rig.env.live).toHaveLength(0);
});

test("without a welcome it waits, and says for what", async () => {
	const rig = new Rig();
	const { feed, model } = rig.start(null);
	feed.show(() => undefined);
	expect(feed.state).toBe("connecting");
	expect(feed.text).toContain("Waiting for the kernel");
	model.emit("msg:custom", rig.server.welcome("f"));
	await rig.server.deliver();
	expect(feed.state).toBe("open");
	expect(feed.text).toBe("");
});

test("starts with the counts that Python has", async () => {
	const rig = new Rig();
	rig.server.log("prices").push(12);
	const widget = rig.shown("f", "prices", { start: "a-10", count: 9, lost: 1 });
	await rig.server.deliver();
	expect(widget.feed.tally.count).toBe(11);
	expect(widget.feed.tally.lost).toBe(1);
	expect(widget.taken).toEqual(["a-11", "a-12"]);
});

test("a second welcome does not set it back", async () => {
	const rig = new Rig();
	rig.server.log("prices").push(2);
	const widget = rig.shown("f");
	await rig.server.deliver();
	widget.model.emit("msg:custom", rig.server.welcome("f"));
	await rig.server.deliver();
	expect(widget.taken).toEqual(["a-1", "a-2"]);
	expect(widget.feed.tally.count).toBe(2);
	expect(rig.env.sources).toHaveLength(1);
});

test.each([
	["https://hub.example.org", "https:", "hub.example.org"],
	["http://127.0.0.1.evil.example", "http:", "127.0.0.1.evil.example"],
	["http://notlocalhost", "http:", "notlocalhost"],
])("from %s direct is impossible, and nothing is tried", async (origin, protocol, hostname) => {
	const rig = new Rig();
	rig.env.place = { origin, protocol, hostname };
	const widget = rig.shown("f");
	await rig.env.advance(60_000);
	expect(widget.feed.state).toBe("failed");
	expect(widget.feed.text).toContain(
		`This page comes from ${hostname}, so it cannot reach the kernel's server at http://127.0.0.1:5000`,
	);
	expect(widget.model.statuses.at(-1)?.transport_log).toEqual([
		`direct: ${widget.feed.text}`,
		"jupyter: This page does not come from the Jupyter server that runs the kernel.",
	]);
	expect(rig.env.requests).toEqual([]);
});

test.each(["localhost", "127.0.0.1", "[::1]", "lab.localhost", "LOCALHOST"])(
	"from %s direct is possible",
	async (hostname) => {
		const rig = new Rig();
		rig.env.place = { origin: `http://${hostname}`, protocol: "http:", hostname };
		const widget = rig.shown("f");
		await rig.server.deliver();
		expect(widget.feed.state).toBe("open");
	},
);

test("from VS Code's webview direct is possible", async () => {
	const rig = new Rig();
	rig.env.place = { origin: "vscode-webview://abc", protocol: "vscode-webview:", hostname: "abc" };
	const widget = rig.shown("f");
	await rig.server.deliver();
	expect(widget.feed.state).toBe("open");
});

test("an address that the user named is tried from anywhere, unless the browser forbids it", async () => {
	const rig = new Rig();
	rig.env.place = { origin: "https://hub.example.org", protocol: "https:", hostname: "hub.example.org" };
	const widget = rig.shown("f", "prices", { url: "https://events.example.org" });
	const mixed = rig.shown("g", "prices", { url: "http://events.example.org" });
	await rig.server.deliver();
	expect(widget.feed.state).toBe("open");
	await rig.env.advance(6_000);
	expect(mixed.feed.state).toBe("failed");
	expect(mixed.feed.text).toContain("loaded over https");
});

test("a kernel restart is told within three seconds of the server's end, and nothing is tried again", async () => {
	const rig = new Rig();
	const widgets = [rig.shown("f"), rig.shown("g"), rig.widget("hidden")];
	await rig.server.deliver();
	// JupyterLab says it first; the kernel takes its time.
	for (const widget of widgets) {
		widget.model.commDead = true;
		widget.model.emit("comm_live_update");
	}
	await rig.env.advance(4_000);
	expect(widgets[0]?.feed.state).toBe("open");
	rig.server.down = true;
	await rig.server.cut();
	await rig.env.advance(3_000);
	for (const { feed } of widgets) {
		expect(feed.state).toBe("failed");
		expect(feed.text).toBe("The kernel has restarted or stopped. Run this cell again to go on.");
	}
	const { length } = rig.env.requests;
	await rig.env.advance(120_000);
	expect(rig.env.requests).toHaveLength(length);
	expect(rig.page.connections.size).toBe(0);
});

test("a kernel that closes its channels on its way out has stopped, not ended", async () => {
	const rig = new Rig();
	const widget = rig.shown("f");
	await rig.server.deliver();
	widget.model.emit("comm_live_update");
	await rig.env.advance(500);
	rig.server.log("prices").closed = true;
	await rig.server.deliver();
	expect(widget.feed.state).toBe("ended");
	rig.server.down = true;
	await rig.env.advance(3_000);
	expect(widget.feed.state).toBe("failed");
	expect(widget.feed.text).toContain("Run this cell again");
});

test("a channel that had ended before the kernel stopped stays ended", async () => {
	const rig = new Rig();
	const widget = rig.shown("f");
	await settle();
	rig.server.log("prices").closed = true;
	await rig.server.deliver();
	rig.server.down = true;
	widget.model.emit("comm_live_update");
	await rig.env.advance(20_000);
	expect(widget.feed.state).toBe("ended");
});

test("a lost comm of a kernel that lives changes nothing, and hello follows", async () => {
	const rig = new Rig();
	const widget = rig.shown("f");
	await rig.server.deliver();
	widget.model.emit("comm_live_update");
	for (let second = 0; second < 15; second += 1) await rig.env.advance(1_000);
	expect(widget.feed.state).toBe("open");
	expect(widget.model.sent.filter((message) => message.kind === "hello")).toHaveLength(2);
	expect(rig.env.sources).toHaveLength(1);
});

test("an error message is kept for the views, the newest twenty", () => {
	const rig = new Rig();
	const widget = rig.widget("f");
	for (let at = 0; at < 30; at += 1) widget.model.emit("msg:custom", { kind: "error", text: `E${at}` });
	expect(widget.feed.problems).toHaveLength(20);
	expect(widget.feed.problems.at(-1)).toBe("E29");
	expect(widget.feed.problemCount).toBe(30);
});

test("messages that are not ours are ignored", () => {
	const rig = new Rig();
	const widget = rig.widget("f");
	for (const message of [
		null,
		1,
		"x",
		[],
		{},
		{ kind: "welcome" },
		{ kind: "error", text: 1 },
		{ id: 1, kind: "anywidget-command" },
	]) {
		widget.model.emit("msg:custom", message);
	}
	expect(widget.feed.problems).toEqual([]);
});

test("stopping takes every listener back and leaves the page", async () => {
	const rig = new Rig();
	const widget = rig.shown("f");
	await rig.server.deliver();
	expect(rig.page.feeds.has("f")).toBe(true);
	widget.feed.stop();
	await rig.env.advance(2_000);
	expect(widget.model.listeners()).toBe(0);
	expect(rig.page.feeds.size).toBe(0);
	expect(rig.env.live).toHaveLength(0);
});

test("stats are plain data without secrets", async () => {
	const rig = new Rig();
	rig.server.log("prices").push(3);
	rig.shown("f");
	await rig.server.deliver();
	const text = JSON.stringify(rig.page.stats());
	expect(JSON.parse(text)).toMatchObject({
		connections: [{ url: "http://127.0.0.1:5000", streams: 1, packs: 1, events: 3, subscribers: ["f"] }],
		feeds: [
			{ feed: "f", channel: "prices", count: 3, lost: 0, cursor: "a-3", state: "open", transport: "direct" },
		],
	});
	expect(text).not.toContain("bearer");
	expect(text).not.toContain('key"');
});

test("the ring keeps the last ten thousand records", async () => {
	const rig = new Rig();
	rig.server.packSize = 1_000;
	rig.server.log("prices").push(12_000);
	const widget = rig.shown("f");
	await rig.server.deliver();
	const { ring, count } = widget.feed.tally;
	expect(count).toBe(12_000);
	expect(ring.end - ring.start).toBe(10_000);
	expect(ring.at(ring.start - 1)).toBeUndefined();
	expect(ring.at(ring.end)).toBeUndefined();
	expect(ring.at(ring.end - 1)).toMatchObject({ id: "a-12000" });
});

test.each([
	[900, "gap 900", 900, false],
	[null, "gap ?", 0, true],
])("a record of the type gap with %j is a loss, and no event", async (lost, text, known, unknown) => {
	const rig = new Rig();
	const log = rig.server.log("prices");
	log.push(1);
	log.events.push([1, "gap", { lost }]);
	log.push(1);
	const widget = rig.shown("f");
	await rig.server.deliver();
	expect(widget.taken).toEqual(["a-1", text, "a-3"]);
	const { tally } = widget.feed;
	expect([tally.count, tally.lost, tally.lostUnknown]).toEqual([2, known, unknown]);
	expect(tally.ring.at(1)).toEqual({ kind: "gap", id: "a-2", lost });
});

test("a pack that says so hides losses of unknown size", async () => {
	expect(asPack({ channel: "c", epoch: "a", first: 3, events: [], gap: true, unsure: true })).toEqual({
		channel: "c",
		epoch: "a",
		first: 3,
		events: [],
		gap: true,
		unsure: true,
	});
});

test("what has failed before the page came is shown once", async () => {
	const rig = new Rig();
	const widget = rig.shown("f", "prices", { trouble: "the relay has failed" });
	widget.model.emit("msg:custom", rig.server.welcome("f", "prices", { trouble: "the relay has failed" }));
	await settle();
	expect(widget.feed.problems).toEqual(["the relay has failed"]);
	widget.model.emit("msg:custom", { kind: "error", text: "another" });
	expect(widget.feed.problemCount).toBe(2);
});
