import { expect, test } from "vitest";
import type { Answer } from "../src/connection/way.ts";
import { Uplink, type UplinkHost } from "../src/sync/uplink.ts";
import { FakeEnv, settle } from "./support/env.ts";
import { Rig } from "./support/rig.ts";

const MIB = 1024 * 1024;

/** An uplink whose posts are answered by hand. */
class Bench {
	readonly env = new FakeEnv();
	readonly bodies: string[] = [];
	readonly holds: boolean[] = [];
	refused = 0;
	tooLarge = 0;
	#answers: ((answer: Answer) => void)[] = [];
	readonly uplink: Uplink;

	constructor() {
		const host: UplinkHost = {
			page: "page",
			maxBodyBytes: 8 * MIB,
			post: (body) => {
				this.bodies.push(body);
				return new Promise((resolve) => this.#answers.push(resolve));
			},
			reported: () => ["f"],
			report: (_, waiting) => ({
				n: 1,
				state: waiting ? "open" : "ended",
				transport: "direct",
				latency_ms: 3,
			}),
			answered: () => undefined,
			hold: (on) => this.holds.push(on),
			refused: () => {
				this.refused += 1;
			},
			tooLarge: () => {
				this.tooLarge += 1;
			},
			moved: () => undefined,
		};
		this.uplink = new Uplink(this.env, host);
	}

	get inFlight(): number {
		return this.#answers.length;
	}

	async answer(answer: Answer = { kind: "answer", status: 200, body: { feeds: {} } }): Promise<void> {
		this.#answers.shift()?.(answer);
		await settle();
	}
}

test("an event of an idle page is sent at once", async () => {
	const bench = new Bench();
	bench.uplink.add("{}", ["f"]);
	await settle();
	expect(bench.bodies).toEqual([
		'{"page":"page","feeds":{"f":{"n":1,"state":"ended","transport":"direct","latency_ms":3}},"wanted":[["f"]],"packs":[{}]}',
	]);
});

test("packs go back byte for byte, once for all feeds that want them", async () => {
	const rig = new Rig();
	const text = '{"channel": "prices",  "epoch":"a","first":1,"events":[[0,"é\\u0000",1.50e+3]]}';
	rig.shown("one");
	rig.shown("two");
	await rig.server.deliver();
	rig.env.live[0]?.raw("pack", text);
	await settle();
	const [body] = rig.server.texts.slice(-1);
	expect(body?.split(text)).toHaveLength(2);
	expect(rig.server.bodies.at(-1)?.wanted).toEqual([["one", "two"]]);
});

test("one post is in flight at a time; what comes meanwhile goes together", async () => {
	const bench = new Bench();
	bench.uplink.add("1", ["f"]);
	await settle();
	for (const text of ["2", "3", "4"]) {
		bench.uplink.add(text, ["f"]);
		await settle();
	}
	expect(bench.bodies).toHaveLength(1);
	await bench.answer();
	expect(bench.bodies).toHaveLength(2);
	expect(bench.bodies[1]).toContain('"packs":[2,3,4]');
});

test("what was not answered is sent again, after a backoff", async () => {
	const bench = new Bench();
	bench.uplink.add("1", ["f"]);
	await settle();
	await bench.answer({ kind: "unreachable" });
	bench.uplink.add("2", ["f"]);
	await settle();
	expect(bench.bodies).toHaveLength(1);
	await bench.env.advance(250);
	expect(bench.bodies[1]).toContain('"packs":[1,2]');
	await bench.answer();
	expect(bench.uplink.idle).toBe(true);
	expect(bench.uplink.waitingBytes).toBe(0);
});

test("a lost answer leads to a repeat, and Python takes everything once", async () => {
	const rig = new Rig();
	rig.server.log("prices").push(2);
	rig.shown("f");
	rig.server.loseAnswers = true;
	await rig.server.deliver();
	rig.server.loseAnswers = false;
	await rig.env.advance(1_000);
	expect(rig.server.bodies.length).toBeGreaterThan(1);
	expect(rig.server.receiver("f").taken).toEqual(["a-1", "a-2"]);
});

test("a body holds at most 8 MiB of packs, and one pack if that is larger", async () => {
	const bench = new Bench();
	const sizes = [3, 3, 3, 9, 1];
	for (const mib of sizes) bench.uplink.add(`"${"x".repeat(mib * MIB - 2)}"`, ["f"]);
	const lengths: number[] = [];
	await settle();
	while (bench.inFlight > 0) {
		lengths.push(Math.floor((bench.bodies.at(-1)?.length ?? 0) / MIB));
		await bench.answer();
	}
	expect(lengths).toEqual([6, 3, 9, 1]);
});

test("above 32 MiB waiting the page stops reading, below 8 MiB it goes on", async () => {
	const bench = new Bench();
	for (let each = 0; each < 11; each += 1) bench.uplink.add(`"${"x".repeat(3 * MIB)}"`, ["f"]);
	await settle();
	expect(bench.holds).toEqual([true]);
	for (let each = 0; each < 4; each += 1) await bench.answer();
	expect(bench.holds).toEqual([true]);
	await bench.answer();
	expect(bench.holds).toEqual([true, false]);
});

test("a feed that has ended is reported so only behind its last pack", async () => {
	const bench = new Bench();
	for (let each = 0; each < 2; each += 1) bench.uplink.add(`"${"x".repeat(7 * MIB)}"`, ["f"]);
	await settle();
	await bench.answer();
	expect(bench.bodies.map((body) => /"state":"(\w+)"/.exec(body)?.[1])).toEqual(["open", "ended"]);
});

test("a refused body is cut smaller, not dropped", async () => {
	const bench = new Bench();
	for (const text of ["1", "2"]) bench.uplink.add(text, ["f"]);
	await settle();
	await bench.answer({ kind: "answer", status: 413, body: null });
	await bench.env.advance(250);
	expect(bench.bodies[1]).toContain('"packs":[1]');
	await bench.answer();
	expect(bench.bodies[2]).toContain('"packs":[2]');
});

test("401 tells the connection", async () => {
	const bench = new Bench();
	bench.uplink.lease();
	await settle();
	await bench.answer({ kind: "answer", status: 401, body: null });
	expect(bench.refused).toBe(1);
});

test("the lease goes out after every heartbeat, with an empty list", async () => {
	const rig = new Rig();
	rig.shown("f");
	await rig.server.deliver();
	const before = rig.server.bodies.length;
	await rig.server.heartbeat();
	await rig.server.heartbeat();
	expect(rig.server.bodies.slice(before).map((body) => body.packs)).toEqual([[], []]);
	expect(rig.server.bodies.at(-1)?.feeds.f?.state).toBe("open");
});

test("resume goes back for Python, and the view sees nothing twice", async () => {
	const rig = new Rig();
	rig.server.log("prices").push(4);
	const widget = rig.shown("f");
	await rig.server.deliver();
	rig.server.receiver("f").last = 1; // as if another kernel-side start had been agreed
	rig.server.receiver("f").taken.length = 1;
	rig.server.log("prices").push(1);
	await rig.server.deliver();
	await rig.server.deliver();
	expect(rig.env.live[0]?.afters.get("prices")).toBe("a-1");
	expect(rig.server.receiver("f").taken).toEqual(["a-1", "a-2", "a-3", "a-4", "a-5"]);
	expect(widget.taken).toEqual(["a-1", "a-2", "a-3", "a-4", "a-5"]);
});

test("null ends the feed on this page; the others go on", async () => {
	const rig = new Rig();
	const closed = rig.shown("closed");
	const other = rig.shown("other");
	rig.server.closeFeed("closed");
	await rig.server.deliver();
	expect(closed.feed.state).toBe("closed");
	expect(other.feed.state).toBe("open");
	rig.server.log("prices").push(1);
	await rig.server.deliver();
	expect(closed.taken).toEqual([]);
	expect(other.taken).toEqual(["a-1"]);
});

test("a page that cannot post fast enough closes its stream and goes on from its cursor", async () => {
	const rig = new Rig();
	const log = rig.server.log("prices");
	const posted: unknown[] = [];
	const fetch = rig.env.fetch.bind(rig.env);
	rig.env.fetch = (url, init) => {
		posted.push(init.body);
		return fetch(url, init);
	};
	rig.server.receivedStatus = 503;
	const widget = rig.shown("f");
	await settle();
	rig.server.packSize = 1;
	for (let each = 1; each <= 12; each += 1) log.events.push([0, "message", "x".repeat(3 * MIB)]);
	await rig.server.deliver();
	expect(rig.env.live).toHaveLength(0);
	expect(widget.feed.text).toContain("Events come faster than Python takes them");
	expect(posted).toContain(`{"page":"${rig.page.id}","feeds":{},"held":true}`);
	rig.server.receivedStatus = 200;
	await rig.env.advance(20_000);
	await rig.server.deliver();
	await rig.env.advance(1_000);
	expect(widget.feed.state).toBe("open");
	expect(rig.server.receiver("f").cursor).toBe("a-12");
	expect(widget.taken).toHaveLength(12);
	const held = rig.server.texts.map((text) => (JSON.parse(text) as { held?: boolean }).held === true);
	expect(held.indexOf(true)).toBeGreaterThanOrEqual(0);
	expect(held.at(-1)).toBe(false);
});

test("through Jupyter's server no body is larger than what an untuned proxy lets through", async () => {
	const rig = new Rig();
	rig.env.place = { origin: "https://hub.example.org", protocol: "https:", hostname: "hub.example.org" };
	rig.env.base = "/";
	rig.server.jupyter = "relays";
	rig.server.maxRelayedBytes = MIB;
	const widget = rig.widget("f", "prices", { transport: "jupyter" });
	widget.feed.show(() => undefined);
	await settle();
	await rig.server.deliver();
	rig.server.packSize = 1;
	const log = rig.server.log("prices");
	for (let each = 1; each <= 12; each += 1) log.events.push([0, "message", "x".repeat(400_000)]);
	await rig.server.deliver();
	await rig.env.advance(100);
	expect(rig.server.receiver("f").cursor).toBe("a-12");
	expect(rig.server.texts.filter((text) => text.length > 800_000).length).toBeGreaterThan(3);
	expect(widget.feed.transport).toBe("jupyter");
});

test("an event that such a proxy lets through in no way goes back over the comm", async () => {
	const rig = new Rig();
	rig.env.place = { origin: "https://hub.example.org", protocol: "https:", hostname: "hub.example.org" };
	rig.env.base = "/";
	rig.server.jupyter = "relays";
	rig.server.maxRelayedBytes = MIB;
	const widget = rig.carried("f", { transport: "auto" });
	await settle();
	await rig.server.deliver();
	await rig.env.advance(2_000);
	expect(widget.feed.transport).toBe("jupyter");
	rig.server.log("prices").events.push([0, "message", "x".repeat(MIB)]);
	rig.server.log("prices").events.push([0, "message", "after it"]);
	for (let each = 0; each < 50; each += 1) {
		await rig.server.deliver(); // whenever a stream is opened, it brings what there is
		await rig.env.advance(100);
	}
	expect(String(widget.model.statuses.at(-1)?.transport_log)).toContain(
		"does not let large events back to Python",
	);
	expect(rig.server.receiver("f").cursor).toBe("a-2");
	for (let second = 0; second < 60; second += 1) {
		await rig.server.deliver();
		await rig.env.advance(1_000);
	}
	expect(widget.feed.transport).toBe("jupyter");
	expect(widget.taken).toEqual(["a-1", "a-2"]);
});
