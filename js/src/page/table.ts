/** All channels, one row each; the reader chooses the one to look at. */

import { element, setAttribute, setText } from "../views/dom.ts";
import { formatCount, formatRate } from "../views/format.ts";
import { Sparkline } from "../views/sparkline.ts";
import type { Census, Entry } from "./census.ts";
import { formatBytes } from "./format.ts";

interface Column {
	readonly label: string;
	of(entry: Entry): string;
	warns?(entry: Entry): boolean;
}

const COLUMNS: readonly Column[] = [
	{ label: "Events/s", of: (entry) => formatRate(entry.eventsPerSecond) },
	{ label: "Data/s", of: (entry) => formatBytes(entry.bytesPerSecond) },
	{ label: "Events", of: ({ counts }) => formatCount(counts.pushed) },
	{ label: "Readers", of: ({ counts }) => formatCount(counts.readers.length) },
	{ label: "Behind", of: (entry) => formatCount(entry.behind), warns: (entry) => entry.lags(entry.behind) },
	{ label: "Lost", of: ({ counts }) => formatCount(counts.lost), warns: ({ counts }) => counts.lost > 0 },
];

class Row {
	readonly el: HTMLElement;
	readonly button: HTMLButtonElement;
	readonly #spark = new Sparkline();
	readonly #cells = COLUMNS.map(() => element("td", "page-number"));

	constructor(name: string, run: boolean) {
		// A run's channel is called PATH#ID.
		const at = run ? name.lastIndexOf("#") : name.length;
		this.button = element("button", "page-name", { type: "button", tabindex: "-1" }, name.slice(0, at));
		this.button.title = name;
		const tag = run ? [element("span", "page-tag", {}, `run ${name.slice(at + 1, at + 9)}`)] : [];
		const head = element("th", "page-channel", { scope: "row" }, this.button, ...tag);
		this.el = element(
			"tr",
			"page-row",
			{},
			head,
			element("td", "page-trend", {}, this.#spark.el),
			...this.#cells,
		);
	}

	draw(entry: Entry, chosen: boolean): void {
		for (const [at, column] of COLUMNS.entries()) {
			const cell = this.#cells[at];
			if (cell === undefined) continue;
			setText(cell, column.of(entry));
			cell.toggleAttribute("data-zero", /^0( B)?$/.test(cell.textContent ?? ""));
			cell.toggleAttribute("data-warns", column.warns?.(entry) === true);
		}
		setAttribute(this.el, "data-moves", String(entry.eventsPerSecond > 0));
		setAttribute(this.el, "data-chosen", String(chosen));
		setAttribute(this.button, "aria-pressed", String(chosen));
		// From zero: a line that trembles at the top says nothing.
		this.#spark.draw(
			entry.rates.map((rate, at) => [at, rate]),
			[0, 1],
		);
	}
}

export class Table {
	readonly el: HTMLElement;
	readonly #body = element("tbody", "page-rows");
	readonly #rows = new Map<string, Row>();
	readonly #choose: (name: string) => void;

	constructor(choose: (name: string) => void) {
		this.#choose = choose;
		const heads = COLUMNS.map(({ label }) => element("th", "page-number", { scope: "col" }, label));
		const head = element(
			"tr",
			"",
			{},
			element("th", "page-channel", { scope: "col" }, "Channel"),
			element("th", "page-trend", { scope: "col" }, "Trend"),
			...heads,
		);
		const table = element("table", "page-table", {}, element("thead", "", {}, head), this.#body);
		this.el = element("div", "page-scroll", {}, table);
		this.#body.addEventListener("click", (event) => this.#onClick(event));
		this.#body.addEventListener("keydown", (event) => this.#onKey(event));
	}

	draw(census: Census, chosen: string): void {
		for (const [name, row] of this.#rows) {
			if (census.entries.has(name)) continue;
			row.el.remove();
			this.#rows.delete(name);
		}
		const order = [...census.entries.entries()].sort(
			([, a], [, b]) => Number(a.counts.run) - Number(b.counts.run),
		);
		let before: Element | null = null;
		for (const [name, entry] of order) {
			const row = this.#rows.get(name) ?? new Row(name, entry.counts.run);
			this.#rows.set(name, row);
			row.draw(entry, name === chosen);
			setAttribute(row.button, "tabindex", name === chosen ? "0" : "-1");
			const at: Element | null = before === null ? this.#body.firstElementChild : before.nextElementSibling;
			if (at !== row.el) this.#body.insertBefore(row.el, at);
			before = row.el;
		}
	}

	#nameOf(target: EventTarget | null): string | undefined {
		const line = target instanceof Element ? target.closest("tr") : null;
		return [...this.#rows].find(([, row]) => row.el === line)?.[0];
	}

	#onClick(event: MouseEvent): void {
		const name = this.#nameOf(event.target);
		if (name !== undefined) this.#choose(name);
	}

	/** Arrows choose, as in a list. */
	#onKey(event: KeyboardEvent): void {
		const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
		if (step === undefined) return;
		event.preventDefault();
		const buttons = [...this.#body.querySelectorAll("button")];
		const at = buttons.indexOf(event.target as HTMLButtonElement) + step;
		const next = buttons[Math.min(Math.max(at, 0), buttons.length - 1)];
		next?.focus();
		next?.click();
	}
}
