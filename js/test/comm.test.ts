import * as fc from "fast-check";
import { expect, test } from "vitest";
import { expectNothingSilent } from "./support/check.ts";
import { settle } from "./support/env.ts";
import type { FakeKernel } from "./support/kernel.ts";
import { Rig } from "./support/rig.ts";

const COMM = { transport: "comm" };

/** Let the kernel send all that it may. */
async function carry(...kernels: FakeKernel[]): Promise<void> {
	for (let turns = 0; turns < 50 && kernels.map((kernel) => kernel.turn()).includes(true); turns += 1)
		await settle();
}

function ids(count: number): string[] {
	return Array.from({ length: count }, (_, at) => `a-${at + 1}`);
}

test("the comm carries from the first moment, both ways, and that is no trouble", async () => {
	const rig = new Rig();
	rig.server.log("prices").push(7);
	const widget = rig.carried("f", COMM);
	await carry(widget.kernel);
	expect(widget.taken).toEqual(ids(7));
	expect(widget.feed.state).toBe("open");
	expect(widget.feed.transport).toBe("comm");
	expect(widget.feed.text).toBe("");
	await rig.env.advance(10);
	expect(rig.server.receiver("f").taken).toEqual(ids(7));
	expect(rig.env.requests).toEqual([]);
	expect(widget.model.statuses.at(-1)).toMatchObject({
		state: "open",
		transport: "comm",
		transport_log: [],
		text: "",
	});
});

test("what goes back is what came, byte for byte, with the page's place", async () => {
	const rig = new Rig();
	const widget = rig.carried("f", COMM);
	const text = '{"channel": "prices",  "epoch":"a","first":1,"events":[[0,"é",1.50e+3]]}';
	widget.kernel.say({ kind: "packs", packs: [text], cursor: "a-1" });
	await rig.env.advance(10);
	const message = widget.model.received.at(-1);
	expect(message).toMatchObject({
		kind: "received",
		page: rig.page.id,
		carry: true,
		cursor: "a-1",
		back: false,
	});
	expect(message?.body).toContain(`"wanted":[["f"]],"packs":[${text}]`);
});

test("a page to which nothing is on its way asks the kernel to go back to its place", async () => {
	const rig = new Rig();
	rig.server.log("prices").push(4);
	const widget = rig.widget("f", "prices", { ...COMM, start: "a-2" });
	widget.feed.show(() => undefined);
	await rig.env.advance(10);
	expect(widget.model.received[0]).toMatchObject({ n: 1, carry: true, cursor: "a-2", back: true });
});

test("a message that was dropped is asked for again, once", async () => {
	const rig = new Rig();
	const widget = rig.carried("f", COMM);
	rig.server.log("prices").push(3);
	await carry(widget.kernel);
	await rig.env.advance(10);
	widget.kernel.drop = 1;
	rig.server.log("prices").push(6);
	await carry(widget.kernel);
	rig.server.log("prices").push(3);
	await carry(widget.kernel);
	expect(widget.taken).toEqual(ids(12));
	await rig.env.advance(5_000);
	expect(widget.model.received.filter((message) => message.back)).toHaveLength(1);
	expect(rig.server.receiver("f").taken).toEqual(ids(12));
});

test("a heartbeat shows that the last message was dropped", async () => {
	const rig = new Rig();
	const widget = rig.carried("f", COMM);
	widget.kernel.drop = 1;
	rig.server.log("prices").push(2);
	await carry(widget.kernel);
	await rig.env.advance(1_000);
	widget.kernel.heartbeat();
	await carry(widget.kernel);
	expect(widget.taken).toEqual(ids(2));
});

test("of two tabs the one that is ahead does not undo what the other has asked for", async () => {
	const rig = new Rig();
	const log = rig.server.log("prices");
	log.push(20);
	const first = rig.carried("f", COMM);
	await carry(first.kernel);
	await rig.env.advance(10);
	const other = new Rig();
	other.env.nonce(32); // another page, another name
	const second = rig.start(rig.server.welcome("f", "prices", COMM));
	second.model.kernel = first.model.kernel;
	first.kernel.models.push(second.model);
	second.feed.show(() => undefined);
	await rig.env.advance(10);
	await carry(first.kernel);
	await rig.env.advance(3_000);
	expect(second.taken).toEqual(ids(20));
	expect(first.taken).toEqual(ids(20));
	expect(first.model.received.filter((message) => message.back)).toHaveLength(0);
});

test("while a cell runs events come, nothing large is said twice, and all is in Python right after it", async () => {
	const rig = new Rig();
	const widget = rig.carried("f", COMM);
	await rig.env.advance(10);
	widget.kernel.busy = true;
	rig.server.log("prices").push(12);
	await carry(widget.kernel);
	expect(widget.taken).toEqual(ids(12));
	await rig.env.advance(35_000);
	const bodies = widget.model.received.map((message) => String(message.body));
	expect(bodies.filter((body) => body.includes('"first":1,'))).toHaveLength(1);
	expect(rig.server.receiver("f").taken).toEqual([]);
	widget.kernel.free();
	await rig.env.advance(10);
	expect(rig.server.receiver("f").taken).toEqual(ids(12));
});

test("what the kernel has not heard is said again, and Python takes it once", async () => {
	const rig = new Rig();
	const widget = rig.carried("f", COMM);
	await rig.env.advance(10);
	widget.kernel.deaf = true;
	rig.server.log("prices").push(3);
	await carry(widget.kernel);
	widget.kernel.deaf = false;
	await rig.env.advance(15_000);
	expect(rig.server.receiver("f").taken).toEqual(ids(3));
});

test("the lease is renewed, and given back when nobody looks any more", async () => {
	const rig = new Rig();
	const widget = rig.carried("f", COMM);
	for (let time = 0; time < 8; time += 1) {
		await rig.env.advance(15_000);
		widget.kernel.heartbeat();
		expect(widget.kernel.carries).toBe(true);
		expect(widget.feed.state).toBe("open");
	}
	widget.hide();
	await settle();
	expect(widget.model.received.at(-1)).toMatchObject({ carry: false });
	expect(widget.kernel.carries).toBe(false);
	const said = widget.model.received.length;
	await rig.env.advance(120_000);
	expect(widget.model.received).toHaveLength(said);
});

test("a widget that nobody wants declines, and takes nothing", async () => {
	const rig = new Rig();
	rig.server.log("prices").push(3);
	const widget = rig.carried("f", COMM);
	widget.hide();
	await carry(widget.kernel);
	expect(widget.model.received.map((message) => message.carry)).toEqual([false]);
	expect(widget.taken).toEqual([]);
	expect(widget.kernel.carries).toBe(false);
});

test("a comm that falls silent is waited for, and said so", async () => {
	const rig = new Rig();
	rig.server.log("prices").push(1);
	const widget = rig.carried("f", COMM);
	await carry(widget.kernel);
	await rig.env.advance(41_000);
	expect(widget.feed.state).toBe("reconnecting");
	expect(widget.feed.text).toContain("Waiting for the kernel");
	widget.kernel.heartbeat();
	expect(widget.feed.state).toBe("open");
	expect(widget.feed.text).toBe("");
});

test("a closed channel ends the feed, and Python hears it after its last event", async () => {
	const rig = new Rig();
	const widget = rig.carried("f", COMM);
	await rig.env.advance(10);
	widget.kernel.busy = true;
	rig.server.log("prices").push(3);
	await carry(widget.kernel);
	widget.kernel.end();
	await settle();
	expect(widget.feed.state).toBe("ended");
	expect(widget.model.states).not.toContain("ended");
	widget.kernel.free();
	await rig.env.advance(10);
	expect(rig.server.receiver("f").taken).toEqual(ids(3));
	expect(widget.model.states.at(-1)).toBe("ended");
});

test("an end whose cursor is ahead is no end: something was dropped", async () => {
	const rig = new Rig();
	const widget = rig.carried("f", COMM);
	await rig.env.advance(10);
	widget.kernel.drop = 1;
	rig.server.log("prices").push(3);
	await carry(widget.kernel);
	widget.kernel.say({ kind: "ended", cursor: "a-3" });
	expect(widget.feed.state).not.toBe("ended");
	for (let each = 0; each < 2; each += 1) {
		await rig.env.advance(2_000); // the first wish is older than what the kernel has done for this page already
		await carry(widget.kernel);
	}
	widget.kernel.say({
		kind: "ended",
		cursor: "a-3",
		error: { class: "KeyError", text: "the handler raised it" },
	});
	expect(widget.taken).toEqual(ids(3));
	expect(widget.feed.state).toBe("ended");
	expect(widget.feed.text).toBe("It has failed. KeyError: the handler raised it.");
});

test("a widget that was closed in Python is closed here", async () => {
	const rig = new Rig();
	const widget = rig.carried("f", COMM);
	rig.server.closeFeed("f");
	await rig.env.advance(10);
	expect(widget.feed.state).toBe("closed");
});

test("a kernel that does not answer hello within 2.5 s of the comm's loss is gone; a later welcome begins anew", async () => {
	const rig = new Rig();
	const widget = rig.carried("f", COMM);
	rig.server.log("prices").push(2);
	await carry(widget.kernel);
	widget.model.welcome = null;
	widget.kernel.deaf = true;
	widget.model.emit("comm_live_update");
	await rig.env.advance(2_400);
	expect(widget.feed.state).toBe("open");
	await rig.env.advance(200);
	expect(widget.feed.state).toBe("failed");
	expect(widget.feed.text).toBe("The kernel has restarted or stopped. Run this cell again to go on.");
	widget.kernel.deaf = false;
	widget.model.emit("msg:custom", rig.server.welcome("f", "prices", COMM));
	rig.server.log("prices").push(1);
	await rig.env.advance(10);
	await carry(widget.kernel);
	expect(widget.feed.state).toBe("open");
	expect(widget.taken).toEqual(ids(3));
});

test("a comm that was lost for a moment changes nothing", async () => {
	const rig = new Rig();
	const widget = rig.carried("f", COMM);
	widget.kernel.heartbeat();
	widget.model.emit("comm_live_update");
	await rig.env.advance(10_000);
	expect(widget.feed.state).toBe("open");
});

// ---- with HTTP ---------------------------------------------------------------------------------------------------------

test("where HTTP opens at once the kernel never hears that the comm was needed", async () => {
	const rig = new Rig();
	rig.server.log("prices").push(9);
	const widget = rig.carried("f");
	widget.kernel.turn(); // unasked
	await rig.server.deliver();
	await rig.env.advance(30_000);
	expect(widget.taken).toEqual(ids(9));
	expect(widget.feed.transport).toBe("direct");
	expect(widget.model.received.filter((message) => message.carry)).toEqual([]);
	expect(rig.server.receiver("f").taken).toEqual(ids(9));
});

test("a rung that is killed changes to the comm and back, with what waits to go back to Python", async () => {
	const rig = new Rig();
	const log = rig.server.log("prices");
	const widget = rig.carried("f");
	await rig.server.deliver();
	expect(widget.feed.transport).toBe("direct");
	rig.server.receivedStatus = 503;
	log.push(3);
	await rig.server.deliver();
	rig.server.down = true;
	await rig.server.cut();
	expect(widget.feed.state).toBe("reconnecting");
	await rig.env.advance(1_600);
	log.push(3);
	await carry(widget.kernel);
	await rig.env.advance(10);
	expect(widget.feed.state).toBe("open");
	expect(widget.feed.transport).toBe("comm");
	expect(widget.feed.text).toBe("");
	expect(widget.taken).toEqual(ids(6));
	expect(rig.server.receiver("f").taken).toEqual(ids(6));
	expect(widget.model.statuses.at(-1)?.transport_log).toEqual([
		expect.stringMatching(/^direct: This page cannot reach the kernel's server at http:\/\/127.0.0.1:5000\./),
		expect.stringMatching(/^jupyter: /),
	]);

	widget.kernel.busy = true;
	log.push(3);
	await carry(widget.kernel);
	rig.server.receivedStatus = 200;
	rig.server.down = false;
	rig.page.poke();
	await rig.server.deliver();
	expect(widget.feed.transport).toBe("direct");
	expect(rig.server.receiver("f").taken).toEqual(ids(9)); // although the kernel is busy
	widget.kernel.free();
	log.push(3);
	await rig.server.deliver();
	await rig.env.advance(15_000);
	expect(widget.kernel.carries).toBe(false);
	expect(rig.server.receiver("f").taken).toEqual(ids(12));
	expect(widget.taken).toEqual(ids(12));
});

test("a stream that comes back within a moment keeps the feed", async () => {
	const rig = new Rig();
	const widget = rig.carried("f");
	await rig.server.deliver();
	await rig.server.cut();
	await rig.env.advance(1_000);
	await rig.server.deliver();
	await rig.env.advance(5_000);
	expect(widget.feed.state).toBe("open");
	expect(widget.model.received.filter((message) => message.carry)).toEqual([]);
});

test("while the comm carries, the ladder is tried ever less often; while nothing does, every few seconds", async () => {
	const rig = new Rig();
	rig.server.down = true;
	const widget = rig.carried("f");
	const tries = (): number => rig.env.requests.filter(({ init }) => init.method === "POST").length;
	for (let minute = 0; minute < 60; minute += 1) {
		for (let each = 0; each < 4; each += 1) {
			widget.kernel.heartbeat();
			await rig.env.advance(15_000);
		}
	}
	expect(widget.feed.transport).toBe("comm");
	expect(tries()).toBeGreaterThan(10);
	expect(tries()).toBeLessThan(30);
	const before = tries();
	widget.kernel.deaf = true;
	rig.page.poke();
	await rig.env.advance(600_000);
	expect(tries() - before).toBeGreaterThan(50);
});

test("a channel that is closed for HTTP may still be read to its end over the comm", async () => {
	const rig = new Rig();
	rig.env.place = { origin: "http://localhost:8888", protocol: "http:", hostname: "localhost" };
	rig.server.down = true;
	const log = rig.server.log("prices");
	log.push(2);
	const widget = rig.carried("f");
	await rig.env.advance(500);
	await carry(widget.kernel);
	log.push(2);
	log.closed = true;
	rig.server.down = false;
	await rig.env.advance(10_000);
	expect(rig.env.requestsTo("/tickets").length).toBeGreaterThan(0);
	expect(widget.feed.state).toBe("open");
	await carry(widget.kernel);
	widget.kernel.end();
	expect(widget.taken).toEqual(ids(4));
	expect(widget.feed.state).toBe("ended");
});

test("what a closed connection had not sent is asked for again, without a new event", async () => {
	const rig = new Rig();
	rig.server.log("prices").push(4);
	rig.server.receivedStatus = 503;
	const widget = rig.carried("f");
	await rig.server.deliver();
	widget.hide();
	await rig.env.advance(60_000);
	expect(rig.page.connections.size).toBe(0);
	rig.server.down = true;
	widget.feed.show(() => undefined);
	for (let second = 0; second < 10; second += 1) {
		await rig.env.advance(1_000);
		await carry(widget.kernel);
	}
	expect(rig.server.receiver("f").taken).toEqual(ids(4));
	expect(widget.taken).toEqual(ids(4));
});

// ---- every sequence once, in order, or an announced gap ---------------------------------------------------------------

const action = fc.oneof(
	fc.record({ kind: fc.constant("push" as const), count: fc.integer({ min: 1, max: 7 }) }),
	fc.record({ kind: fc.constant("turn" as const), count: fc.integer({ min: 1, max: 5 }) }),
	fc.record({ kind: fc.constant("drop" as const), count: fc.integer({ min: 1, max: 3 }) }),
	fc.record({ kind: fc.constant("wait" as const), count: fc.integer({ min: 1, max: 4000 }) }),
	fc.record({ kind: fc.constant("sleep" as const), count: fc.integer({ min: 1, max: 60 }) }),
	fc.record({ kind: fc.constant("evict" as const), count: fc.integer({ min: 1, max: 7 }) }),
	fc.record({
		kind: fc.constantFrom(
			"busy",
			"free",
			"beat",
			"down",
			"up",
			"deliver",
			"heartbeat",
			"cut",
			"rotate",
			"mute",
			"speak",
			"lose",
			"answer",
			"deaf",
			"hear",
			"refuse",
			"accept",
			"hang",
			"resume",
			"connect",
			"connect",
			"renew",
			"toggle",
			"hello",
		),
		count: fc.constant(0),
	}),
);

type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

class World {
	readonly rig = new Rig();
	readonly log = this.rig.server.log("prices");
	readonly widget;
	#hide: (() => void) | null;

	constructor(more: object) {
		this.log.push(4);
		this.rig.server.down = true;
		this.widget = this.rig.carried("f", more);
		this.#hide = this.widget.hide;
	}

	async perform({ kind, count }: Action): Promise<void> {
		const { rig, log } = this;
		const { kernel, model } = this.widget;
		if (kind === "push") log.push(count);
		else if (kind === "evict") log.evict(count);
		else if (kind === "turn") for (let turns = 0; turns < count; turns += 1) kernel.turn();
		else if (kind === "drop") kernel.drop += count;
		else if (kind === "wait") await rig.env.advance(count);
		else if (kind === "sleep") await rig.env.advance(count * 1000);
		else if (kind === "busy") kernel.busy = true;
		else if (kind === "free") kernel.free();
		else if (kind === "beat") kernel.heartbeat();
		else if (kind === "down" || kind === "up") rig.server.down = kind === "down";
		else if (kind === "mute" || kind === "speak") rig.server.mute = () => kind === "mute";
		else if (kind === "lose" || kind === "answer") {
			rig.server.loseAnswers = kind === "lose";
			kernel.loseAnswers = kind === "lose";
		} else if (kind === "deaf" || kind === "hear") kernel.deaf = kind === "deaf";
		else if (kind === "refuse" || kind === "accept")
			rig.server.receivedStatus = kind === "refuse" ? 503 : 200;
		else if (kind === "hang" || kind === "resume") rig.server.hangs = kind === "hang";
		else if (kind === "connect") {
			rig.server.down = false;
			rig.page.poke();
			await rig.server.deliver();
		} else if (kind === "hello") {
			kernel.begin();
			if (model.welcome !== null) model.emit("msg:custom", model.welcome);
		} else if (kind === "toggle") this.toggle();
		else if (kind === "renew") {
			log.renew();
			kernel.renewed();
			await rig.server.cut();
		} else await rig.server[kind]();
		await settle();
	}

	toggle(): void {
		this.#hide?.();
		this.#hide = this.#hide === null ? this.widget.feed.show(() => undefined) : null;
	}

	get hidden(): boolean {
		return this.#hide === null;
	}

	/** All is well again, but for HTTP if it is to stay away. */
	async heal(http: boolean): Promise<void> {
		const { rig, widget } = this;
		if (this.hidden) this.toggle();
		Object.assign(widget.kernel, { loseAnswers: false, deaf: false, drop: 0 });
		rig.server.mute = () => false;
		Object.assign(rig.server, { loseAnswers: false, hangs: false, receivedStatus: 200, down: !http });
		if (!http) await rig.server.cut();
		widget.kernel.free();
		rig.page.poke();
		for (let second = 0; second < 60; second += 1) {
			await rig.env.advance(1_000);
			await rig.server.deliver();
			await carry(widget.kernel);
			if (second % 10 !== 0) continue;
			widget.kernel.heartbeat();
			await rig.server.heartbeat();
		}
	}
}

test.each(["auto", "comm"])(
	"over %s the page and Python see every event once or announced, whatever happens on the way",
	async (transport) => {
		await fc.assert(
			fc.asyncProperty(fc.array(action, { maxLength: 50 }), fc.boolean(), async (actions, http) => {
				const world = new World({ transport });
				const { rig, log, widget } = world;
				for (const each of actions) await world.perform(each);
				await world.heal(http && transport === "auto");
				const end = `${log.epoch}-${log.newest}`;
				const receiver = rig.server.receiver("f");
				expectNothingSilent(widget.taken, "a-0", end);
				expectNothingSilent(receiver.taken, "a-0", end);
				if (log.newest > 0) expect(receiver.cursor).toBe(end);
				expect([widget.feed.state, widget.feed.text]).toEqual(["open", ""]);
				expect(widget.feed.transport).toBe(http && transport === "auto" ? "direct" : "comm");
			}),
			{ numRuns: 500 },
		);
	},
);

test("of the wishes to go back that a busy kernel finds together, one is granted", async () => {
	const rig = new Rig();
	const widget = rig.carried("f", COMM);
	await rig.env.advance(10);
	rig.server.log("prices").push(1);
	await carry(widget.kernel);
	widget.kernel.busy = true;
	widget.kernel.drop = 1;
	rig.server.log("prices").push(3);
	await carry(widget.kernel);
	for (let minute = 0; minute < 3; minute += 1) {
		await rig.env.advance(30_000);
		widget.kernel.heartbeat();
	}
	const before = widget.kernel.backs;
	widget.kernel.free();
	expect(widget.kernel.backs).toBe(before + 1);
	await carry(widget.kernel);
	expect(widget.taken).toEqual(ids(4));
	widget.kernel.drop = 1; // and the next one again
	rig.server.log("prices").push(1);
	await carry(widget.kernel);
	widget.kernel.heartbeat();
	await rig.env.advance(2_000);
	await carry(widget.kernel);
	expect(widget.kernel.backs).toBe(before + 2);
	expect(widget.taken).toEqual(ids(5));
});
