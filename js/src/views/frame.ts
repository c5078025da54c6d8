/** What all views have in common: state, title, pause, what is wrong, the theme, and when to draw. */

import { type WidgetModel, writeTrait } from "../model.ts";
import { Banners } from "./banners.ts";
import { element, ICONS, icon, setAttribute, setShown, setText } from "./dom.ts";
import { formatRate, plural } from "./format.ts";
import { Schedule } from "./schedule.ts";
import { followTheme } from "./theme.ts";
import { lostText, Toolbar, WORDS } from "./toolbar.ts";
import type { Viewed } from "./viewed.ts";

/** Figures that change with every frame cannot be read. */
const FIGURES_MS = 250;
/** How often a screen reader may be told how things are. */
const SUMMARY_MS = 10_000;

/** What a view puts into its frame. */
export interface Body {
	/** Names the view in style sheets. */
	readonly name: string;
	readonly el: HTMLElement;
	/** What the reader can do, left and right of *pause*. */
	readonly before?: readonly Node[];
	readonly after?: readonly Node[];
	/** Traits after whose change it draws again. */
	readonly traits: readonly string[];
	/** Draw also where nobody looks; else it draws when somebody does. */
	readonly always?: boolean;
	draw(): void;
	/** The reader wants it to move again. */
	resumed?(): void;
	/** Four times a second; the time in ms. */
	figures?(now: number): void;
	/** The theme is another: what no style sheet reaches has to be drawn again. */
	themed?(): void;
	/** What the reader should know of the events: fields that are missing. */
	note?(): string;
	/** For screen readers, every ten seconds. */
	said?(): string;
}

export class Frame {
	readonly el: HTMLElement;
	readonly #model: WidgetModel;
	readonly #feed: Viewed;
	readonly #body: Body;
	readonly #schedule: Schedule;
	readonly #toolbar: Toolbar;
	readonly #banners = new Banners();
	readonly #note = element("div", "note");
	readonly #noteText = element("span", "note-text");
	readonly #summary = element("div", "summary", { role: "status", "aria-live": "polite" });
	#figuresAt = Number.NEGATIVE_INFINITY;
	#summaryAt = Number.NEGATIVE_INFINITY;

	constructor(model: WidgetModel, feed: Viewed, body: Body, signal: AbortSignal) {
		this.#model = model;
		this.#feed = feed;
		this.#body = body;
		this.#schedule = new Schedule(() => this.#draw(), signal, feed.drawing);
		this.#toolbar = new Toolbar(() => this.togglePause(), body.before ?? [], body.after ?? []);
		this.#note.append(icon(ICONS.note), this.#noteText);
		const inner = element("div", "body", {}, body.el);
		const parts = [this.#toolbar.el, this.#banners.el, inner, this.#note, this.#summary];
		this.el = element("div", `view ${body.name}`, { role: "group" }, ...parts);
	}

	/** Begin, once the body is complete. */
	start(signal: AbortSignal): void {
		const changed = (): void => this.#schedule.soon();
		const traits = ["paused", "title", ...this.#body.traits].map((name) => `change:${name}`);
		for (const trait of traits) this.#model.on(trait, changed);
		const hide = this.#feed.show(changed);
		signal.addEventListener("abort", () => {
			hide();
			for (const trait of traits) this.#model.off(trait, changed);
		});
		followTheme(this.el, signal, () => {
			this.#body.themed?.();
			this.#schedule.soon();
		});
		this.#schedule.watch(this.el);
		this.#draw();
	}

	get paused(): boolean {
		return this.#model.get("paused") === true;
	}

	get title(): string {
		return this.#model.get("title") || this.#feed.channel;
	}

	togglePause(): void {
		if (this.paused) this.#body.resumed?.();
		writeTrait(this.#model, "paused", !this.paused);
		this.#schedule.soon();
	}

	/** Draw with the next frame. */
	soon(): void {
		this.#schedule.soon();
	}

	/** Draw in `ms` at the latest. */
	later(ms: number): void {
		this.#schedule.later(ms);
	}

	/** The reader did something: show the figures of it at once. */
	refresh(): void {
		this.#figuresAt = Number.NEGATIVE_INFINITY;
		this.#schedule.soon();
	}

	#draw(): void {
		if (this.#body.always === true || this.#schedule.seen) this.#body.draw();
		this.#drawFrame();
		const now = this.#feed.now();
		if (now - this.#figuresAt >= FIGURES_MS) {
			this.#figuresAt = now;
			this.#drawFigures(now);
		} else this.#schedule.later(FIGURES_MS);
	}

	#drawFrame(): void {
		const { el } = this;
		const feed = this.#feed;
		setAttribute(el, "aria-label", this.title);
		setAttribute(el, "data-state", feed.state);
		setAttribute(el, "data-count", String(feed.tally.count));
		setAttribute(el, "data-lost", String(feed.tally.lost));
		setAttribute(el, "data-transport", feed.transport);
		setAttribute(el, "data-paused", String(this.paused));
		this.#toolbar.update(feed, this.title, this.paused);
		const comeAgain = this.#banners.update(feed);
		if (comeAgain !== null) this.#schedule.later(comeAgain);
	}

	#drawFigures(now: number): void {
		const rate = this.#feed.tally.rate(now);
		this.#toolbar.updateFigures(this.#feed, rate);
		this.#body.figures?.(now);
		const note = this.#body.note?.() ?? "";
		setText(this.#noteText, note);
		setShown(this.#note, note !== "");
		if (rate > 0) this.#schedule.later(FIGURES_MS);
		this.#drawSummary(now, rate);
	}

	/** One calm sentence for screen readers; what moves is silent. */
	#drawSummary(now: number, rate: number): void {
		if (now - this.#summaryAt < SUMMARY_MS) return;
		const parts = [
			`${this.title}: ${WORDS[this.#feed.state]}`,
			this.#body.said?.() ?? "",
			plural(this.#feed.tally.count, "event", "events"),
			`${formatRate(rate)} per second`,
			lostText(this.#feed),
			this.#body.note?.() ?? "",
		];
		this.#summaryAt = now;
		setText(this.#summary, parts.filter((part) => part !== "").join(", "));
	}
}
