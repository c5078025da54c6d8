/** The live log: newest at the bottom, still when the reader reads. */

import type { WidgetModel } from "../model.ts";
import type { FeedRecord } from "../ring.ts";
import { element, ICONS } from "./dom.ts";
import { Empty } from "./empty.ts";
import { Follower } from "./follow.ts";
import { type Body, Frame } from "./frame.ts";
import type { Source } from "./gather.ts";
import { Pill } from "./pill.ts";
import { Rows } from "./rows.ts";
import { copyButton, saveButton } from "./save.ts";
import { Selection } from "./selection.ts";
import { FilterBox, toolButton } from "./toolbar.ts";
import type { Viewed } from "./viewed.ts";

const DEFAULT_MAX_ROWS = 500;

export class LogView implements Body {
	readonly name = "log";
	readonly traits = ["max_rows", "height"];
	/** Rows are cheap, and found by the browser's own search wherever they are. */
	readonly always = true;
	readonly el: HTMLElement;
	readonly frame: Frame;
	readonly before: readonly Node[];
	readonly after: readonly Node[];
	readonly #model: WidgetModel;
	readonly #feed: Viewed;
	readonly #selection: Selection;
	readonly #filterBox = new FilterBox("Filter by type or content", (query) => this.#filter(query));
	readonly #rows: Rows;
	readonly #empty = new Empty();
	readonly #pill = new Pill(() => this.#jump());
	readonly #follower: Follower;
	/** Position up to which the rows show the ring. */
	#next: number;
	#cleared = 0;
	#rebuild = false;

	constructor(model: WidgetModel, feed: Viewed, signal: AbortSignal) {
		this.#model = model;
		this.#feed = feed;
		this.#selection = new Selection(feed.tally.ring);
		this.#next = feed.tally.ring.start;
		this.#rows = new Rows(() => this.#follower.hold());
		this.#follower = new Follower(this.#rows.el, () => this.frame.soon());
		this.before = [this.#filterBox.el];
		this.after = [
			copyButton("Copy as JSON Lines", () => this.#jsonLines()),
			saveButton("Download as JSON Lines", () => {
				return { name: `${this.frame.title}.jsonl`, mime: "application/jsonl", text: this.#jsonLines() };
			}),
			toolButton("clear", ICONS.clear, "Clear the view", () => this.#clear()),
		];
		this.el = element("div", "log-body", {}, this.#rows.el, this.#empty.el, this.#pill.el);
		this.frame = new Frame(model, feed, this, signal);
		this.frame.start(signal);
	}

	get #maxRows(): number {
		const rows = this.#model.get("max_rows");
		return rows > 0 ? rows : DEFAULT_MAX_ROWS;
	}

	// ---- what the reader does --------------------------------------------------------------------------------------

	resumed(): void {
		this.#follower.following = true;
	}

	#clear(): void {
		this.#cleared = this.#feed.tally.ring.end;
		this.#next = this.#cleared;
		this.#selection.filter(this.#selection.query, this.#cleared);
		this.#rows.clear();
		this.#follower.following = true;
		this.frame.soon();
	}

	#filter(query: string): void {
		this.#selection.filter(query, this.#cleared);
		this.#rebuild = true;
		if (!this.frame.paused) this.#follower.following = true;
		this.frame.refresh();
	}

	#jump(): void {
		if (this.frame.paused) this.frame.togglePause();
		this.#follower.following = true;
		this.frame.soon();
		this.#rows.el.focus({ preventScroll: true });
	}

	/** All that the page holds and the filter lets through, not only the rows. */
	#jsonLines(): string {
		const { ring } = this.#feed.tally;
		this.#selection.update();
		return this.#selection
			.last(Number.MAX_SAFE_INTEGER, this.#cleared, ring.end)
			.map((position) => ring.at(position))
			.map((record) => (record === undefined ? "" : `${jsonLine(record)}\n`))
			.join("");
	}

	// ---- what is shown ---------------------------------------------------------------------------------------------

	draw(): void {
		this.#selection.update();
		this.#drawRows();
		this.#rows.el.style.height = this.#model.get("height") || "";
		this.#pill.update(this.frame.paused, this.#follower.following, this.#selection.countFrom(this.#next));
		const kind = this.#selection.query !== "" ? "filter" : this.#cleared > 0 ? "cleared" : this.#feed.state;
		this.#empty.update(this.#rows.length === 0, kind, this.#feed.channel || this.frame.title);
	}

	figures(): void {
		this.#filterBox.setMatches(this.#selection.query, this.#selection.matching);
	}

	#drawRows(): void {
		const { ring } = this.#feed.tally;
		const frozen = this.frame.paused || !this.#follower.following;
		const until = frozen ? this.#next : ring.end;
		if (this.#rebuild) this.#rows.clear();
		const from = this.#rebuild ? this.#cleared : this.#next;
		this.#rebuild = false;
		const records = this.#selection
			.last(this.#maxRows, from, until)
			.map((position) => ring.at(position))
			.filter((record): record is FeedRecord => record !== undefined);
		this.#next = until;
		if (records.length > 0) this.#rows.append(records, this.#maxRows);
		if (!frozen) this.#follower.toEnd();
	}
}

function jsonLine(record: FeedRecord): string {
	if (record.kind === "gap") return JSON.stringify({ id: record.id, type: "gap", lost: record.lost });
	const { id, timeMs, type, data } = record;
	return JSON.stringify({ id, time: timeMs / 1000, type, data });
}

export function log({ model, feed }: Source): (signal: AbortSignal) => HTMLElement {
	return (signal) => new LogView(model, feed, signal).frame.el;
}
