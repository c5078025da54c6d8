/** How the feed is, on one line: the frame itself, and nothing in it. */

import { element, setText } from "./dom.ts";
import { formatCount } from "./format.ts";
import { type Body, Frame } from "./frame.ts";
import type { Source } from "./gather.ts";

class StateView implements Body {
	readonly name = "badge";
	readonly traits = [];
	readonly #latency = element("span", "figure figure-latency");
	readonly before = [this.#latency];
	readonly el = element("div", "badge-body");
	readonly #source: Source;

	constructor(source: Source) {
		this.#source = source;
		this.#latency.title = "From the push to this page";
	}

	draw(): void {}

	figures(): void {
		const { latencyMs } = this.#source.feed.tally;
		setText(this.#latency, latencyMs === null ? "" : `${formatCount(latencyMs)} ms`);
	}
}

export function state(source: Source): (signal: AbortSignal) => HTMLElement {
	return (signal) => {
		const frame = new Frame(source.model, source.feed, new StateView(source), signal);
		frame.start(signal);
		return frame.el;
	};
}
