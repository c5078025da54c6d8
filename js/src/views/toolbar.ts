/** The line above a view: how the feed is, and what the reader can do. */

import type { State } from "../protocol.ts";
import { element, ICONS, icon, setAttribute, setShown, setText } from "./dom.ts";
import { formatCount, formatRate, plural } from "./format.ts";
import type { Viewed } from "./viewed.ts";

export const WORDS: Readonly<Record<State, string>> = {
	idle: "Idle",
	connecting: "Connecting",
	open: "Live",
	reconnecting: "Reconnecting",
	ended: "Ended",
	closed: "Closed",
	failed: "Not connected",
};

/** A button with an icon. */
export function toolButton(name: string, path: string, label: string, act: () => void): HTMLButtonElement {
	const made = element(
		"button",
		`button ${name}`,
		{ type: "button", title: label, "aria-label": label },
		icon(path),
	);
	made.addEventListener("click", act);
	return made;
}

/** Where the reader types what to see. */
export class FilterBox {
	readonly el: HTMLElement;
	readonly #matches = element("span", "matches");

	constructor(label: string, act: (query: string) => void) {
		const input = element("input", "filter-input", {
			type: "search",
			placeholder: "Filter",
			"aria-label": label,
			spellcheck: "false",
			autocomplete: "off",
		});
		input.addEventListener("input", () => act(input.value));
		this.el = element("label", "filter", {}, icon(ICONS.filter), input, this.#matches);
	}

	setMatches(query: string, matching: number): void {
		setText(this.#matches, query === "" ? "" : plural(matching, "match", "matches"));
	}
}

export function lostText(feed: Viewed): string {
	const { lost, lostUnknown } = feed.tally;
	if (lostUnknown) return lost === 0 ? "some lost" : `over ${formatCount(lost)} lost`;
	return lost === 0 ? "" : `${formatCount(lost)} lost`;
}

export class Toolbar {
	readonly el: HTMLElement;
	readonly #state = element("span", "state-word");
	readonly #title = element("span", "title");
	readonly #rate = element("span", "figure figure-rate");
	readonly #count = element("span", "figure figure-count");
	readonly #lost = element("span", "figure figure-lost");
	readonly #transport = element("span", "transport");
	readonly #pause: HTMLButtonElement;
	#paused: boolean | null = null;

	/** `before` and `after`: what else the reader can do, left and right of *pause*. */
	constructor(pause: () => void, before: readonly Node[], after: readonly Node[]) {
		this.#pause = toolButton("pause", ICONS.pause, "Pause", pause);
		const dot = element("span", "dot", { "aria-hidden": "true" });
		const state = element("span", "state", {}, dot, this.#state);
		const figures = element("span", "figures", {}, this.#rate, this.#count, this.#lost, this.#transport);
		const tools = element("span", "tools", {}, ...before, this.#pause, ...after);
		this.el = element("div", "toolbar", {}, state, this.#title, figures, tools);
	}

	/** What has to be right at once. */
	update(feed: Viewed, title: string, paused: boolean): void {
		const connected = feed.state === "open" || feed.state === "reconnecting";
		setText(this.#state, WORDS[feed.state]);
		setText(this.#title, title);
		setAttribute(this.#title, "title", title);
		setText(this.#transport, feed.transport);
		setShown(this.#transport, connected && feed.transport !== "");
		if (paused !== this.#paused) this.#setPaused(paused);
	}

	/** What nobody could read if it changed with every frame. */
	updateFigures(feed: Viewed, rate: number): void {
		const lost = lostText(feed);
		setText(this.#rate, `${formatRate(rate)}/s`);
		setText(this.#count, plural(feed.tally.count, "event", "events"));
		setText(this.#lost, lost);
		setShown(this.#lost, lost !== "");
	}

	#setPaused(paused: boolean): void {
		this.#paused = paused;
		const label = paused ? "Resume" : "Pause";
		this.#pause.replaceChildren(
			icon(paused ? ICONS.resume : ICONS.pause),
			element("span", "button-text", {}, label),
		);
		this.#pause.title = paused
			? "Resume: show what has come in the meantime"
			: "Pause the view; events still count";
		this.#pause.setAttribute("aria-label", label);
		this.#pause.setAttribute("aria-pressed", String(paused));
	}
}
