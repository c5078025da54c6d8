/** The way back to the newest, over a view that stands still. */

import { element, ICONS, icon, setShown, setText } from "./dom.ts";
import { formatCount } from "./format.ts";

export class Pill {
	readonly el = element("button", "pill", { type: "button" });
	readonly #text = element("span", "pill-text");

	constructor(act: () => void) {
		this.el.append(icon(ICONS.down), icon(ICONS.resume), this.#text);
		this.el.addEventListener("click", act);
		setShown(this.el, false);
	}

	/** `fresh`: how many have come that are not shown. */
	update(paused: boolean, following: boolean, fresh: number): void {
		const text = paused
			? `${formatCount(fresh)} new while paused – resume`
			: `Jump to newest${fresh > 0 ? ` (${formatCount(fresh)} new)` : ""}`;
		setText(this.#text, text);
		setShown(this.el, paused || !following);
	}
}
