/** A column of a table: what is in it, and how that is written. */

import type { Json } from "../protocol.ts";
import type { EventRecord } from "../ring.ts";
import { formatDate, formatTime } from "./format.ts";
import { readerOf } from "./path.ts";

const MAX_CHARS = 200;
const MAX_DIGITS = 4;
export const MISSING = "–";

type Write = (value: Json) => string;

/** Milliseconds since 1970 of a number of seconds or milliseconds, or of a text as Python writes times; null if it is none. */
export function timeOf(value: Json | undefined): number | null {
	if (typeof value === "string") {
		const time = /^\d{4}-\d\d-\d\d/.test(value) ? Date.parse(value) : Number.NaN;
		return Number.isNaN(time) ? null : time;
	}
	if (typeof value !== "number") return null;
	if (value >= 1e9 && value < 1e11) return value * 1000;
	return value >= 1e12 && value < 1e14 ? value : null;
}

function decimals(value: number): number {
	for (let digits = 0; digits < MAX_DIGITS; digits += 1) {
		if (Number(value.toFixed(digits)) === value) return digits;
	}
	return MAX_DIGITS;
}

/** `"time"`, `"datetime"`, or as in Python: `".2f"`, `",.0f"`, `".1%"`, `".3g"`. Null: the column finds out itself. */
function writerOf(format: string): Write | null {
	if (format === "time" || format === "datetime") {
		return (value) => {
			const time = timeOf(value);
			if (time === null) return textOf(value);
			return format === "time" ? formatTime(time) : formatDate(time);
		};
	}
	const [, comma, digits, kind] = /^(,)?(?:\.(\d{1,2}))?([fg%])$/.exec(format) ?? [];
	if (kind === undefined) return null;
	const count = Math.min(Number(digits ?? 6), 20);
	const percent = kind === "%";
	const options: Intl.NumberFormatOptions =
		kind === "g"
			? { maximumSignificantDigits: Math.max(count, 1) }
			: { minimumFractionDigits: count, maximumFractionDigits: count };
	const writer = new Intl.NumberFormat("en-US", { ...options, useGrouping: comma === "," });
	return (value) => {
		if (typeof value !== "number") return textOf(value);
		return percent ? `${writer.format(value * 100)}%` : writer.format(value);
	};
}

function textOf(value: Json): string {
	const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
	return text.length > MAX_CHARS ? `${text.slice(0, MAX_CHARS)}…` : text;
}

function isObject(data: Json): boolean {
	return typeof data === "object" && data !== null && !Array.isArray(data);
}

export class Column {
	readonly path: string;
	readonly title: string;
	readonly read: (record: EventRecord) => Json | undefined;
	/** Numbers stand at the right, digit under digit. */
	numeric = false;
	/** The longest text so far: a column may grow, but does not breathe. */
	chars: number;
	readonly #write: Write | null;
	readonly #time: boolean;
	#digits = 0;
	#decided = false;

	/** `found`: nobody asked for it, so data with keys has its own columns, and no place in the one for data without. */
	constructor(path: string, format: string, found = false) {
		this.path = path;
		this.title = path === "" ? "value" : path;
		const read = readerOf(path);
		const plain = found && path === "";
		this.read = plain ? (record) => (isObject(record.data) ? undefined : record.data) : read;
		this.#write = writerOf(format);
		this.#time = format.endsWith("time");
		this.chars = this.title.length + 2; // and the sign of the order
	}

	/** Null where there is nothing. */
	textAt(record: EventRecord): string | null {
		const value = this.read(record);
		if (value === undefined || value === null) return null;
		const isNumber = typeof value === "number";
		if (!this.#decided) {
			this.#decided = true;
			this.numeric = isNumber && !this.#isTime(value) && !this.#time;
		}
		const text = this.#write !== null ? this.#write(value) : isNumber ? this.#number(value) : textOf(value);
		if (text.length > this.chars) this.chars = text.length;
		return text;
	}

	#isTime(value: number): boolean {
		return this.path === "time" && timeOf(value) !== null;
	}

	#number(value: number): string {
		if (this.#isTime(value)) return formatTime(timeOf(value) ?? 0);
		if (value !== 0 && (Math.abs(value) < 1e-4 || Math.abs(value) >= 1e15)) return value.toPrecision(4);
		this.#digits = Math.max(this.#digits, decimals(value));
		return value.toFixed(this.#digits);
	}
}

/** For sorting: numbers before texts, and what is missing last, whatever the direction. */
export function compare(a: Json | undefined, b: Json | undefined, descending: boolean): number {
	const [left, right] = [rankOf(a), rankOf(b)];
	if (left !== right) return left === 2 || right === 2 || !descending ? left - right : right - left;
	const order =
		typeof a === "number" && typeof b === "number"
			? a - b
			: collator.compare(
					typeof a === "string" ? a : textOf(a ?? ""),
					typeof b === "string" ? b : textOf(b ?? ""),
				);
	return descending ? -order : order;
}

const collator = new Intl.Collator(undefined, { numeric: true });

function rankOf(value: Json | undefined): number {
	return value === undefined || value === null ? 2 : typeof value === "number" ? 0 : 1;
}
