/** The live log: newest at the bottom, still when the reader reads. */

import type { Feed } from "../feed.ts";
import { type WidgetModel, writeTrait } from "../model.ts";
import type { FeedRecord } from "../ring.ts";
import { Banners } from "./banners.ts";
import { element, ICONS, icon, setAttribute, setShown, setText } from "./dom.ts";
import { formatCount, formatRate, plural } from "./format.ts";
import { Rows } from "./rows.ts";
import { Schedule } from "./schedule.ts";
import { Selection } from "./selection.ts";
import { followTheme } from "./theme.ts";
import { lostText, Toolbar, WORDS } from "./toolbar.ts";

const DEFAULT_MAX_ROWS = 500;
const AT_BOTTOM_PX = 8;
/** Figures that change with every frame cannot be read. */
const FIGURES_MS = 250;
/** How often a screen reader may be told how things are. */
const SUMMARY_MS = 10_000;

export class LogView {
	readonly el: HTMLElement;
	readonly #model: WidgetModel;
	readonly #feed: Feed;
	readonly #selection: Selection;
	readonly #schedule: Schedule;
	readonly #toolbar: Toolbar;
	readonly #banners = new Banners();
	readonly #rows: Rows;
	readonly #empty = element("div", "empty");
	readonly #pill = element("button", "pill", { type: "button" });
	readonly #pillText = element("span", "pill-text");
	readonly #summary = element("div", "summary", { role: "status", "aria-live": "polite" });
	/** Position up to which the rows show the ring. */
	#next: number;
	#cleared = 0;
	#scrollTop = 0;
	#following = true;
	/** A row was opened or moved to: that it is at the bottom does not mean the reader wants to go on. */
	#reading = false;
	#rebuild = false;
	#figuresAt = Number.NEGATIVE_INFINITY;
	#summaryAt = Number.NEGATIVE_INFINITY;

	constructor(model: WidgetModel, feed: Feed, signal: AbortSignal) {
		this.#model = model;
		this.#feed = feed;
		this.#selection = new Selection(feed.tally.ring);
		this.#next = feed.tally.ring.start;
		this.#schedule = new Schedule(() => this.#render(), signal, feed.drawing);
		this.#toolbar = new Toolbar({
			pause: () => this.#togglePause(),
			clear: () => this.#clear(),
			filter: (query) => this.#filter(query),
		});
		this.#rows = new Rows(() => this.#hold());
		this.#pill.append(icon(ICONS.down), icon(ICONS.resume), this.#pillText);
		const body = element("div", "body", {}, this.#rows.el, this.#empty, this.#pill);
		this.el = element("div", "log", {}, this.#toolbar.el, this.#banners.el, body, this.#summary);
		this.#listen(signal);
	}

	#listen(signal: AbortSignal): void {
		this.#rows.el.addEventListener("scroll", () => this.#onScroll(), { passive: true });
		this.#pill.addEventListener("click", () => this.#jump());
		const changed = (): void => this.#schedule.soon();
		const traits = ["change:paused", "change:title", "change:max_rows", "change:height"];
		for (const trait of traits) this.#model.on(trait, changed);
		const hide = this.#feed.show(changed);
		signal.addEventListener("abort", () => {
			hide();
			for (const trait of traits) this.#model.off(trait, changed);
		});
		followTheme(this.el, signal);
		this.#schedule.watch(this.el);
		this.#render();
	}

	get #paused(): boolean {
		return this.#model.get("paused") === true;
	}

	get #title(): string {
		return this.#model.get("title") || this.#feed.channel;
	}

	get #maxRows(): number {
		const rows = this.#model.get("max_rows");
		return rows > 0 ? rows : DEFAULT_MAX_ROWS;
	}

	// ---- what the reader does --------------------------------------------------------------------------------------

	#togglePause(): void {
		if (this.#paused) this.#following = true;
		writeTrait(this.#model, "paused", !this.#paused);
		this.#schedule.soon();
	}

	#clear(): void {
		this.#cleared = this.#feed.tally.ring.end;
		this.#next = this.#cleared;
		this.#selection.filter(this.#selection.query, this.#cleared);
		this.#rows.clear();
		this.#following = true;
		this.#schedule.soon();
	}

	#filter(query: string): void {
		this.#selection.filter(query, this.#cleared);
		this.#rebuild = true;
		this.#figuresAt = Number.NEGATIVE_INFINITY;
		if (!this.#paused) this.#following = true;
		this.#schedule.soon();
	}

	#jump(): void {
		if (this.#paused) this.#togglePause();
		this.#following = true;
		this.#schedule.soon();
		this.#rows.el.focus({ preventScroll: true });
	}

	/** The rows stand still from now on. */
	#hold(): void {
		this.#following = false;
		this.#reading = true;
		this.#schedule.soon();
	}

	#onScroll(): void {
		const { scrollHeight, scrollTop, clientHeight } = this.#rows.el;
		const atBottom = scrollHeight - scrollTop - clientHeight < AT_BOTTOM_PX;
		const wentUp = scrollTop < this.#scrollTop;
		this.#scrollTop = scrollTop;
		if (!atBottom) this.#reading = false;
		const following = atBottom ? !this.#reading : this.#following && !wentUp;
		// Rows may turn out higher than the browser had thought: then the bottom went down, and not the reader up.
		if (following && !atBottom) this.#toBottom();
		if (following === this.#following) return;
		this.#following = following;
		this.#schedule.soon();
	}

	#toBottom(): void {
		this.#rows.el.scrollTop = this.#rows.el.scrollHeight;
		this.#scrollTop = this.#rows.el.scrollTop;
	}

	// ---- what is shown ---------------------------------------------------------------------------------------------

	#render(): void {
		this.#selection.update();
		this.#renderRows();
		this.#renderFrame();
		const now = this.#feed.now();
		if (now - this.#figuresAt >= FIGURES_MS) {
			this.#figuresAt = now;
			this.#renderFigures(now);
		} else this.#schedule.later(FIGURES_MS);
	}

	#renderRows(): void {
		const { ring } = this.#feed.tally;
		const frozen = this.#paused || !this.#following;
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
		if (!frozen) this.#toBottom();
	}

	#renderFrame(): void {
		const { el } = this;
		setAttribute(el, "data-state", this.#feed.state);
		setAttribute(el, "data-count", String(this.#feed.tally.count));
		setAttribute(el, "data-lost", String(this.#feed.tally.lost));
		setAttribute(el, "data-transport", this.#feed.transport);
		setAttribute(el, "data-paused", String(this.#paused));
		this.#rows.el.style.height = this.#model.get("height") || "";
		this.#toolbar.update(this.#feed, this.#title, this.#paused);
		this.#renderPill();
		const empty = this.#rows.length === 0;
		setShown(this.#empty, empty);
		if (empty) this.#renderEmpty();
		const comeAgain = this.#banners.update(this.#feed);
		if (comeAgain !== null) this.#schedule.later(comeAgain);
	}

	#renderPill(): void {
		const fresh = this.#selection.countFrom(this.#next);
		const text = this.#paused
			? `${formatCount(fresh)} new while paused – resume`
			: `Jump to newest${fresh > 0 ? ` (${formatCount(fresh)} new)` : ""}`;
		setText(this.#pillText, text);
		setShown(this.#pill, this.#paused || !this.#following);
	}

	#renderEmpty(): void {
		const { state } = this.#feed;
		const kind = this.#selection.query !== "" ? "filter" : this.#cleared > 0 ? "cleared" : state;
		const key = `${kind} ${this.#title}`;
		if (this.#empty.dataset.key === key) return;
		this.#empty.dataset.key = key;
		this.#empty.replaceChildren(...emptyText(kind, this.#title));
	}

	#renderFigures(now: number): void {
		const rate = this.#feed.tally.rate(now);
		this.#toolbar.updateFigures(this.#feed, rate);
		this.#toolbar.setMatches(this.#selection.query, this.#selection.matching);
		if (rate > 0) this.#schedule.later(FIGURES_MS);
		this.#renderSummary(now, rate);
	}

	/** One calm sentence for screen readers; the rows themselves are silent. */
	#renderSummary(now: number, rate: number): void {
		if (now - this.#summaryAt < SUMMARY_MS) return;
		const parts = [
			`${this.#title}: ${WORDS[this.#feed.state]}`,
			plural(this.#feed.tally.count, "event", "events"),
			`${formatRate(rate)} per second`,
			lostText(this.#feed),
		];
		this.#summaryAt = now;
		setText(this.#summary, parts.filter((part) => part !== "").join(", "));
	}
}

function emptyText(kind: string, title: string): (Node | string)[] {
	if (kind === "filter") return [element("p", "empty-line", {}, "No event matches the filter.")];
	if (kind === "cleared") return [element("p", "empty-line", {}, "Cleared. New events appear here.")];
	if (kind === "ended" || kind === "closed" || kind === "failed")
		return [element("p", "empty-line", {}, "No events.")];
	const code = element("code", "empty-code", {}, `channel(${JSON.stringify(title)}).push({...})`);
	return [
		element("p", "empty-line", {}, "Waiting for events."),
		element("p", "empty-hint", {}, "In a cell: ", code),
	];
}
