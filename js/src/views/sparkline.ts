/** A line without axes: where a number comes from. */

import { PREFIX, setAttribute } from "./dom.ts";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 240;
const HEIGHT = 48;
const MARGIN = 4;

export type Point = readonly [x: number, y: number];

function shape(name: string, tag: "path" | "svg"): SVGElement {
	const made = document.createElementNS(SVG, tag);
	made.setAttribute("class", `${PREFIX}${name}`);
	return made;
}

export class Sparkline {
	readonly el = shape("spark", "svg");
	readonly #area = shape("spark-area", "path");
	readonly #line = shape("spark-line", "path");
	readonly #end = shape("spark-end", "path");

	constructor() {
		this.el.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
		this.el.setAttribute("preserveAspectRatio", "none");
		this.el.setAttribute("aria-hidden", "true");
		this.el.append(this.#area, this.#line, this.#end);
	}

	/** Points in the order of x; `ys` are further numbers that the height has to hold. */
	draw(points: readonly Point[], ys: readonly number[] = []): void {
		const first = points[0];
		const last = points.at(-1);
		if (first === undefined || last === undefined) {
			for (const each of [this.#area, this.#line, this.#end]) setAttribute(each, "d", "");
			return;
		}
		const scaled = scale(points, ys);
		const line = scaled.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`);
		const path = `M${line.join("L")}`;
		const [x, y] = scaled.at(-1) ?? [0, 0];
		setAttribute(this.#line, "d", path);
		setAttribute(
			this.#area,
			"d",
			`${path}L${x.toFixed(1)} ${HEIGHT}L${scaled[0]?.[0].toFixed(1)} ${HEIGHT}Z`,
		);
		// A line of no length with round ends is a dot that keeps its shape, however the picture is stretched.
		setAttribute(this.#end, "d", `M${x.toFixed(1)} ${y.toFixed(1)}h0`);
	}
}

function scale(points: readonly Point[], more: readonly number[]): Point[] {
	const ys = points.map(([, y]) => y).concat(more);
	const [low, high] = [Math.min(...ys), Math.max(...ys)];
	const [left, right] = [points[0]?.[0] ?? 0, points.at(-1)?.[0] ?? 0];
	const across = (WIDTH - 2 * MARGIN) / (right - left || 1);
	const up = (HEIGHT - 2 * MARGIN) / (high - low || 1);
	const flat = high === low ? (HEIGHT - 2 * MARGIN) / 2 : 0;
	return points.map(([x, y]) => [MARGIN + (x - left) * across, HEIGHT - MARGIN - flat - (y - low) * up]);
}
