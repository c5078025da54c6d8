/** What a view says while it has nothing to show. */

import type { State } from "../protocol.ts";
import { element, setShown } from "./dom.ts";

export type Reason = State | "filter" | "cleared" | "numbers";

export class Empty {
	readonly el = element("div", "empty");
	#key = "";

	/** `kind`: why there is nothing: the reader's filter, or that they cleared the view, or that no event has a number, or else the feed's state. */
	update(empty: boolean, kind: Reason, channel: string): void {
		setShown(this.el, empty);
		const key = `${kind} ${channel}`;
		if (!empty || key === this.#key) return;
		this.#key = key;
		this.el.replaceChildren(...textOf(kind, channel));
	}
}

function textOf(kind: Reason, channel: string): (Node | string)[] {
	if (kind === "filter") return [element("p", "empty-line", {}, "No event matches the filter.")];
	if (kind === "cleared") return [element("p", "empty-line", {}, "Cleared. New events appear here.")];
	if (kind === "numbers") return [element("p", "empty-line", {}, "No numbers to show yet.")];
	if (kind === "ended" || kind === "closed" || kind === "failed")
		return [element("p", "empty-line", {}, "No events.")];
	const code = element("code", "empty-code", {}, `channel(${JSON.stringify(channel)}).push({...})`);
	return [
		element("p", "empty-line", {}, "Waiting for events."),
		element("p", "empty-hint", {}, "In a cell: ", code),
	];
}
