/** Tokens joined to flowing text: what a language model writes, or any program. */

import type { TextModel } from "../model.gen.ts";
import type { WidgetModel } from "../model.ts";
import type { Tap } from "../tally.ts";
import { element, ICONS, setText } from "./dom.ts";
import { Empty } from "./empty.ts";
import { Fields } from "./fields.ts";
import { Follower } from "./follow.ts";
import { formatGap, plural } from "./format.ts";
import { type Body, Frame } from "./frame.ts";
import { Gathering, type Source } from "./gather.ts";
import { Pill } from "./pill.ts";
import { copyButton } from "./save.ts";
import { toolButton } from "./toolbar.ts";

/** A page has to lay all of it out. */
const MAX_CHARS = 500_000;
const MAX_LINES = 5_000;

type Model = WidgetModel<TextModel>;

/** A line of the text, or the place of events that were lost. */
interface Line {
	text: string;
	readonly lost: boolean;
}

/** The text as lines. Numbers of lines only grow, so a view remembers one. */
class Lines {
	fields = new Fields();
	/** Grows when all begins anew. */
	round = 0;
	tokens = 0;
	/** How many lines have gone from the start, and their characters. */
	dropped = 0;
	droppedChars = 0;
	readonly #model: Model;
	#lines: Line[] = [];
	#chars = 0;

	constructor(model: Model) {
		this.#model = model;
	}

	begin(): Tap {
		this.fields = new Fields();
		this.round += 1;
		Object.assign(this, { tokens: 0, dropped: 0, droppedChars: 0 });
		this.#lines = [];
		this.#chars = 0;
		const read = this.fields.text(this.#model.get("field"));
		const separator = this.#model.get("separator");
		return (record) => {
			if (record.kind === "gap") {
				this.#lines.push({ text: formatGap(record.lost), lost: true }, { text: "", lost: false });
				return;
			}
			const token = read(record);
			if (token === null) return;
			this.#add(this.tokens > 0 ? separator + token : token);
			this.tokens += 1;
		};
	}

	get end(): number {
		return this.dropped + this.#lines.length;
	}

	get chars(): number {
		return this.#chars;
	}

	at(number: number): Line | undefined {
		return this.#lines[number - this.dropped];
	}

	/** All that is held, as it came; what was lost is said where it was. */
	get text(): string {
		return this.#lines.map(({ text, lost }) => (lost ? `[${text}]` : text)).join("\n");
	}

	#add(token: string): void {
		const [first = "", ...more] = token.split(/\r\n|\r|\n/);
		const last = this.#lines.at(-1);
		if (last === undefined) this.#lines.push({ text: first, lost: false });
		else last.text += first;
		for (const text of more) this.#lines.push({ text, lost: false });
		this.#chars += token.length;
		// Seldom: cutting an array's start costs as much as it has items.
		if (this.#lines.length > MAX_LINES * 1.1 || this.#chars > MAX_CHARS * 1.1) this.#trim();
	}

	#trim(): void {
		let from = Math.max(this.#lines.length - MAX_LINES, 0);
		let gone = this.#lines.slice(0, from).reduce((sum, { text }) => sum + text.length + 1, 0);
		for (; this.#chars - gone > MAX_CHARS && from < this.#lines.length - 1; from += 1) {
			gone += (this.#lines[from]?.text.length ?? 0) + 1;
		}
		this.#lines.splice(0, from);
		this.dropped += from;
		const last = this.#lines.at(-1);
		// One line longer than all that may be held.
		const over = this.#chars - gone - MAX_CHARS;
		if (last !== undefined && over > 0) {
			last.text = last.text.slice(over);
			this.round += 1;
			gone += over;
		}
		this.#chars -= gone;
		this.droppedChars += gone;
	}
}

class TextView implements Body {
	readonly name = "text";
	readonly traits = ["field", "separator", "height"];
	readonly el: HTMLElement;
	readonly frame: Frame;
	readonly after: readonly Node[];
	readonly #model: Model;
	readonly #source: Source;
	readonly #lines: Lines;
	readonly #page = element("div", "text-page", { role: "group", "aria-label": "Text", tabindex: "0" });
	readonly #empty = new Empty();
	readonly #pill = new Pill(() => this.#jump());
	readonly #follower: Follower;
	/** Number of the first line that is not shown whole, and what is shown of it. */
	#next = 0;
	#round = -1;
	#shownTokens = 0;
	#cleared = false;

	constructor(source: Source, lines: Lines, clear: () => void, signal: AbortSignal) {
		this.#model = source.model as Model;
		this.#source = source;
		this.#lines = lines;
		this.#follower = new Follower(this.#page, () => this.frame.soon());
		const clearButton = toolButton("clear", ICONS.clear, "Clear the view", () => {
			clear();
			this.#cleared = true;
			this.#follower.following = true;
			this.frame.refresh();
		});
		this.after = [copyButton("Copy the text", () => this.#lines.text), clearButton];
		this.el = element("div", "text-body", {}, this.#page, this.#empty.el, this.#pill.el);
		this.frame = new Frame(source.model, source.feed, this, signal);
		this.frame.start(signal);
	}

	draw(): void {
		const frozen = this.frame.paused && this.#round === this.#lines.round;
		if (!frozen) this.#drawLines();
		this.#page.style.height = this.#model.get("height") || "";
		const { following } = this.#follower;
		if (!frozen && following) this.#follower.toEnd();
		this.#pill.update(this.frame.paused, following, this.#lines.tokens - this.#shownTokens);
		this.#empty.update(
			this.#page.childElementCount === 0,
			this.#cleared ? "cleared" : this.#source.feed.state,
			this.#source.feed.channel || this.frame.title,
		);
	}

	resumed(): void {
		this.#follower.following = true;
	}

	note(): string {
		const { droppedChars, fields } = this.#lines;
		if (droppedChars > 0)
			return `The first ${plural(droppedChars, "character is", "characters are")} not shown any more`;
		return fields.note;
	}

	said(): string {
		return plural(this.#lines.chars, "character", "characters");
	}

	#drawLines(): void {
		const lines = this.#lines;
		if (this.#round !== lines.round) {
			this.#round = lines.round;
			this.#next = lines.dropped;
			this.#page.replaceChildren();
		}
		for (
			let surplus = lines.dropped - (this.#next - this.#page.childElementCount);
			surplus > 0;
			surplus -= 1
		) {
			this.#page.firstElementChild?.remove();
		}
		this.#next = Math.max(this.#next, lines.dropped);
		this.#shownTokens = lines.tokens;
		const open = lines.at(this.#next - 1);
		const last = this.#page.lastElementChild;
		if (open !== undefined && last !== null && !open.lost) extend(last, open.text);
		const made: HTMLElement[] = [];
		for (; this.#next < lines.end; this.#next += 1) {
			const line = lines.at(this.#next);
			if (line !== undefined) made.push(element("div", line.lost ? "text-gap" : "text-line", {}, line.text));
		}
		this.#page.append(...made);
	}

	#jump(): void {
		if (this.frame.paused) this.frame.togglePause();
		this.#follower.following = true;
		this.frame.soon();
		this.#page.focus({ preventScroll: true });
	}
}

/** What a line has grown by; only that: the rest needs no new layout, and a selection in it stays. */
function extend(line: Element, text: string): void {
	const shown = line.firstChild;
	if (!(shown instanceof Text)) setText(line, text);
	else if (text.length > shown.length) shown.appendData(text.slice(shown.length));
}

export function text(source: Source): (signal: AbortSignal) => HTMLElement {
	const lines = new Lines(source.model as Model);
	const gathering = new Gathering(source, ["field", "separator"], () => lines.begin());
	return (signal) => new TextView(source, lines, () => gathering.clear(), signal).frame.el;
}
