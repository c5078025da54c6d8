// @vitest-environment happy-dom
import { beforeEach, expect, test, vi } from "vitest";
import { Census } from "../src/page/census.ts";
import { Detail } from "../src/page/detail.ts";
import { Door } from "../src/page/door.ts";
import { formatBytes } from "../src/page/format.ts";
import { Table } from "../src/page/table.ts";
import { Tiles } from "../src/page/tiles.ts";
import type { Watching } from "../src/page/watching.ts";
import { FakeEnv, settle } from "./support/env.ts";
import { json } from "./support/server.ts";

const T0 = 1_000_000;

function counts(name: string, pushed: number, more: object = {}): object {
	const fixed = { name, newest: `e-${pushed}`, closed: false, run: false, pushed, pushed_bytes: pushed * 10 };
	return { ...fixed, held: pushed, held_bytes: pushed * 100, dropped: 0, lost: 0, readers: [], ...more };
}

beforeEach(() => {
	document.body.replaceChildren();
});

// ---- census ------------------------------------------------------------------------------------------------------------

test("rates are of the last seconds, by the time that has really passed", () => {
	const census = new Census();
	for (let second = 0; second <= 10; second += 1) census.take([counts("a", second * 50)], T0 + second * 1000);
	const entry = census.entries.get("a");
	expect(entry?.eventsPerSecond).toBe(50);
	expect(entry?.bytesPerSecond).toBe(500);
	census.take([counts("a", 1000)], T0 + 20_000); // a hidden tab looks seldom
	expect(entry?.rates.at(-1)).toBe(50);
	expect(entry?.eventsPerSecond).toBe(50);
});

test("a burst is over after three seconds", () => {
	const census = new Census();
	census.take([counts("a", 0)], T0);
	census.take([counts("a", 900)], T0 + 1000);
	for (let second = 2; second <= 5; second += 1) census.take([counts("a", 900)], T0 + second * 1000);
	expect(census.entries.get("a")?.eventsPerSecond).toBe(0);
	expect(census.entries.get("a")?.rates).toEqual([900, 0, 0, 0, 0]);
});

test("a channel that was made anew has no rate below zero", () => {
	const census = new Census();
	census.take([counts("a", 5000)], T0);
	census.take([counts("a", 5000)], T0 + 1000);
	census.take([counts("a", 20, { newest: "f-20" })], T0 + 2000);
	const entry = census.entries.get("a");
	expect(entry?.rates.at(-1)).toBe(20);
	expect(entry?.eventsPerSecond).toBe(0);
	census.take([counts("a", 30, { newest: "f-30" })], T0 + 3000);
	expect(entry?.eventsPerSecond).toBe(10);
});

test("channels that are no more go, and what is no channel is left out", () => {
	const census = new Census();
	census.take([counts("a", 1), counts("b", 2)], T0);
	census.take([counts("b", 2), null, 5, { name: "c" }, { newest: "e-1" }], T0 + 1000);
	expect([...census.entries.keys()]).toEqual(["b"]);
});

test("who is behind by more than a second lags", () => {
	const census = new Census();
	const readers = [
		{ label: "x", behind: 90 },
		{ label: "y", behind: 3 },
	];
	census.take([counts("a", 0)], T0);
	census.take([counts("a", 50, { readers })], T0 + 1000);
	const entry = census.entries.get("a");
	expect(entry?.behind).toBe(90);
	expect([entry?.lags(90), entry?.lags(55)]).toEqual([true, false]);
});

test.each([
	[0, "0 B"],
	[999, "999 B"],
	[1000, "1 kB"],
	[1234, "1.23 kB"],
	[999_600, "1 MB"],
	[5.5e9, "5.5 GB"],
])("%s bytes are %s", (bytes, text) => {
	expect(formatBytes(bytes)).toBe(text);
});

// ---- tiles and table ---------------------------------------------------------------------------------------------------

test("the tiles say all channels together, and warn of what was lost", () => {
	const census = new Census();
	census.take([counts("a", 0), counts("run", 0, { run: true })], T0);
	census.take([counts("a", 1500, { lost: 3 }), counts("run", 10, { run: true })], T0 + 1000);
	const tiles = new Tiles();
	tiles.draw(census);
	const shown = [...tiles.el.querySelectorAll(".sse-widget-page-tile")];
	expect(shown.map((tile) => tile.textContent)).toEqual([
		"channels1",
		"events/s1,510",
		"data/s15.1 kB",
		"readers0",
		"runs1",
		"lost3",
	]);
	expect(shown.map((tile) => tile.hasAttribute("data-warns"))).toEqual([
		false,
		false,
		false,
		false,
		false,
		true,
	]);
});

function names(table: Table): (string | null)[] {
	return [...table.el.querySelectorAll("button")].map((button) => button.textContent);
}

test("the table has a row for each channel, runs last, and keeps its rows", () => {
	const census = new Census();
	const table = new Table(() => undefined);
	document.body.append(table.el);
	census.take([counts("/x#0123456789", 1, { run: true }), counts("a", 1), counts("b", 1)], T0);
	table.draw(census, "a");
	expect(names(table)).toEqual(["a", "b", "/x"]);
	const rows = [...table.el.querySelectorAll("tbody tr")];
	expect(rows.map((row) => row.getAttribute("data-chosen"))).toEqual(["true", "false", "false"]);
	expect(rows[2]?.querySelector(".sse-widget-page-tag")?.textContent).toBe("run 01234567");
	census.take([counts("b", 1), counts("c", 1)], T0 + 1000);
	table.draw(census, "b");
	expect(names(table)).toEqual(["b", "c"]);
	expect(table.el.querySelector("tbody tr")).toBe(rows[1]);
});

test("a channel is chosen by click or by arrow keys", () => {
	const chosen: string[] = [];
	const census = new Census();
	const table = new Table((name) => chosen.push(name));
	document.body.append(table.el);
	census.take([counts("a", 1), counts("b", 1), counts("c", 1)], T0);
	table.draw(census, "a");
	const buttons = [...table.el.querySelectorAll("button")];
	expect(buttons.map((button) => button.tabIndex)).toEqual([0, -1, -1]);
	table.el.querySelectorAll("td")[0]?.click();
	buttons[0]?.focus();
	for (const key of ["ArrowDown", "ArrowDown", "ArrowDown", "ArrowUp", "Enter"])
		document.activeElement?.dispatchEvent(
			new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }),
		);
	expect(chosen).toEqual(["a", "b", "c", "c", "b"]);
});

test("names are text", () => {
	const census = new Census();
	const table = new Table(() => undefined);
	census.take([counts('<img src=x onerror="1">', 1)], T0);
	table.draw(census, "");
	expect(table.el.querySelector("img")).toBeNull();
	expect(names(table)).toEqual(['<img src=x onerror="1">']);
});

// ---- detail ------------------------------------------------------------------------------------------------------------

class Stage {
	readonly census = new Census();
	readonly detail: Detail;
	watching: Watching | null = null;
	stopped = false;

	constructor(more: object, name = "a") {
		this.census.take([counts(name, 5000, more)], T0);
		const entry = this.census.entries.get(name);
		if (entry === undefined) throw new Error("no entry");
		this.detail = new Detail(entry, {
			read: (watching) => {
				this.watching = watching;
				return () => {
					this.stopped = true;
				};
			},
			now: () => T0,
			origin: "http://127.0.0.1:5000",
			bearer: "s3cret",
			label: "page 01234567",
		});
		document.body.append(this.detail.el);
		this.detail.draw(entry);
	}

	text(name: string): string | null | undefined {
		return this.detail.el.querySelector(`.sse-widget-page-${name}`)?.textContent;
	}
}

test.each([
	[{ dropped: 0, held: 5000 }, "e-4800"],
	[{ dropped: 4900, held: 100 }, "e-4950"],
	[{ dropped: 5000, held: 0 }, "e-5000"],
])("a view begins so late that nothing of it is gone already: %j", (more, start) => {
	const { watching } = new Stage(more);
	expect(`${watching?.shown.cursor?.epoch}-${watching?.shown.cursor?.last}`).toBe(start);
});

test("a short channel is shown from its first event", () => {
	const { watching } = new Stage({ pushed: 5, newest: "e-5", held: 5 });
	expect(watching?.shown.cursor).toEqual({ epoch: "e", last: 0 });
});

test("the curl line shows no secret, and copies it", async () => {
	const copied: string[] = [];
	vi.stubGlobal("navigator", { clipboard: { writeText: async (text: string) => void copied.push(text) } });
	const stage = new Stage({}, "it's a/b");
	expect(stage.text("code")).toBe(
		"curl -sN -H 'Authorization: Bearer ••••' 'http://127.0.0.1:5000/channels/it%27s%20a%2Fb'",
	);
	expect(document.body.innerHTML).not.toContain("s3cret");
	stage.detail.el.querySelector<HTMLButtonElement>(".sse-widget-page-copy")?.click();
	await settle();
	expect(copied).toEqual([
		"curl -sN -H 'Authorization: Bearer s3cret' 'http://127.0.0.1:5000/channels/it%27s%20a%2Fb'",
	]);
	expect(stage.text("copy")).toBe("Copied");
	vi.unstubAllGlobals();
});

test("readers are listed, the slowest first; the page knows itself", () => {
	const readers = [
		{ label: "page 01234567", behind: 0 },
		{ label: "stream from 127.0.0.1", behind: 400 },
	];
	const stage = new Stage({ readers, dropped: 12 });
	const lines = [...stage.detail.el.querySelectorAll(".sse-widget-page-reader")];
	expect(lines.map((line) => [line.textContent, line.getAttribute("data-behind")])).toEqual([
		["stream from 127.0.0.1400 behind", "true"],
		["this pageup to date", "false"],
	]);
	expect(stage.text("facts")).toBe("5,000 events in the history, 500 kB; 12 older ones are gone.");
});

test("a detail that is closed reads no more", () => {
	const stage = new Stage({});
	stage.detail.close();
	expect(stage.stopped).toBe(true);
	expect(document.body.childElementCount).toBe(0);
});

test("the view says that its channel has ended, has failed, or that the kernel has", () => {
	const { watching, detail } = new Stage({});
	watching?.link({ state: "open", text: "" });
	expect(watching?.state).toBe("open");
	watching?.ended(false);
	expect([watching?.state, watching?.text]).toEqual(["ended", "The channel is closed."]);
	watching?.ended(false, { class: "OSError", text: "gone" });
	expect([watching?.state, watching?.text]).toEqual(["failed", "OSError: gone"]);
	detail.gone();
	expect(watching?.text).toBe("The kernel has ended.");
});

// ---- door --------------------------------------------------------------------------------------------------------------

class Street {
	readonly env = new FakeEnv();
	readonly addresses: string[] = [];
	seen = true;
	good = true;
	#tickets = 0;
	readonly door = new Door(this.env, {
		origin: "http://127.0.0.1:5000",
		ticket: "t0",
		visible: () => this.seen,
		address: (path) => this.addresses.push(path),
	});

	constructor() {
		this.env.answer = () => {
			this.#tickets += 1;
			return this.good
				? json(200, { bearer: "b", ticket: `t${this.#tickets}` })
				: json(403, { error: "not authorised" });
		};
	}

	get authorizations(): unknown[] {
		return this.env
			.requestsTo("/page")
			.map(({ headers }) => (headers as Record<string, string>).Authorization);
	}
}

test("the document's ticket is changed for the bearer, and for one in the address", async () => {
	const street = new Street();
	expect(await street.door.enter()).toBe("b");
	expect(street.authorizations).toEqual(["Ticket t0"]);
	expect(street.addresses).toEqual(["/?ticket=t1"]);
});

test("a ticket that is spent opens nothing", async () => {
	const street = new Street();
	street.good = false;
	expect(await street.door.enter()).toBeNull();
	street.door.renew();
	await street.env.advance(60_000);
	expect(street.authorizations).toEqual(["Ticket t0"]);
	expect(street.addresses).toEqual([]);
});

test("the address is renewed in time, while somebody sees the page", async () => {
	const street = new Street();
	await street.door.enter();
	street.door.renew();
	await street.env.advance(25_000);
	expect(street.authorizations.slice(1)).toEqual(["Bearer b", "Bearer b", "Bearer b"]);
	expect(street.addresses.at(-1)).toBe("/?ticket=t4");
	street.seen = false;
	await street.env.advance(60_000);
	expect(street.authorizations).toHaveLength(4);
	street.seen = true;
	street.door.renew(); // the tab is back
	await settle();
	expect(street.addresses.at(-1)).toBe("/?ticket=t5");
});

test("no request of the door has the bearer in its address", async () => {
	const street = new Street();
	await street.door.enter();
	for (const { path } of street.env.requests) expect(path).toBe("/page");
	for (const address of street.addresses) expect(address).not.toContain("b&");
});
