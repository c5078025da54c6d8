/** The canvas of a chart: uPlot, in the host's colours. */

import uPlot from "uplot";
import type { Cell, Frozen } from "./chart-data.ts";
import { formatDate, formatTime } from "./format.ts";

const LINE_COLORS = 8;
/** Lines beyond the colours are told apart by their strokes. */
const DASHES: readonly number[][] = [[], [7, 4], [2, 3]];
const FONT = "11px system-ui, sans-serif";
const MIN_PX = 40;

export interface PlotEvents {
	/** The reader chose a part of x, or all of it. */
	zoomed(range: Range | null): void;
	/** The reader points at this row, or at none. */
	pointed(row: number | null): void;
}

export type Range = readonly [from: number, to: number];

export interface Look {
	/** Which lines are not drawn. */
	readonly hidden: ReadonlySet<string>;
	/** Null: all there is. */
	readonly range: Range | null;
}

/** The colour of a line, from the style sheet. */
export function colorOf(host: Element, line: number): string {
	return variable(host, `--sse-chart-${line % LINE_COLORS}`);
}

export function dashOf(line: number): readonly number[] {
	return DASHES[Math.floor(line / LINE_COLORS)] ?? [];
}

function variable(host: Element, name: string): string {
	return getComputedStyle(host).getPropertyValue(name).trim() || "#888";
}

export class Plot {
	readonly #host: HTMLElement;
	readonly #events: PlotEvents;
	#plot: uPlot | null = null;
	/** What the plot was made for; another structure needs another plot. */
	#made = "";
	#data: Frozen | null = null;
	#colors: { ink: string; grid: string; gap: string; lines: readonly string[] } | null = null;

	constructor(host: HTMLElement, events: PlotEvents, signal: AbortSignal) {
		this.#host = host;
		this.#events = events;
		const observer = new ResizeObserver(() => this.#resize());
		observer.observe(host);
		signal.addEventListener("abort", () => {
			observer.disconnect();
			this.#plot?.destroy();
			this.#plot = null;
		});
	}

	draw(data: Frozen, { hidden, range }: Look): void {
		this.#data = data;
		const made = JSON.stringify([data.time, data.names]);
		if (this.#plot === null || made !== this.#made) {
			this.#made = made;
			this.#make(data);
		}
		const plot = this.#plot;
		if (plot === null) return;
		const columns = [data.x, ...data.lines] as unknown as uPlot.AlignedData;
		// At once: uPlot would draw in a microtask, out of sight of who measures how long views take.
		plot.batch(() => {
			for (const [at, name] of data.names.entries()) {
				if (plot.series[at + 1]?.show === hidden.has(name))
					plot.setSeries(at + 1, { show: !hidden.has(name) });
			}
			plot.setData(columns, false);
			const [min, max] = range ?? wholeOf(data.x);
			plot.setScale("x", { min, max });
		});
	}

	/** Colours are looked up again. */
	themed(): void {
		this.#colors = null;
		this.#plot?.redraw(false);
	}

	/** Point at a row, for who has no mouse. */
	point(row: number): void {
		const plot = this.#plot;
		const x = this.#data?.x[row];
		if (plot !== null && x !== undefined) plot.setCursor({ left: plot.valToPos(x, "x"), top: 10 });
	}

	#resize(): void {
		const { clientWidth, clientHeight } = this.#host;
		if (clientWidth < MIN_PX || clientHeight < MIN_PX) return; // out of sight: it comes again
		const plot = this.#plot;
		if (plot === null || (plot.width === clientWidth && plot.height === clientHeight)) return;
		plot.setSize({ width: clientWidth, height: clientHeight });
	}

	get #look(): { ink: string; grid: string; gap: string; lines: readonly string[] } {
		this.#colors ??= {
			ink: variable(this.#host, "--sse-muted"),
			grid: variable(this.#host, "--sse-line"),
			gap: variable(this.#host, "--sse-wait"),
			lines: Array.from({ length: LINE_COLORS }, (_, line) => colorOf(this.#host, line)),
		};
		return this.#colors;
	}

	#make(data: Frozen): void {
		this.#plot?.destroy();
		const { clientWidth, clientHeight } = this.#host;
		const axis: uPlot.Axis = {
			font: FONT,
			stroke: () => this.#look.ink,
			grid: { stroke: () => this.#look.grid, width: 1 },
			ticks: { stroke: () => this.#look.grid, width: 1, size: 5 },
		};
		const series = data.names.map((name, line): uPlot.Series => {
			const stroke = (): string => this.#look.lines[line % LINE_COLORS] ?? "#888";
			const points: uPlot.Series.Points = { size: 5, fill: stroke, filter: isolated };
			return { label: name, stroke, width: 1.75, dash: [...dashOf(line)], points };
		});
		const options: uPlot.Options = {
			width: Math.max(clientWidth, MIN_PX),
			height: Math.max(clientHeight, MIN_PX),
			padding: [12, data.time ? 30 : 14, 0, 0],
			legend: { show: false },
			scales: { x: { time: data.time, auto: false } },
			axes: [
				{ ...axis, size: 32, ...(data.time ? { values: timesOf, space: 66 } : {}) },
				{ ...axis, size: widthOfLabels },
			],
			cursor: { drag: { x: true, y: false, setScale: false }, points: { size: 7 } },
			series: [{}, ...series],
			hooks: {
				draw: [(plot) => this.#drawGaps(plot)],
				setSelect: [(plot) => this.#onSelect(plot)],
				setCursor: [(plot) => this.#events.pointed(plot.cursor.idx ?? null)],
			},
		};
		this.#plot = new uPlot(options, [data.x, ...data.lines] as unknown as uPlot.AlignedData, this.#host);
		this.#plot.over.addEventListener("dblclick", () => this.#events.zoomed(null));
	}

	#onSelect(plot: uPlot): void {
		const { left, width } = plot.select;
		if (width < 4) return; // a click
		this.#events.zoomed([plot.posToVal(left, "x"), plot.posToVal(left + width, "x")]);
		plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
	}

	/** A line from top to bottom where events were lost. */
	#drawGaps(plot: uPlot): void {
		const { ctx, bbox } = plot;
		const data = this.#data;
		if (data === null || data.gaps.length === 0) return;
		ctx.save();
		ctx.strokeStyle = this.#look.gap;
		ctx.lineWidth = 2 * devicePixelRatio;
		ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
		ctx.beginPath();
		for (const x of data.gaps) {
			const at = plot.valToPos(x, "x", true);
			if (at < bbox.left || at > bbox.left + bbox.width) continue;
			ctx.moveTo(at, bbox.top);
			ctx.lineTo(at, bbox.top + bbox.height);
		}
		ctx.stroke();
		ctx.restore();
	}
}

/** Of a line without points, those that no stroke leads to; else all. */
function isolated(plot: uPlot, line: number, all: boolean): number[] | null {
	if (all) return null;
	const cells = plot.data[line] ?? [];
	const found: number[] = [];
	let lone: number | null = null;
	let joined = false;
	for (let at = 0; at < cells.length; at += 1) {
		const cell = cells[at];
		if (cell === undefined) continue;
		if (cell !== null && lone === null) lone = at;
		else if (cell !== null) joined = true;
		else {
			if (lone !== null && !joined) found.push(lone);
			[lone, joined] = [null, false];
		}
	}
	if (lone !== null && !joined) found.push(lone);
	return found;
}

/** As long as it takes to tell them apart. */
function timesOf(_plot: uPlot, times: number[], _axis: number, _space: number, step: number): string[] {
	return times.map((time) => {
		if (step >= 86_400) return formatDate(time * 1000).slice(0, 10);
		const text = formatTime(time * 1000);
		return step >= 60 ? text.slice(0, 5) : step >= 1 ? text.slice(0, 8) : text;
	});
}

function wholeOf(x: readonly number[]): Range {
	const [first, last] = [x[0] ?? 0, x.at(-1) ?? 1];
	return first < last ? [first, last] : [first - 0.5, last + 0.5];
}

/** Room for the longest label of y. */
function widthOfLabels(_plot: uPlot, values: string[] | null): number {
	const longest = Math.max(0, ...(values ?? []).map((value) => value?.length ?? 0));
	return Math.max(40, longest * 7 + 18);
}

/** The newest value of a line at a row or before it. */
export function valueAt(line: readonly Cell[], row: number): number | null {
	for (let at = Math.min(row, line.length - 1); at >= 0; at -= 1) {
		const cell = line[at];
		if (cell !== undefined) return cell;
	}
	return null;
}
