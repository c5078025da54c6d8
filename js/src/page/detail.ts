/** The chosen channel: its live log, who reads it, and how others can. */

import { parseCursor } from "../connection/cursor.ts";
import { element, setAttribute, setShown, setText } from "../views/dom.ts";
import { formatCount, plural } from "../views/format.ts";
import { LogView } from "../views/log.ts";
import type { Entry } from "./census.ts";
import { formatBytes } from "./format.ts";
import { localModel, Watching } from "./watching.ts";

/** How many events a view begins with. */
const SHOWN = 200;
const HEIGHT = "max(240px, min(40vh, 480px))";
const MAX_READERS = 50;

export interface Reads {
	/** Read; returns the way to stop. */
	read(watching: Watching): () => void;
	now(): number;
	/** `http://127.0.0.1:PORT` */
	readonly origin: string;
	readonly bearer: string;
	/** How the server calls this page. */
	readonly label: string;
}

function curlOf(bearer: string, origin: string, name: string): string {
	const path = encodeURIComponent(name).replaceAll("'", "%27");
	return `curl -sN -H 'Authorization: Bearer ${bearer}' '${origin}/channels/${path}'`;
}

export class Detail {
	readonly el: HTMLElement;
	readonly name: string;
	readonly #life = new AbortController();
	readonly #watching: Watching;
	readonly #reads: Reads;
	readonly #facts = element("p", "page-facts");
	readonly #readers = element("ul", "page-readers");
	readonly #nobody = element("p", "page-hint", {}, "Nobody but the history.");

	constructor(entry: Entry, reads: Reads) {
		const { name, newest, held } = entry.counts;
		this.name = name;
		this.#reads = reads;
		const cursor = parseCursor(newest) ?? { epoch: "0", last: 0 };
		// Half of what is held may go before the stream is there; what is gone then is announced, and nobody's loss.
		const start = {
			epoch: cursor.epoch,
			last: Math.max(cursor.last - Math.min(SHOWN, Math.ceil(held / 2)), 0),
		};
		const whole = entry.counts.dropped === 0 && held <= SHOWN;
		this.#watching = new Watching(name, whole ? { ...start, last: 0 } : start, () => reads.now());
		const view = new LogView(localModel(HEIGHT), this.#watching, this.#life.signal);
		const side = element("aside", "page-side", {}, ...this.#curl(), ...this.#who());
		this.el = element("section", "page-detail", { "aria-label": `Channel ${name}` }, view.frame.el, side);
		const stop = reads.read(this.#watching);
		this.#life.signal.addEventListener("abort", stop);
	}

	close(): void {
		this.#life.abort();
		this.el.remove();
	}

	/** The kernel is no more. */
	gone(): void {
		this.#watching.gone();
	}

	draw(entry: Entry): void {
		const { held, held_bytes, dropped, readers } = entry.counts;
		const gone = dropped === 0 ? "" : `; ${formatCount(dropped)} older ones are gone`;
		setText(
			this.#facts,
			`${plural(held, "event", "events")} in the history, ${formatBytes(held_bytes)}${gone}.`,
		);
		setShown(this.#nobody, readers.length === 0);
		const lines = [...readers].sort((a, b) => b.behind - a.behind).slice(0, MAX_READERS);
		while (this.#readers.childElementCount > lines.length) this.#readers.lastElementChild?.remove();
		while (this.#readers.childElementCount < lines.length) this.#readers.append(readerLine());
		for (const [at, { label, behind }] of lines.entries()) {
			const line = this.#readers.children[at];
			if (line === undefined) continue;
			const own = label === this.#reads.label;
			setText(line.children[0] ?? line, own ? "this page" : label);
			setText(line.children[1] ?? line, entry.lags(behind) ? `${formatCount(behind)} behind` : "up to date");
			setAttribute(line, "data-behind", String(entry.lags(behind)));
		}
	}

	#curl(): Node[] {
		const { bearer, origin } = this.#reads;
		const shown = curlOf("••••", origin, this.name);
		const button = element("button", "page-copy", { type: "button" }, "Copy");
		button.title = "Copies the line with the kernel's secret: keep it to yourself";
		button.addEventListener("click", () => {
			navigator.clipboard.writeText(curlOf(bearer, origin, this.name)).then(
				() => setText(button, "Copied"),
				() => setText(button, "The browser does not allow it"),
			);
			setTimeout(() => setText(button, "Copy"), 2_000);
		});
		const head = element("div", "page-head", {}, element("h2", "page-title", {}, "In a terminal"), button);
		return [head, element("code", "page-code", { tabindex: "0" }, shown)];
	}

	#who(): Node[] {
		const head = element("div", "page-head", {}, element("h2", "page-title", {}, "Who reads it"));
		const history = element("div", "page-head", {}, element("h2", "page-title", {}, "What it keeps"));
		return [head, this.#nobody, this.#readers, history, this.#facts];
	}
}

function readerLine(): HTMLElement {
	return element(
		"li",
		"page-reader",
		{},
		element("span", "page-reader-name"),
		element("span", "page-reader-lag"),
	);
}
