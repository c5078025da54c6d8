/** The rows of the log: made from records, bounded, usable by keyboard. */

import type { EventRecord, FeedRecord } from "../ring.ts";
import { element, ICONS, icon, PREFIX, setText } from "./dom.ts";
import { formatGap, formatTime } from "./format.ts";
import { writeCompact, writePretty } from "./json.ts";

const HUES = 9;
/** Chunks out of sight cost no layout. (Single rows would: the browser watches each one, in every frame.) */
const CHUNK_ROWS = 50;
const ROW_PX = 22;

/** The same type has the same colour in every view and on every day (FNV-1a, its high bits mixed in). */
function hueOf(type: string): number {
	let hash = 0x811c9dc5;
	for (const character of type) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
	return ((hash ^ (hash >>> 15)) >>> 0) % HUES;
}

export class Rows {
	readonly el = element("div", "rows", { role: "log", "aria-live": "off", tabindex: "0" });
	readonly #records = new WeakMap<Element, EventRecord>();
	readonly #onReading: () => void;
	#length = 0;

	/** `onReading`: the reader opens a row or moves to one, so the rows must stand still. */
	constructor(onReading: () => void) {
		this.#onReading = onReading;
		this.el.addEventListener("click", (event) => this.#onClick(event));
		this.el.addEventListener("keydown", (event) => this.#onKey(event));
	}

	get length(): number {
		return this.#length;
	}

	append(records: readonly FeedRecord[], most: number): void {
		this.#trim(this.length + records.length - most);
		for (let at = 0; at < records.length; ) {
			const chunk = this.#openChunk();
			const part = records.slice(at, at + CHUNK_ROWS - chunk.childElementCount);
			chunk.append(
				...part.map((record) => (record.kind === "gap" ? gapRow(record.lost) : this.#eventRow(record))),
			);
			chunk.style.setProperty("contain-intrinsic-block-size", `auto ${chunk.childElementCount * ROW_PX}px`);
			at += part.length;
		}
		this.#length += records.length;
	}

	clear(): void {
		this.el.replaceChildren();
		this.#length = 0;
	}

	#trim(surplus: number): void {
		for (let at = 0; at < surplus; at += 1) {
			const chunk = this.el.firstElementChild;
			chunk?.firstElementChild?.remove();
			if (chunk?.childElementCount === 0) chunk.remove();
			this.#length -= 1;
		}
	}

	/** The last chunk if it has room, else a new one. */
	#openChunk(): HTMLElement {
		const last = this.el.lastElementChild;
		if (last instanceof HTMLElement && last.childElementCount < CHUNK_ROWS) return last;
		const chunk = element("div", "chunk");
		this.el.append(chunk);
		return chunk;
	}

	#eventRow(record: EventRecord): HTMLElement {
		const plain = record.type === "message";
		const tag = element("span", plain ? "tag tag-message" : `tag hue-${hueOf(record.type)}`, {}, record.type);
		tag.title = record.type;
		const type = element("span", "type", {}, tag);
		const json = element("span", "json");
		writeCompact(json, record.data);
		const time = element("span", "time", {}, formatTime(record.timeMs));
		const line = element(
			"div",
			"line",
			{ role: "button", tabindex: "-1", "aria-expanded": "false" },
			time,
			type,
			json,
		);
		const row = element("div", "row", {}, line);
		this.#records.set(line, record);
		return row;
	}

	#lineOf(target: EventTarget | null): HTMLElement | null {
		return target instanceof Element ? target.closest<HTMLElement>(`.${PREFIX}line`) : null;
	}

	#onClick(event: MouseEvent): void {
		const line = this.#lineOf(event.target);
		// A drag that selected text is not a click on the row.
		if (line !== null && document.getSelection()?.isCollapsed !== false) this.#toggle(line);
	}

	#toggle(line: HTMLElement): void {
		const record = this.#records.get(line);
		if (record === undefined) return;
		const open = line.getAttribute("aria-expanded") === "true";
		line.setAttribute("aria-expanded", String(!open));
		if (open) line.nextElementSibling?.remove();
		else {
			this.#onReading();
			const opened = details(record);
			line.after(opened);
			opened.scrollIntoView({ block: "nearest" });
		}
	}

	#onKey(event: KeyboardEvent): void {
		const line = this.#lineOf(event.target);
		if (line !== null && event.target === line && (event.key === "Enter" || event.key === " "))
			this.#toggle(line);
		else if (event.key === "ArrowUp" || event.key === "ArrowDown")
			this.#move(line, event.key === "ArrowUp" ? -1 : 1);
		else if (event.key === "Home" || event.key === "End") this.#focus(event.key === "Home" ? 0 : -1);
		else return;
		event.preventDefault();
	}

	#lines(): HTMLElement[] {
		return [...this.el.querySelectorAll<HTMLElement>(`.${PREFIX}line`)];
	}

	#move(line: HTMLElement | null, by: number): void {
		const lines = this.#lines();
		const at = line === null ? lines.length - 1 : lines.indexOf(line) + by;
		this.#focus(Math.min(Math.max(at, 0), lines.length - 1));
	}

	#focus(at: number): void {
		this.#onReading();
		const line = this.#lines().at(at);
		line?.focus({ preventScroll: true });
		line?.scrollIntoView({ block: "nearest" });
	}
}

function gapRow(lost: number | null): HTMLElement {
	const text = element("span", "gap-text", {}, icon(ICONS.warning), formatGap(lost));
	return element("div", "gap", { "data-lost": lost === null ? "unknown" : String(lost) }, text);
}

function details(record: EventRecord): HTMLElement {
	const date = new Date(record.timeMs);
	const caption = element(
		"div",
		"details-caption",
		{},
		`${date.toLocaleString()} · id ${record.id}`,
		copyButton(record),
	);
	const json = element("pre", "details-json", { tabindex: "0" });
	writePretty(json, record.data);
	return element("div", "details", {}, caption, json);
}

/** Nothing where the page may not write to the clipboard. */
function copyButton(record: EventRecord): HTMLElement | string {
	const clipboard: Clipboard | undefined = navigator.clipboard;
	if (clipboard === undefined) return "";
	const button = element("button", "copy", { type: "button" }, "Copy JSON");
	button.addEventListener("click", () => {
		clipboard.writeText(JSON.stringify(record.data, null, 2)).then(
			() => setText(button, "Copied"),
			() => setText(button, "The browser does not allow it"),
		);
	});
	return button;
}
