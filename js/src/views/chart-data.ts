/**
 * The numbers of a chart, in columns: one of x, ascending, and one for each line.
 *
 * In a line's column `null` is a place where the line is broken: what was there is no number, or events were lost.
 * `undefined` is no place of this line at all: the event is of another line, or says nothing of this one, as a program that
 * logs its second number now and then. The line goes on over it.
 */

import type { LineChartModel } from "../model.gen.ts";
import type { WidgetModel } from "../model.ts";
import type { Json } from "../protocol.ts";
import type { EventRecord } from "../ring.ts";
import type { Tap } from "../tally.ts";
import { timeOf } from "./column.ts";
import { Fields } from "./fields.ts";

export const MAX_LINES = 24;
const MAX_POINTS = 100_000;

export type Cell = number | null | undefined;

export interface Frozen {
	/** Whether x is a time [s], or only a number. */
	readonly time: boolean;
	readonly x: readonly number[];
	readonly names: readonly string[];
	readonly lines: readonly (readonly Cell[])[];
	/** Where on x events were lost. */
	readonly gaps: readonly number[];
	/** There is a number to draw. */
	readonly any: boolean;
}

type ReadCell = (record: EventRecord) => Cell;

export class ChartData {
	fields = new Fields();
	/** Grows with every change. */
	version = 0;
	count = 0;
	/** Points that came too late for the window; keys for which there is no line. */
	late = 0;
	readonly unseen = new Set<string>();
	readonly #model: WidgetModel<LineChartModel>;
	#time: boolean | null = null;
	#x: number[] = [];
	/** When the events of the rows were pushed [ms]. */
	#pushed: number[] = [];
	#lines = new Map<string, Cell[]>();
	#gaps: number[] = [];

	constructor(model: WidgetModel<LineChartModel>) {
		this.#model = model;
	}

	begin(): Tap {
		this.fields = new Fields();
		Object.assign(this, { count: 0, late: 0, version: this.version + 1 });
		this.unseen.clear();
		this.#time = null;
		this.#x = [];
		this.#pushed = [];
		this.#lines = new Map();
		this.#gaps = [];
		const path = this.#model.get("x");
		const by = this.#model.get("by");
		const xOf = path === "" ? timed : this.fields.reader(path, "number or time", (value) => this.#xIn(value));
		if (path === "") this.#time = true;
		const keyOf = by === "" ? () => "" : this.fields.name(by);
		const values = this.#model.get("y").map((y) => [y, this.fields.cell(y)] as const);
		return (record) => {
			this.version += 1;
			if (record.kind === "gap") this.#lost();
			else this.#take(record, xOf(record), keyOf(record), values);
		};
	}

	/** What the window holds now. The columns are copies: a chart that stands still keeps them. */
	get now(): Frozen {
		const from = this.#start;
		const first = this.#x[from] ?? 0;
		const lines = [...this.#lines.values()].map((line) => line.slice(from));
		return {
			time: this.#time === true,
			x: this.#x.slice(from),
			names: [...this.#lines.keys()],
			lines,
			gaps: this.#gaps.filter((x) => x >= first),
			any: lines.some((line) => line.some((cell) => typeof cell === "number")),
		};
	}

	// ---- what comes in ---------------------------------------------------------------------------------------------

	/** The first x says what all of them are. */
	#xIn(value: Json): number | null {
		const time = timeOf(value);
		this.#time ??= time !== null ? true : typeof value === "number" ? false : null;
		if (this.#time === true) return time === null ? null : time / 1000;
		return typeof value === "number" ? value : null;
	}

	#take(
		record: EventRecord,
		x: number | null,
		key: string | null,
		values: readonly (readonly [path: string, read: ReadCell])[],
	): void {
		const numbers = values.map(([path, read]) => [path, read(record)] as const);
		if (x === null || key === null) return;
		this.count += 1;
		for (const [path, value] of numbers) {
			if (value === undefined) continue;
			const name = key === "" ? path || "value" : values.length === 1 ? key : `${key} ${path}`;
			const line = this.#line(name);
			if (line !== null) this.#put(line, x, record.timeMs, value);
		}
		this.#trim();
	}

	#line(name: string): Cell[] | null {
		const known = this.#lines.get(name);
		if (known !== undefined) return known;
		if (this.#lines.size >= MAX_LINES) {
			if (this.unseen.size < 10_000) this.unseen.add(name);
			return null;
		}
		const made = new Array<Cell>(this.#x.length).fill(undefined);
		this.#lines.set(name, made);
		return made;
	}

	/** In a row of this x that this line has not used, or in a new one where it belongs. */
	#put(line: Cell[], x: number, pushedMs: number, value: Cell): void {
		const last = this.#x.length - 1;
		const newest = this.#x[last];
		if (newest === undefined || x >= newest) {
			if (x === newest && line[last] === undefined) line[last] = value;
			else {
				this.#row(last + 1, x, pushedMs);
				line[last + 1] = value;
			}
			return;
		}
		const at = after(this.#x, x);
		if (this.#x[at - 1] === x && line[at - 1] === undefined) line[at - 1] = value;
		else if (at <= this.#start && last + 1 >= this.#points) this.late += 1;
		else {
			this.#row(at, x, pushedMs);
			line[at] = value;
		}
	}

	#row(at: number, x: number, pushedMs: number): void {
		if (at === this.#x.length) {
			this.#x.push(x);
			this.#pushed.push(pushedMs);
			for (const line of this.#lines.values()) line.push(undefined);
			return;
		}
		this.#x.splice(at, 0, x);
		this.#pushed.splice(at, 0, pushedMs);
		for (const line of this.#lines.values()) line.splice(at, 0, undefined);
	}

	/** All lines are broken here. */
	#lost(): void {
		const x = this.#x.at(-1);
		if (x === undefined) return;
		this.#row(this.#x.length, x, this.#pushed.at(-1) ?? 0);
		for (const line of this.#lines.values()) line[line.length - 1] = null;
		this.#gaps.push(x);
	}

	// ---- the window ------------------------------------------------------------------------------------------------

	get #points(): number {
		return this.#model.get("seconds") !== null ? MAX_POINTS : Math.max(this.#model.get("points"), 2);
	}

	/** Where the window begins. */
	get #start(): number {
		const start = Math.max(this.#x.length - this.#points, 0);
		const seconds = this.#model.get("seconds");
		if (seconds === null) return start;
		const [times, unit] = this.#time === true ? [this.#x, 1] : [this.#pushed, 1000];
		const newest = times.at(-1) ?? 0;
		return Math.max(start, after(times, newest - seconds * unit - Number.EPSILON));
	}

	#trim(): void {
		const start = this.#start;
		// Seldom: cutting an array's start costs as much as it has items.
		if (start < 1_000 || start < this.#x.length / 4) return;
		this.#x.splice(0, start);
		this.#pushed.splice(0, start);
		for (const line of this.#lines.values()) line.splice(0, start);
		const first = this.#x[0] ?? 0;
		this.#gaps = this.#gaps.filter((x) => x >= first);
		// A line of which nothing is left makes room for another.
		for (const [name, line] of this.#lines) {
			if (this.#model.get("by") !== "" && line.every((cell) => cell === undefined)) this.#lines.delete(name);
		}
	}
}

function timed(record: EventRecord): number {
	return record.timeMs / 1000;
}

/** The first place of an ascending list whose value is larger. */
function after(list: readonly number[], value: number): number {
	let low = 0;
	let high = list.length;
	while (low < high) {
		const middle = (low + high) >> 1;
		if ((list[middle] ?? value) <= value) low = middle + 1;
		else high = middle;
	}
	return low;
}
