/** The elements of a table: a head that stays, and the rows in sight. */

import { type Column, MISSING } from "./column.ts";
import { element, PREFIX, setAttribute, setText } from "./dom.ts";
import { formatGap } from "./format.ts";
import type { Row } from "./sheet.ts";

/** All rows are of this height, so that those out of sight need not be there. */
const ROW_PX = 26;
const OVERSCAN = 6;
const DEFAULT_HEIGHT_PX = 320;
const MIN_CHARS = 6;
const MAX_CHARS = 44;

export interface GridActions {
	sort(path: string): void;
	scrolled(): void;
}

export interface GridStyle {
	/** Path of the column that is sorted by; "" if none is. */
	readonly sort: string;
	readonly descending: boolean;
	/** Show which cells have changed. */
	readonly flash: boolean;
}

export class Grid {
	readonly el = element("div", "table-scroll", { role: "group", "aria-label": "Table", tabindex: "0" });
	readonly #actions: GridActions;
	readonly #table = element("table", "table");
	readonly #head = element("tr", "table-head");
	readonly #above = element("tr", "table-space", { "aria-hidden": "true" });
	readonly #below = element("tr", "table-space", { "aria-hidden": "true" });
	readonly #body = element("tbody", "");
	readonly #lines: HTMLTableRowElement[] = [];
	#columns: readonly Column[] = [];
	#rows: readonly Row[] = [];
	#style: GridStyle = { sort: "", descending: false, flash: false };
	/** What the rows in sight showed, by key. */
	#shown = new Map<string, readonly (string | null)[]>();
	#flashes = 0;

	constructor(actions: GridActions) {
		this.#actions = actions;
		this.#body.append(this.#above, this.#below);
		this.#table.append(element("thead", "", {}, this.#head), this.#body);
		this.el.append(this.#table);
		this.el.addEventListener("scroll", () => this.#onScroll(), { passive: true });
	}

	get scrolledDown(): boolean {
		return this.el.scrollTop > ROW_PX / 2;
	}

	toTop(): void {
		this.el.scrollTop = 0;
	}

	draw(columns: readonly Column[], rows: readonly Row[], style: GridStyle): void {
		const same =
			columns.length === this.#columns.length && columns.every((each, at) => each === this.#columns[at]);
		const sorted = style.sort === this.#style.sort && style.descending === this.#style.descending;
		this.#columns = [...columns];
		this.#rows = rows;
		this.#style = style;
		if (!same) this.#shown.clear();
		if (!same || !sorted) this.#drawHead();
		setAttribute(this.#table, "aria-rowcount", String(rows.length + 1));
		this.#drawRows();
		this.#setWidths();
	}

	#onScroll(): void {
		this.#drawRows(); // at once: an empty strip would show
		this.#actions.scrolled();
	}

	#drawHead(): void {
		const { sort, descending } = this.#style;
		const focused =
			document.activeElement instanceof HTMLElement ? document.activeElement.dataset.path : undefined;
		const cells = this.#columns.map(({ path, title }) => {
			const mark = path !== sort || sort === "" ? "" : descending ? "▼" : "▲";
			const button = element("button", "table-sort", { type: "button", title: `Sort by ${title}` }, title);
			button.dataset.path = path;
			button.append(element("span", "table-mark", { "aria-hidden": "true" }, mark));
			button.addEventListener("click", () => this.#actions.sort(path));
			const order = mark === "" ? "none" : descending ? "descending" : "ascending";
			return element("th", "table-th", { scope: "col", "aria-sort": order }, button);
		});
		this.#head.replaceChildren(...cells);
		const again = [...this.#head.querySelectorAll<HTMLElement>("button")].find(
			({ dataset }) => focused !== undefined && dataset.path === focused,
		);
		again?.focus({ preventScroll: true });
	}

	#setWidths(): void {
		const widths = this.#columns.map(({ chars }) => Math.min(Math.max(chars, MIN_CHARS), MAX_CHARS));
		for (const [at, cell] of [...this.#head.children].entries()) {
			const width = `calc(${widths[at] ?? MIN_CHARS}ch + 24px)`;
			if (cell instanceof HTMLElement && cell.style.width !== width) cell.style.width = width;
			cell.classList.toggle(`${PREFIX}table-number`, this.#columns[at]?.numeric === true);
		}
	}

	#drawRows(): void {
		const height = this.el.clientHeight || DEFAULT_HEIGHT_PX;
		const most = Math.ceil(height / ROW_PX) + 2 * OVERSCAN;
		const top = Math.floor(this.el.scrollTop / ROW_PX) - OVERSCAN;
		const first = Math.max(Math.min(top, this.#rows.length - most), 0);
		const visible = this.#rows.slice(first, first + most);
		while (this.#lines.length > visible.length) this.#lines.pop()?.remove();
		while (this.#lines.length < visible.length) {
			const line = element("tr", "table-row");
			this.#lines.push(line);
			this.#below.before(line);
		}
		const shown = new Map<string, readonly (string | null)[]>();
		for (const [at, row] of visible.entries()) {
			const line = this.#lines[at];
			if (line !== undefined) shown.set(row.key, this.#drawRow(line, row, first + at));
		}
		this.#shown = shown;
		space(this.#above, first * ROW_PX);
		space(this.#below, (this.#rows.length - first - visible.length) * ROW_PX);
	}

	#drawRow(line: HTMLTableRowElement, { key, record }: Row, at: number): (string | null)[] {
		setAttribute(line, "aria-rowindex", String(at + 2));
		const moved = line.dataset.key !== key;
		if (moved) line.dataset.key = key;
		if (record.kind === "gap") {
			const cell = element("td", "table-gap", { colspan: String(Math.max(this.#columns.length, 1)) });
			cell.textContent = formatGap(record.lost);
			line.replaceChildren(cell);
			return [];
		}
		if (line.childElementCount !== this.#columns.length || line.querySelector("[colspan]") !== null) {
			line.replaceChildren(...this.#columns.map(() => element("td", "table-td")));
		}
		const before = this.#shown.get(key);
		return this.#columns.map((column, place) => {
			const text = column.textAt(record);
			const cell = line.children[place];
			if (cell instanceof HTMLElement) {
				const changed = this.#style.flash && before !== undefined && before[place] !== text;
				this.#drawCell(cell, column, text, changed, moved);
			}
			return text;
		});
	}

	#drawCell(cell: HTMLElement, column: Column, text: string | null, changed: boolean, moved: boolean): void {
		setText(cell, text ?? MISSING);
		if (cell.title !== (text ?? "")) cell.title = text ?? "";
		cell.classList.toggle(`${PREFIX}table-number`, column.numeric);
		cell.classList.toggle(`${PREFIX}table-missing`, text === null);
		if (changed) {
			this.#flashes += 1; // another name each time, or the animation would not begin again
			cell.dataset.flash = String(this.#flashes % 2);
		} else if (moved && cell.dataset.flash !== undefined) delete cell.dataset.flash;
	}
}

function space(line: HTMLTableRowElement, px: number): void {
	const height = `${Math.max(px, 0)}px`;
	if (line.style.height !== height) line.style.height = height;
	line.hidden = px <= 0;
}
