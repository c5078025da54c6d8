/** The figures at the top: all channels together. */

import { element, setText } from "../views/dom.ts";
import { formatCount, formatRate } from "../views/format.ts";
import type { Census } from "./census.ts";
import { formatBytes } from "./format.ts";

interface Tile {
	readonly label: string;
	of(census: Census): string;
	/** Something that the reader should see. */
	warns?(census: Census): boolean;
}

const lost = (census: Census): number => census.sum(({ counts }) => counts.lost);

const TILES: readonly Tile[] = [
	{
		label: "channels",
		of: ({ entries }) => formatCount([...entries.values()].filter(({ counts }) => !counts.run).length),
	},
	{ label: "events/s", of: (census) => formatRate(census.sum((entry) => entry.eventsPerSecond)) },
	{ label: "data/s", of: (census) => formatBytes(census.sum((entry) => entry.bytesPerSecond)) },
	{ label: "readers", of: (census) => formatCount(census.sum(({ counts }) => counts.readers.length)) },
	{
		label: "runs",
		of: ({ entries }) => formatCount([...entries.values()].filter(({ counts }) => counts.run).length),
	},
	{ label: "lost", of: (census) => formatCount(lost(census)), warns: (census) => lost(census) > 0 },
];

export class Tiles {
	readonly el: HTMLElement;
	readonly #values = TILES.map(() => element("dd", "page-value", {}, "–"));

	constructor() {
		const tiles = TILES.map(({ label }, at) =>
			element("div", "page-tile", {}, element("dt", "page-label", {}, label), this.#values[at] ?? ""),
		);
		this.el = element("dl", "page-tiles", { "aria-label": "All channels together" }, ...tiles);
	}

	draw(census: Census): void {
		for (const [at, tile] of TILES.entries()) {
			const value = this.#values[at];
			if (value === undefined) continue;
			setText(value, tile.of(census));
			value.parentElement?.toggleAttribute("data-warns", tile.warns?.(census) === true);
		}
	}
}
