/** The fields a view wants: their values, and an account of what events lacked. A wrong type is as missing as nothing. */

import type { Json } from "../protocol.ts";
import type { EventRecord } from "../ring.ts";
import { formatCount } from "./format.ts";
import { pathsIn, type Read, readerOf } from "./path.ts";

/** So many events without a field are no accident. */
const NEVER_AFTER = 100;
const MAX_NAMES = 12;
const MAX_NAME_CHARS = 40;

class Field {
	readonly path: string;
	readonly #kind: string;
	found = 0;
	missing = 0;
	/** What was there instead, of the last event that had something. */
	#instead = "";

	constructor(path: string, kind: string) {
		this.path = path;
		this.#kind = kind;
	}

	lacks(value: Json | undefined): void {
		this.missing += 1;
		if (value !== undefined) this.#instead = nameOf(value);
	}

	note(names: readonly string[]): string {
		const { path, missing } = this;
		const all = this.found + missing;
		if (this.found > 0) {
			const where = path === "" ? "" : ` at “${path}”`;
			return `${formatCount(missing)} of ${formatCount(all)} events have no ${this.#kind}${where}`;
		}
		if (path === "")
			return `The events are ${this.#instead}, no ${this.#kind}${this.#kind === "text" ? "" : "s"}; say which field to take`;
		if (this.#instead !== "")
			return `“${path}” is no ${this.#kind} in any of ${formatCount(all)} events: it is ${this.#instead}`;
		const has = names.length > 0 ? `they have ${names.join(", ")}` : "they have no fields";
		return `None of ${formatCount(all)} events has “${path}”; ${has}`;
	}
}

function nameOf(value: Json): string {
	if (value === null) return "null";
	if (Array.isArray(value)) return "a list";
	if (typeof value === "object") return "an object";
	return typeof value === "string" ? "text" : typeof value === "boolean" ? "true or false" : "a number";
}

export class Fields {
	readonly #fields: Field[] = [];
	readonly #names = new Set<string>();

	/** Finite numbers. */
	number(path: string): (record: EventRecord) => number | null {
		return this.#reader(path, "number", (value) => (typeof value === "number" ? value : null));
	}

	/** A number; undefined where there is nothing at all, null where there is something else. */
	cell(path: string): (record: EventRecord) => number | null | undefined {
		const read = this.number(path);
		const there = readerOf(path);
		return (record) => read(record) ?? (there(record) === undefined ? undefined : null);
	}

	/** What can name something: text, numbers, true and false. */
	name(path: string): (record: EventRecord) => string | null {
		return this.#reader(path, "name", nameIn);
	}

	/** Text; a number is as it is written. */
	text(path: string): (record: EventRecord) => string | null {
		return this.#reader(path, "text", nameIn);
	}

	/** Anything but null, as `take` reads it. */
	reader<T>(path: string, kind: string, take: (value: Json) => T | null): (record: EventRecord) => T | null {
		return this.#reader(path, kind, take);
	}

	/** What is missing, in a sentence; "" if nothing is. */
	get note(): string {
		const lacking = this.#fields.filter(({ missing }) => missing > 0);
		const never = lacking.find(({ found, missing }) => found === 0 && missing >= NEVER_AFTER);
		const some = lacking.find(({ found }) => found > 0);
		return (never ?? some)?.note([...this.#names]) ?? "";
	}

	/** A field that was never there, though many events were. */
	get never(): boolean {
		return this.#fields.some(({ found, missing }) => found === 0 && missing >= NEVER_AFTER);
	}

	#reader<T>(path: string, kind: string, take: (value: Json) => T | null): (record: EventRecord) => T | null {
		const field = new Field(path, kind);
		const read: Read = readerOf(path);
		this.#fields.push(field);
		return (record) => {
			const value = read(record);
			const taken = value === undefined ? null : take(value);
			if (taken === null) {
				field.lacks(value);
				if (field.found === 0) this.#collect(record.data);
			} else field.found += 1;
			return taken;
		};
	}

	#collect(data: Json): void {
		if (this.#names.size >= MAX_NAMES) return;
		for (const name of pathsIn(data).slice(0, MAX_NAMES - this.#names.size)) {
			this.#names.add(name.slice(0, MAX_NAME_CHARS));
		}
	}
}

function nameIn(value: Json): string | null {
	if (typeof value === "string") return value;
	return typeof value === "number" || typeof value === "boolean" ? String(value) : null;
}
