/** The page `/`: what a developer opens first. */

import { browserBasics } from "./basics.ts";
import { BearerWay } from "./client/bearer.ts";
import { Line } from "./client/line.ts";
import { Census } from "./page/census.ts";
import { Detail, type Reads } from "./page/detail.ts";
import { Door } from "./page/door.ts";
import { Table } from "./page/table.ts";
import { Tiles } from "./page/tiles.ts";
import { element, setAttribute, setShown, setText } from "./views/dom.ts";
import { formatRate } from "./views/format.ts";

const LOOK_MS = 1_000;
const TIMEOUT_MS = 5_000;
const USED = "This link has been used, or is older than 20 seconds. For a new one, in a cell:";
const ENDED = "The kernel was restarted. For a link to the new one, in a cell:";
const SILENT = "The kernel does not answer; trying again. If it has ended or was restarted:";

class Page {
	readonly #env = browserBasics();
	readonly #way: BearerWay;
	readonly #line: Line;
	readonly #census = new Census();
	readonly #tiles = new Tiles();
	readonly #table = new Table((name) => this.#choose(name));
	readonly #state = element("span", "page-state", { role: "status" });
	readonly #notice = element("p", "page-notice", { role: "alert" });
	readonly #empty = element("div", "page-empty");
	readonly #main = element("main", "page-main");
	readonly #reads: Reads;
	#detail: Detail | null = null;
	#over = false;

	constructor(bearer: string) {
		const { origin, host } = location;
		this.#way = new BearerWay(this.#env, origin, bearer);
		const client = this.#env.nonce(32);
		this.#line = new Line(this.#env, this.#way, client);
		this.#reads = {
			read: (watching) => this.#line.read(watching),
			now: () => this.#env.now(),
			origin,
			bearer,
			label: `page ${client.slice(0, 8)}`,
		};
		const mark = element("h1", "page-mark", {}, "sse_widget");
		const head = element("header", "page-top", {}, mark, element("span", "page-host", {}, host), this.#state);
		const code = element("code", "page-code-line", {}, 'sse_widget.channel("prices").push({"price": 191.2})');
		this.#empty.append(element("p", "page-empty-line", {}, "No channels yet. In a cell:"), code);
		this.#main.append(this.#notice, this.#tiles.el, this.#empty, this.#table.el);
		for (const each of [this.#notice, this.#empty, this.#table.el]) setShown(each, false);
		document.body.replaceChildren(head, this.#main);
		this.#say("connecting", "Connecting");
	}

	/** Look, for as long as the kernel lives; seldom while nobody sees the page. */
	async run(): Promise<void> {
		while (!this.#over) {
			await this.#look();
			const ms = document.visibilityState === "visible" ? LOOK_MS : LOOK_MS * 5;
			await new Promise<void>((resolve) => {
				this.#env.later(ms, resolve);
			});
		}
	}

	async #look(): Promise<void> {
		const answer = await this.#way.get("/channels", TIMEOUT_MS);
		if (answer.kind === "answer" && Array.isArray(answer.body?.channels)) {
			this.#census.take(answer.body.channels, this.#env.now());
			setShown(this.#notice, false);
			this.#say("open", "Live");
			this.#draw();
		} else if (answer.kind === "answer" && answer.status === 403) this.#end();
		else {
			this.#say("reconnecting", "No answer");
			this.#tell(SILENT);
		}
	}

	#draw(): void {
		const census = this.#census;
		const names = [...census.entries.keys()];
		setShown(this.#empty, names.length === 0);
		setShown(this.#table.el, names.length > 0);
		if (this.#detail === null && names[0] !== undefined) this.#choose(names[0]);
		this.#tiles.draw(census);
		this.#table.draw(census, this.#detail?.name ?? "");
		const entry = census.entries.get(this.#detail?.name ?? "");
		if (entry !== undefined) this.#detail?.draw(entry);
		document.title = `${formatRate(census.sum((each) => each.eventsPerSecond))}/s – sse_widget`;
	}

	#choose(name: string): void {
		const entry = this.#census.entries.get(name);
		if (entry === undefined || this.#detail?.name === name) return;
		this.#detail?.close();
		this.#detail = new Detail(entry, this.#reads);
		this.#main.append(this.#detail.el);
		this.#draw();
	}

	#end(): void {
		this.#over = true;
		this.#detail?.gone();
		this.#say("failed", "Ended");
		this.#tell(ENDED);
	}

	#tell(text: string): void {
		if (this.#notice.dataset.text !== text) this.#notice.replaceChildren(...notice(text));
		this.#notice.dataset.text = text;
		setShown(this.#notice, true);
	}

	#say(state: string, text: string): void {
		setAttribute(this.#state, "data-state", state);
		setText(this.#state, text);
	}
}

/** What is wrong, and the way out. */
function notice(text: string): (Node | string)[] {
	return [`${text} `, element("code", "page-code-line", {}, "sse_widget.open_page()")];
}

async function main(): Promise<void> {
	const meta = document.querySelector<HTMLMetaElement>('meta[name="sse-widget-ticket"]');
	const door = new Door(browserBasics(), {
		origin: location.origin,
		ticket: meta?.content ?? "",
		visible: () => document.visibilityState === "visible",
		address: (path) => history.replaceState(null, "", path),
	});
	history.replaceState(null, "", "/"); // the ticket in it is spent
	const bearer = await door.enter();
	meta?.remove();
	document.body.className = "sse-widget-page";
	if (bearer === null) {
		document.body.replaceChildren(element("p", "page-notice", { role: "alert" }, ...notice(USED)));
		return;
	}
	door.renew();
	document.addEventListener("visibilitychange", () => door.renew());
	await new Page(bearer).run();
}

void main();
