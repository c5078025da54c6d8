/** The names of the lines, their values, and which are shown. */

import { MISSING } from "./column.ts";
import { element, setAttribute, setText } from "./dom.ts";
import { digitsFor, formatFixed } from "./format.ts";
import { dashOf } from "./plot.ts";

interface Item {
	readonly button: HTMLButtonElement;
	readonly value: HTMLElement;
}

export class Legend {
	readonly el = element("div", "legend");
	readonly #toggled: (name: string) => void;
	readonly #where = element("span", "legend-where");
	readonly #items = new Map<string, Item>();

	constructor(toggled: (name: string) => void) {
		this.#toggled = toggled;
		this.el.append(this.#where);
	}

	/** `where`: what x the values are of; "" for the newest. */
	draw(
		names: readonly string[],
		values: readonly (number | null)[],
		hidden: ReadonlySet<string>,
		where: string,
	): void {
		const shown = [...this.#items.keys()];
		if (names.length !== shown.length || names.some((name, at) => name !== shown[at])) this.#make(names);
		for (const [at, name] of names.entries()) {
			const item = this.#items.get(name);
			const value = values[at] ?? null;
			if (item === undefined) continue;
			setText(
				item.value,
				value === null ? MISSING : formatFixed(value, digitsFor(value, !Number.isInteger(value))),
			);
			setAttribute(item.button, "aria-pressed", String(!hidden.has(name)));
		}
		setText(this.#where, where);
	}

	#make(names: readonly string[]): void {
		this.#items.clear();
		const made = names.map((name, line) => {
			const value = element("span", "legend-value");
			const mark = element("span", `legend-mark chart-color-${line % 8}`, { "aria-hidden": "true" });
			mark.dataset.dashed = String(dashOf(line).length > 0);
			const label = element("span", "legend-name", {}, name);
			const button = element("button", "legend-item", { type: "button", title: `Show or hide ${name}` });
			button.append(mark, label, value);
			button.addEventListener("click", () => this.#toggled(name));
			this.#items.set(name, { button, value });
			return button;
		});
		this.el.replaceChildren(...made, this.#where);
	}
}
