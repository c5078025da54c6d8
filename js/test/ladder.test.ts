import { expect, test } from "vitest";
import { type FakeEnv, settle } from "./support/env.ts";
import { Rig, type Widget } from "./support/rig.ts";
import { KERNEL } from "./support/server.ts";

const HUB = { origin: "https://hub.example.org", protocol: "https:", hostname: "hub.example.org" };
const RELAY = `/user/ada/sse-widget/${KERNEL}`;

/** A page of a JupyterHub; its user is logged in. */
function hubRig(rig = new Rig()): Rig {
	rig.env.place = HUB;
	rig.env.base = "/user/ada/";
	rig.env.cookies.set("_xsrf", "2|token=");
	rig.server.jupyter = "relays";
	return rig;
}

function log(widget: Widget): unknown {
	return widget.model.statuses.at(-1)?.transport_log;
}

function hosts(env: FakeEnv): Set<string> {
	return new Set(env.requests.map((request) => request.host));
}

test("a page of a JupyterHub takes Jupyter's own address, and never touches the kernel's port", async () => {
	const rig = hubRig();
	rig.server.log("prices").push(3);
	const widget = rig.carried("f");
	await rig.server.deliver();
	expect(widget.feed.transport).toBe("jupyter");
	expect(widget.taken).toEqual(["a-1", "a-2", "a-3"]);
	expect(rig.server.receiver("f").taken).toEqual(["a-1", "a-2", "a-3"]);
	expect(hosts(rig.env)).toEqual(new Set(["hub.example.org"]));
	expect(rig.env.queried).toEqual(["loopback-network"]);
	expect(log(widget)).toEqual([
		expect.stringMatching(
			/^direct: This page comes from hub.example.org, so it cannot reach the kernel's server/,
		),
	]);
});

test("on Jupyter's address requests are Jupyter's: its cookies, its XSRF token, no redirect, no bearer, no introduction", async () => {
	const rig = hubRig();
	rig.carried("f");
	await rig.server.deliver();
	expect(rig.env.requests.map(({ path, init }) => `${init.method} ${path}`)).toEqual([
		`GET ${RELAY}/whoami`,
		`POST ${RELAY}/tickets`,
		`POST ${RELAY}/received`,
	]);
	for (const { init } of rig.env.requests) {
		expect([init.credentials, init.redirect, init.cache]).toEqual(["same-origin", "manual", "no-store"]);
		expect(init.headers).toMatchObject({ "X-XSRFToken": "2|token=" });
		expect(JSON.stringify([init.headers, init.body])).not.toContain("earer");
	}
	expect(rig.env.sources[0]?.url.pathname).toBe(`${RELAY}/events`);
	expect(rig.env.sources[0]?.url.searchParams.get("_xsrf")).toBe("2|token=");
});

test("without kernel id or Jupyter's configuration there is only the comm", async () => {
	for (const more of [
		{ base: null },
		{ kernel: "" },
		{ base: "https://elsewhere.example/" },
		{ base: "http://[" },
	]) {
		const rig = hubRig();
		if ("base" in more) rig.env.base = more.base;
		const widget = rig.carried("f", "kernel" in more ? { kernel_id: more.kernel } : {});
		await rig.env.advance(400);
		widget.kernel.heartbeat();
		expect(widget.feed.transport).toBe("comm");
		expect(rig.env.requests).toEqual([]);
		expect(String(log(widget))).toContain("jupyter: This page does not come from the Jupyter server");
	}
});

test("a page on this machine takes the kernel's port, though Jupyter would relay", async () => {
	const rig = new Rig();
	rig.env.base = "/";
	rig.server.jupyter = "relays";
	const widget = rig.carried("f");
	await rig.server.deliver();
	expect(widget.feed.transport).toBe("direct");
	expect(log(widget)).toEqual([]);
	expect(rig.env.locks.size).toBe(0);
	expect(rig.env.queried).toEqual([]);
});

test.each(["public.example", "127.0.0.1.evil.example", "10.0.0.1", ""])(
	"from %s the kernel's port is never asked",
	async (hostname) => {
		const rig = new Rig();
		rig.env.place = { origin: `http://${hostname}`, protocol: "http:", hostname };
		rig.carried("f");
		for (let minute = 0; minute < 10; minute += 1) {
			rig.page.poke();
			await rig.env.advance(60_000);
		}
		expect(rig.env.requests).toEqual([]);
		expect(rig.env.sources).toEqual([]);
	},
);

test("a permission that was granted already opens the way; it is never asked for", async () => {
	const rig = new Rig();
	rig.env.place = HUB;
	rig.env.granting.add("loopback-network");
	const widget = rig.carried("f");
	await rig.server.deliver();
	expect(widget.feed.transport).toBe("direct");
	expect(rig.env.queried).toEqual(["loopback-network"]);
});

test("a server that fails its proof gets no secret, and the next way is tried at once", async () => {
	const rig = hubRig();
	rig.env.place = { origin: "http://localhost:8888", protocol: "http:", hostname: "localhost" };
	const { answer } = rig.env;
	// Somebody else listens at the kernel's port, and answers everything.
	rig.env.answer = (url, init) =>
		url.port === "5000" ? new Response('{"server":"server","mac":"guess","ticket":"t"}') : answer(url, init);
	const widget = rig.carried("f");
	await rig.server.deliver();
	expect(widget.feed.transport).toBe("jupyter");
	const asked = rig.env.requests.filter(({ host }) => host === "127.0.0.1:5000");
	expect(asked.map(({ path }) => path)).toEqual(["/whoami", "/whoami"]);
	expect(JSON.stringify(asked)).not.toContain("earer");
	expect(String(log(widget))).toContain("Something else than this notebook's kernel answers");
});

test.each([
	["no extension", "Install sse_widget where Jupyter's server runs"],
	["wants a login", "Reload the page, and log in"],
	["lost the kernel", "knows no way to the kernel"],
] as const)("where Jupyter %s the comm goes on, and the log says what to do", async (jupyter, text) => {
	const rig = hubRig();
	rig.server.jupyter = jupyter;
	const widget = rig.carried("f");
	await rig.env.advance(400);
	widget.kernel.heartbeat();
	expect(widget.feed.transport).toBe("comm");
	expect(widget.feed.text).toBe("");
	expect(String(log(widget))).toContain(text);
	expect(rig.env.requests.every(({ init }) => init.method === "GET")).toBe(true);
	expect(rig.env.locks.size).toBe(0);
});

test("a relay to another kernel is no way", async () => {
	const rig = hubRig();
	const widget = rig.carried("f", { server: "another" });
	await settle();
	expect(rig.env.requests.map(({ path }) => path)).toEqual([`${RELAY}/whoami`]);
	expect(String(log(widget))).toContain("jupyter: Something else than this notebook's kernel");
});

test("a stream that does not begin within 3 s is held back somewhere: the next way is tried", async () => {
	const rig = hubRig();
	rig.env.place = { origin: "http://localhost:8888", protocol: "http:", hostname: "localhost" };
	rig.server.mute = (url) => url.port === "5000";
	const widget = rig.carried("f");
	await rig.server.deliver();
	await rig.env.advance(2_900);
	expect(rig.env.sources).toHaveLength(1);
	await rig.env.advance(200);
	await rig.server.deliver();
	expect(rig.env.live).toHaveLength(1);
	expect(widget.feed.transport).toBe("jupyter");
	expect(log(widget)).toEqual([
		"direct: The stream from http://127.0.0.1:5000 does not begin: something on the way may hold it back.",
	]);
});

test("a better way that was down is taken later, without a break", async () => {
	const rig = hubRig();
	rig.env.place = { origin: "http://localhost:8888", protocol: "http:", hostname: "localhost" };
	rig.server.down = true;
	const widget = rig.carried("f");
	await rig.server.deliver();
	expect(widget.feed.transport).toBe("jupyter");
	const [jupyters] = rig.env.sources;
	await rig.env.advance(20_000);
	expect(jupyters?.closed).toBe(false);
	expect(rig.env.sources).toHaveLength(1);
	rig.server.down = false;
	rig.server.log("prices").push(2);
	rig.page.poke();
	await rig.server.deliver();
	expect(widget.feed.transport).toBe("direct");
	expect(widget.feed.state).toBe("open");
	expect(widget.model.states).not.toContain("reconnecting");
	expect(widget.taken).toEqual(["a-1", "a-2"]);
	expect(rig.env.locks.size).toBe(0);
	expect(log(widget)).toEqual([]);
});

test("a way that was open and breaks is tried again first, soon", async () => {
	const rig = hubRig();
	const widget = rig.carried("f");
	await rig.server.deliver();
	await rig.server.cut();
	await rig.env.advance(130);
	await rig.server.deliver();
	expect(widget.feed.transport).toBe("jupyter");
	expect(widget.feed.state).toBe("open");
});

// ---- few connections ---------------------------------------------------------------------------------------------------

test("of all tabs two have a stream on Jupyter's address; one that closes makes room", async () => {
	const locks = new Set<string>();
	const rigs = [1, 2, 3].map(() => hubRig());
	const widgets = rigs.map((rig) => {
		rig.env.locks = locks;
		return rig.carried("f");
	});
	for (const rig of rigs) await rig.server.deliver();
	for (const { kernel } of widgets) kernel.heartbeat();
	for (const rig of rigs) await rig.env.advance(1_200);
	for (const { kernel } of widgets) kernel.heartbeat();
	expect(widgets.map(({ feed }) => feed.transport)).toEqual(["jupyter", "jupyter", "comm"]);
	expect(locks).toEqual(
		new Set(["sse_widget:https://hub.example.org:0", "sse_widget:https://hub.example.org:1"]),
	);
	const third = widgets[2] as Widget;
	expect(String(log(third))).toContain(
		"jupyter: Other tabs of this browser use Jupyter's connections already.",
	);

	widgets[0]?.hide();
	await rigs[0]?.env.advance(2_000);
	expect(locks.size).toBe(1);
	rigs[2]?.page.poke();
	await rigs[2]?.server.deliver();
	expect(third.feed.transport).toBe("jupyter");
});

test("a slot is kept over a new stream, and given back when the way is lost", async () => {
	const rig = hubRig();
	rig.shown("one");
	await rig.server.deliver();
	expect(rig.env.locks.size).toBe(1);
	await rig.server.rotate();
	await rig.server.deliver();
	expect(rig.env.locks.size).toBe(1);
	rig.server.jupyter = "lost the kernel";
	await rig.server.cut();
	await rig.env.advance(5_000);
	expect(rig.env.locks.size).toBe(0);
});

// ---- what the user forces ----------------------------------------------------------------------------------------------

test("transport=direct tries nothing else, and says what is wrong", async () => {
	const rig = hubRig();
	const widget = rig.carried("f", { transport: "direct" });
	await rig.env.advance(10_000);
	widget.kernel.heartbeat();
	expect(widget.feed.state).toBe("failed");
	expect(widget.feed.text).toContain("name an address that this page reaches with url_template=");
	expect(rig.env.requests).toEqual([]);
	expect(widget.model.received).toEqual([]);
});

test("transport=jupyter tries nothing else, even where the kernel's port is near", async () => {
	const rig = hubRig();
	rig.env.place = { origin: "http://localhost:8888", protocol: "http:", hostname: "localhost" };
	rig.server.jupyter = "no extension";
	const widget = rig.carried("f", { transport: "jupyter" });
	await rig.env.advance(10_000);
	expect(widget.feed.state).toBe("reconnecting");
	expect(widget.feed.text).toContain("Install sse_widget where Jupyter's server runs");
	expect(hosts(rig.env)).toEqual(new Set(["localhost:8888"]));
	rig.server.jupyter = "relays";
	await rig.env.advance(10_000);
	await rig.server.deliver();
	expect(widget.feed.transport).toBe("jupyter");
	expect(widget.model.received).toEqual([]);
});

test("transport=comm opens no connection", async () => {
	const rig = new Rig();
	const widget = rig.carried("f", { transport: "comm" });
	await rig.env.advance(60_000);
	widget.kernel.heartbeat();
	expect(widget.feed.transport).toBe("comm");
	expect(rig.env.requests).toEqual([]);
	expect(log(widget)).toEqual([]);
});

test("widgets that want different ways get streams of their own, under names of their own", async () => {
	const rig = new Rig();
	rig.shown("auto");
	await rig.server.deliver();
	rig.shown("direct", "prices", { transport: "direct" });
	await rig.server.deliver();
	expect(rig.env.live.map((source) => source.url.searchParams.get("client"))).toHaveLength(2);
	expect(new Set(rig.env.live.map((source) => source.url.searchParams.get("client"))).size).toBe(2);
	expect(rig.page.connections.size).toBe(2);
});

test("if no way works and the comm is silent, the reader is told what to do", async () => {
	const rig = hubRig();
	rig.server.jupyter = "no extension";
	const widget = rig.shown("f");
	await rig.env.advance(2_000);
	expect([widget.feed.state, widget.feed.text]).toEqual(["connecting", ""]);
	await rig.env.advance(4_000);
	expect(widget.feed.state).toBe("reconnecting");
	expect(widget.feed.text).toContain("Install sse_widget where Jupyter's server runs");
});

// ---- the kernel's end --------------------------------------------------------------------------------------------------

test("on Jupyter's address a kernel is gone when Jupyter says so, not when Jupyter is away", async () => {
	const rig = hubRig();
	const widget = rig.shown("f");
	await rig.server.deliver();
	const { answer } = rig.env;
	rig.env.answer = () => {
		throw new TypeError("offline");
	};
	widget.model.emit("comm_live_update");
	await rig.env.advance(9_000);
	expect(widget.feed.state).not.toBe("failed");
	rig.env.answer = answer;
	rig.server.jupyter = "lost the kernel";
	widget.model.emit("comm_live_update");
	await rig.env.advance(3_000);
	expect(widget.feed.state).toBe("failed");
	expect(widget.feed.text).toContain("The kernel has restarted or stopped");
	expect(rig.env.locks.size).toBe(0);
});
