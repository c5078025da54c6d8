/** Events as a table. Only the rows in sight are elements, however many there are. */

import type { TableModel } from "../model.gen.ts";
import type { WidgetModel } from "../model.ts";
import { compare } from "./column.ts";
import { element, ICONS } from "./dom.ts";
import { Empty } from "./empty.ts";
import { plural } from "./format.ts";
import { type Body, Frame } from "./frame.ts";
import { Gathering, type Source } from "./gather.ts";
import { Grid } from "./grid.ts";
import { Pill } from "./pill.ts";
import { copyButton, csv, saveButton } from "./save.ts";
import { type Row, Sheet } from "./sheet.ts";
import { FilterBox, toolButton } from "./toolbar.ts";

type Model = WidgetModel<TableModel>;

class TableView implements Body {
	readonly name = "table-view";
	readonly traits = ["columns", "key", "formats", "sort", "max_rows", "height"];
	readonly el: HTMLElement;
	readonly frame: Frame;
	readonly before: readonly Node[];
	readonly after: readonly Node[];
	readonly #model: Model;
	readonly #source: Source;
	readonly #sheet: Sheet;
	readonly #grid: Grid;
	readonly #filterBox: FilterBox;
	readonly #empty = new Empty();
	readonly #pill = new Pill(() => this.#jump());
	#query = "";
	/** The trait, and the path by which the reader sorts, with its direction. */
	#sortTrait: string | null = null;
	#sort = "";
	#descending = false;
	/** What is shown while it stands still. */
	#held: readonly Row[] | null = null;
	#heldCount = 0;
	#matching = 0;
	#cleared = false;

	constructor(source: Source, sheet: Sheet, clear: () => void, signal: AbortSignal) {
		this.#model = source.model as Model;
		this.#source = source;
		this.#sheet = sheet;
		this.#grid = new Grid({ sort: (path) => this.#sortBy(path), scrolled: () => this.frame.soon() });
		this.#filterBox = new FilterBox("Filter by content", (query) => {
			this.#query = query.trim().toLowerCase();
			this.#grid.toTop();
			this.frame.refresh();
		});
		const clearButton = toolButton("clear", ICONS.clear, "Clear the view", () => {
			clear();
			this.#cleared = true;
			this.#held = null;
			this.frame.refresh();
		});
		this.before = [this.#filterBox.el];
		this.after = [
			copyButton("Copy the table as CSV", () => this.#csv()),
			saveButton("Download the table as CSV", () => {
				return { name: `${this.frame.title}.csv`, mime: "text/csv", text: this.#csv() };
			}),
			clearButton,
		];
		this.el = element("div", "table-body", {}, this.#grid.el, this.#empty.el, this.#pill.el);
		this.frame = new Frame(source.model, source.feed, this, signal);
		this.frame.start(signal);
	}

	draw(): void {
		this.#readSort();
		this.#hold();
		const rows = this.#selected();
		this.#grid.el.style.height = this.#model.get("height") || "";
		this.#grid.draw(this.#sheet.columns, rows, {
			sort: this.#sort,
			descending: this.#descending,
			flash: this.#sheet.keyed,
		});
		const fresh = this.#held === null ? 0 : this.#sheet.count - this.#heldCount;
		this.#pill.update(this.frame.paused, this.#held === null, fresh);
		const kind = this.#query !== "" ? "filter" : this.#cleared ? "cleared" : this.#source.feed.state;
		this.#empty.update(rows.length === 0, kind, this.#source.feed.channel || this.frame.title);
	}

	resumed(): void {
		this.#grid.toTop();
	}

	figures(): void {
		this.#filterBox.setMatches(this.#query, this.#matching);
	}

	note(): string {
		const { crowded, dropped, fields } = this.#sheet;
		// With a key, an update may lack what is as it was.
		if (fields.note !== "" && (fields.never || !this.#sheet.keyed)) return fields.note;
		if (dropped > 0) return `${plural(dropped, "older key is", "older keys are")} not shown any more`;
		return crowded > 0
			? `${plural(crowded, "column is", "columns are")} not shown; say which with columns=`
			: "";
	}

	said(): string {
		return plural(this.#sheet.rows.length, "row", "rows");
	}

	/** Paused, or the reader has scrolled down a list that grows at its top. */
	#hold(): void {
		const moving = !this.#sheet.keyed && this.#sort === "" && this.#grid.scrolledDown;
		if (!this.frame.paused && !moving) this.#held = null;
		else if (this.#held === null) {
			this.#held = this.#sheet.rows;
			this.#heldCount = this.#sheet.count;
		}
	}

	#selected(): Row[] {
		const all = this.#held ?? this.#sheet.rows;
		const rows = this.#query === "" ? [...all] : all.filter((row) => this.#matches(row));
		this.#matching = rows.filter(({ record }) => record.kind === "event").length;
		const column = this.#sheet.columns.find(({ path }) => path === this.#sort);
		if (this.#sort === "" || column === undefined) return rows;
		const values = rows.flatMap((row) =>
			row.record.kind === "event" ? [{ row, value: column.read(row.record) }] : [],
		);
		values.sort((a, b) => compare(a.value, b.value, this.#descending));
		return values.map(({ row }) => row);
	}

	#matches({ record }: Row): boolean {
		if (record.kind === "gap") return true; // what is lost might have matched
		return (JSON.stringify(record.data) ?? "").toLowerCase().includes(this.#query);
	}

	#readSort(): void {
		const sort = this.#model.get("sort");
		if (sort === this.#sortTrait) return;
		this.#sortTrait = sort;
		this.#descending = sort.startsWith("-");
		this.#sort = sort.replace(/^-/, "");
	}

	/** Up, down, and back to the order in which they come. */
	#sortBy(path: string): void {
		if (this.#sort !== path) [this.#sort, this.#descending] = [path, false];
		else if (!this.#descending) this.#descending = true;
		else [this.#sort, this.#descending] = ["", false];
		this.frame.refresh();
	}

	#jump(): void {
		if (this.frame.paused) this.frame.togglePause();
		this.#grid.toTop();
		this.#grid.el.focus({ preventScroll: true });
		this.frame.soon();
	}

	#csv(): string {
		const { columns } = this.#sheet;
		const rows = this.#selected().map(({ record }) =>
			record.kind === "event"
				? columns.map((column) => valueText(column.read(record)))
				: [`${record.lost ?? "an unknown number of"} events lost`],
		);
		return csv([columns.map(({ title }) => title), ...rows]);
	}
}

/** As it came, not as it is shown. */
function valueText(value: unknown): string {
	if (value === undefined || value === null) return "";
	return typeof value === "string" ? value : JSON.stringify(value);
}

export function table(source: Source): (signal: AbortSignal) => HTMLElement {
	const sheet = new Sheet(source.model as Model);
	const gathering = new Gathering(source, ["columns", "key", "formats"], () => sheet.begin());
	return (signal) => new TableView(source, sheet, () => gathering.clear(), signal).frame.el;
}
