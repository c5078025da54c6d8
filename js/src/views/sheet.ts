/** The rows of a table: the last events, or one row for each key, which its events change. */

import type { TableModel } from "../model.gen.ts";
import type { WidgetModel } from "../model.ts";
import type { Json } from "../protocol.ts";
import type { EventRecord, GapRecord } from "../ring.ts";
import type { Tap } from "../tally.ts";
import { Column } from "./column.ts";
import { Fields } from "./fields.ts";
import { pathsIn } from "./path.ts";

const MAX_KEYS = 10_000;
const MAX_COLUMNS = 30;

/** Never changed: a view that stands still keeps the rows it shows. */
export interface Row {
	/** The same for as long as it is the same thing. */
	readonly key: string;
	readonly record: EventRecord | GapRecord;
}

function isPlain(data: Json): data is { [key: string]: Json } {
	return typeof data === "object" && data !== null && !Array.isArray(data);
}

export class Sheet {
	fields = new Fields();
	columns: Column[] = [];
	/** How many were ever taken. */
	count = 0;
	/** Keys that were forgotten for newer ones; columns for which there is no room. */
	dropped = 0;
	crowded = 0;
	readonly #model: WidgetModel<TableModel>;
	#last: Row[] = [];
	readonly #byKey = new Map<string, Row>();
	readonly #paths = new Set<string>();

	constructor(model: WidgetModel<TableModel>) {
		this.#model = model;
	}

	get keyed(): boolean {
		return this.#model.get("key") !== "";
	}

	/** Newest first; by key, in the order in which they came. */
	get rows(): Row[] {
		if (this.keyed) return [...this.#byKey.values()];
		return this.#last.slice(-this.#most).reverse();
	}

	get #most(): number {
		return Math.max(this.#model.get("max_rows"), 1);
	}

	begin(): Tap {
		this.fields = new Fields();
		this.columns = [];
		Object.assign(this, { count: 0, dropped: 0, crowded: 0 });
		this.#last = [];
		this.#byKey.clear();
		this.#paths.clear();
		const key = this.#model.get("key");
		const given = this.#model.get("columns");
		const keyOf = this.fields.name(key);
		const wanted = given.map((path) => this.fields.reader(path, "value", (value) => value));
		for (const path of given) this.#addColumn(path);
		const found = given.length === 0;
		if (found) this.#addColumn(key === "" ? "time" : key);
		return (record) => {
			if (record.kind === "gap") {
				if (key === "") this.#append(record);
				return;
			}
			this.count += 1;
			for (const read of wanted) read(record);
			if (found) this.#findColumns(record.data);
			if (key === "") this.#append(record);
			else this.#update(keyOf(record), record);
		};
	}

	#append(record: EventRecord | GapRecord): void {
		this.#last.push({ key: `${record.kind} ${record.id}`, record });
		// Seldom: cutting an array's start costs as much as it has items.
		if (this.#last.length > this.#most * 2) this.#last.splice(0, this.#last.length - this.#most);
	}

	/** What an update lacks stays as it was. */
	#update(key: string | null, record: EventRecord): void {
		if (key === null) return;
		const before = this.#byKey.get(key)?.record;
		const both = before?.kind === "event" && isPlain(before.data) && isPlain(record.data);
		const data = both ? { ...(before.data as object), ...(record.data as object) } : record.data;
		this.#byKey.set(key, { key, record: { ...record, data } });
		if (this.#byKey.size <= MAX_KEYS) return;
		const [oldest] = this.#byKey.keys();
		if (oldest !== undefined) this.#byKey.delete(oldest);
		this.dropped += 1;
	}

	#findColumns(data: Json): void {
		if (!isPlain(data)) {
			if (data !== null && !this.#paths.has("")) this.#addColumn("");
			return;
		}
		for (const key in data) {
			const value = data[key];
			if (this.#paths.has(key) && (typeof value !== "object" || value === null)) continue;
			for (const path of pathsIn({ [key]: value ?? null })) if (!this.#paths.has(path)) this.#addColumn(path);
		}
	}

	#addColumn(path: string): void {
		this.#paths.add(path);
		const found = this.#model.get("columns").length === 0;
		if (found && this.columns.length >= MAX_COLUMNS) {
			this.crowded += 1;
			return;
		}
		this.columns.push(new Column(path, this.#model.get("formats")[path] ?? "", found));
	}
}
