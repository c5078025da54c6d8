/** JSON with colours: spans and text nodes, within a budget, from values that were parsed already. */

import type { Json } from "../protocol.ts";
import { element } from "./dom.ts";

const COMPACT_CHARS = 320;
const PRETTY_CHARS = 200_000;
const ELLIPSIS = "…";

/** Writes tokens until the budget is used up: one huge event must not freeze the page. */
class Writer {
	readonly #target: Node;
	readonly #indent: string;
	#left: number;
	/** Punctuation gathers here, so that it makes one text node for many marks. */
	#plain = "";

	constructor(target: Node, chars: number, indent: string) {
		this.#target = target;
		this.#left = chars;
		this.#indent = indent;
	}

	get full(): boolean {
		return this.#left <= 0;
	}

	finish(): void {
		if (this.full) this.#plain += ` ${ELLIPSIS}`;
		this.#flush();
	}

	value(value: Json, depth: number): void {
		if (value === null || typeof value === "boolean") this.#span("keyword", String(value));
		else if (typeof value === "number") this.#span("number", String(value));
		else if (typeof value === "string") this.#span("string", JSON.stringify(value));
		else if (Array.isArray(value)) this.#list(value, depth);
		else this.#object(value, depth);
	}

	#list(items: readonly Json[], depth: number): void {
		this.#mark("[");
		for (const [at, item] of items.entries()) {
			if (this.full) return;
			this.#between(at, depth + 1);
			this.value(item, depth + 1);
		}
		if (items.length > 0) this.#newLine(depth);
		this.#mark("]");
	}

	#object(object: { [key: string]: Json }, depth: number): void {
		this.#mark("{");
		const entries = Object.entries(object);
		for (const [at, [key, item]] of entries.entries()) {
			if (this.full) return;
			this.#between(at, depth + 1);
			this.#span("key", this.#indent === "" ? key : JSON.stringify(key));
			this.#mark(": ");
			this.value(item, depth + 1);
		}
		if (entries.length > 0) this.#newLine(depth);
		this.#mark("}");
	}

	#between(at: number, depth: number): void {
		if (at > 0) this.#mark(this.#indent === "" ? ", " : ",");
		this.#newLine(depth);
	}

	#newLine(depth: number): void {
		if (this.#indent !== "") this.#mark(`\n${this.#indent.repeat(depth)}`);
	}

	#mark(text: string): void {
		if (this.full) return;
		this.#plain += text;
		this.#left -= text.length;
	}

	#span(name: string, text: string): void {
		if (this.full) return;
		this.#flush();
		const shown = text.length > this.#left ? text.slice(0, this.#left) : text;
		this.#target.appendChild(element("span", name, {}, shown));
		this.#left -= text.length;
	}

	#flush(): void {
		if (this.#plain !== "") this.#target.appendChild(document.createTextNode(this.#plain));
		this.#plain = "";
	}
}

/** One line, for reading: keys without quotes, as browsers' consoles show objects. */
export function writeCompact(target: Node, value: Json): void {
	const writer = new Writer(target, COMPACT_CHARS, "");
	writer.value(value, 0);
	writer.finish();
}

/** Valid JSON over many lines. */
export function writePretty(target: Node, value: Json): void {
	const writer = new Writer(target, PRETTY_CHARS, "  ");
	writer.value(value, 0);
	writer.finish();
}
