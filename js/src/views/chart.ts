/** Lines over time, or over any number. */

import type { LineChartModel } from "../model.gen.ts";
import type { WidgetModel } from "../model.ts";
import { ChartData, type Frozen, MAX_LINES } from "./chart-data.ts";
import { element, ICONS, setAttribute, setShown } from "./dom.ts";
import { Empty } from "./empty.ts";
import { formatTime, plural } from "./format.ts";
import { type Body, Frame } from "./frame.ts";
import { Gathering, type Source } from "./gather.ts";
import { Legend } from "./legend.ts";
import { Plot, type Range, valueAt } from "./plot.ts";
import { toolButton } from "./toolbar.ts";

type Model = WidgetModel<LineChartModel>;

const ZOOM = 0.7;
const KEYS = "Arrow keys read the values, plus and minus zoom, Shift and an arrow move, 0 shows all";

class ChartView implements Body {
	readonly name = "chart";
	readonly traits = ["x", "y", "by", "points", "seconds", "height"];
	readonly el: HTMLElement;
	readonly frame: Frame;
	readonly before: readonly Node[];
	readonly after: readonly Node[];
	readonly #model: Model;
	readonly #source: Source;
	readonly #data: ChartData;
	readonly #canvas = element("div", "chart-canvas", {
		role: "application",
		tabindex: "0",
		"aria-roledescription": "chart",
		"aria-description": KEYS,
	});
	readonly #reset = toolButton("reset", ICONS.whole, "Show all", () => this.#zoom(null));
	readonly #empty = new Empty();
	readonly #legend = new Legend((name) => this.#toggle(name));
	readonly #hidden = new Set<string>();
	readonly #plot: Plot;
	#shown: Frozen | null = null;
	/** Of the data that are shown. */
	#version = -1;
	#range: Range | null = null;
	/** What the reader points at. */
	#row: number | null = null;
	#stale = true;
	#cleared = false;

	constructor(source: Source, data: ChartData, clear: () => void, signal: AbortSignal) {
		this.#model = source.model as Model;
		this.#source = source;
		this.#data = data;
		const clearButton = toolButton("clear", ICONS.clear, "Clear the view", () => {
			clear();
			this.#cleared = true;
			this.#shown = null;
			this.#zoom(null);
			this.frame.refresh();
		});
		this.before = [this.#reset];
		this.after = [clearButton];
		const events = {
			zoomed: (range: Range | null) => this.#zoom(range),
			pointed: (row: number | null) => this.#point(row),
		};
		this.#plot = new Plot(this.#canvas, events, signal);
		this.#canvas.addEventListener("keydown", (event) => this.#onKey(event));
		this.el = element("div", "chart-body", {}, this.#legend.el, this.#canvas, this.#empty.el);
		this.frame = new Frame(source.model, source.feed, this, signal);
		this.frame.start(signal);
	}

	draw(): void {
		this.#canvas.style.height = this.#model.get("height") || "";
		const moves = !this.frame.paused || this.#shown === null;
		if (moves && this.#version !== this.#data.version) {
			this.#version = this.#data.version;
			this.#shown = this.#data.now;
			this.#stale = true;
		}
		const shown = this.#shown;
		const empty = shown === null || !shown.any;
		// Before it has a width there is nothing to draw on; being seen makes it draw again.
		if (!empty && this.#stale && this.#canvas.isConnected) {
			this.#stale = false;
			this.#plot.draw(shown, { hidden: this.#hidden, range: this.#range });
			this.#drawLegend();
		}
		setShown(this.#legend.el, !empty);
		setAttribute(this.#canvas, "data-empty", String(empty));
		setShown(this.#reset, this.#range !== null);
		const { feed } = this.#source;
		const without = this.#data.count > 0 ? "numbers" : this.#cleared ? "cleared" : feed.state;
		this.#empty.update(empty, without, feed.channel || this.frame.title);
		setAttribute(this.#canvas, "aria-label", `${this.frame.title}, ${this.said()}`);
		setAttribute(this.frame.el, "data-points", String(shown?.x.length ?? 0));
		setAttribute(this.frame.el, "data-zoomed", String(this.#range !== null));
	}

	themed(): void {
		this.#plot.themed();
	}

	note(): string {
		const { fields, late, unseen } = this.#data;
		if (fields.note !== "") return fields.note;
		if (unseen.size > 0)
			return `${plural(unseen.size, "line is", "lines are")} not shown: there is room for ${MAX_LINES}`;
		return late > 0 ? `${plural(late, "point", "points")} came too late for what is shown` : "";
	}

	said(): string {
		const shown = this.#shown;
		if (shown === null) return "no points";
		const values = shown.names.map((name, line) => {
			const value = valueAt(shown.lines[line] ?? [], Number.POSITIVE_INFINITY);
			return `${name} ${value ?? "missing"}`;
		});
		return [plural(shown.x.length, "point", "points"), ...values.slice(0, 5)].join(", ");
	}

	// ---- what the reader does --------------------------------------------------------------------------------------

	#toggle(name: string): void {
		if (!this.#hidden.delete(name)) this.#hidden.add(name);
		this.#again();
	}

	#zoom(range: Range | null): void {
		this.#range = range;
		this.#again();
	}

	#again(): void {
		this.#stale = true;
		this.frame.soon();
	}

	#point(row: number | null): void {
		if (row === this.#row) return;
		this.#row = row;
		this.#drawLegend();
	}

	#drawLegend(): void {
		const shown = this.#shown;
		if (shown === null) return;
		const row = this.#row ?? Number.POSITIVE_INFINITY;
		const values = shown.lines.map((line) => valueAt(line, row));
		const x = this.#row === null ? undefined : shown.x[this.#row];
		const where = x === undefined ? "" : shown.time ? formatTime(x * 1000) : String(x);
		this.#legend.draw(shown.names, values, this.#hidden, where);
	}

	#onKey(event: KeyboardEvent): void {
		const shown = this.#shown;
		if (shown === null || shown.x.length === 0 || event.ctrlKey || event.metaKey || event.altKey) return;
		const side = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
		if (event.key === "+" || event.key === "=") this.#scale(shown, ZOOM, 0);
		else if (event.key === "-") this.#scale(shown, 1 / ZOOM, 0);
		else if (event.key === "0" || event.key === "Escape") this.#zoom(null);
		else if (side !== 0 && event.shiftKey) this.#scale(shown, 1, side * 0.2);
		else if (side !== 0) {
			const last = shown.x.length - 1;
			this.#plot.point(Math.min(Math.max((this.#row ?? (side < 0 ? last + 1 : -1)) + side, 0), last));
		} else return;
		event.preventDefault();
	}

	/** Show a part of x: so much of what is shown, so far aside. */
	#scale(shown: Frozen, factor: number, aside: number): void {
		const [first, last] = [shown.x[0] ?? 0, shown.x.at(-1) ?? 0];
		const [from, to] = this.#range ?? [first, last];
		const half = ((to - from) / 2) * factor;
		const middle = (from + to) / 2 + (to - from) * aside;
		const [left, right] = [Math.max(middle - half, first), Math.min(middle + half, last)];
		if (right <= left) return;
		this.#zoom(left === first && right === last ? null : [left, right]);
	}
}

export function chart(source: Source): (signal: AbortSignal) => HTMLElement {
	const data = new ChartData(source.model as Model);
	const gathering = new Gathering(source, ["x", "y", "by", "points", "seconds"], () => data.begin());
	return (signal) => new ChartView(source, data, () => gathering.clear(), signal).frame.el;
}
