/** Making elements. Text goes in as text only: nothing here, or in any view, knows how to parse HTML. */

type Attributes = Readonly<Record<string, string>>;

/** All class names of the package begin with this, since hosts put our style sheet into their page. */
export const PREFIX = "sse-widget-";

export function element<K extends keyof HTMLElementTagNameMap>(
	tag: K,
	name: string,
	attributes: Attributes = {},
	...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
	const made = document.createElement(tag);
	if (name !== "") made.className = name.replaceAll(/\S+/g, `${PREFIX}$&`);
	for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
	made.append(...children);
	return made;
}

const SVG = "http://www.w3.org/2000/svg";

/** A 16 × 16 icon of strokes. */
export function icon(path: string): SVGElement {
	const svg = document.createElementNS(SVG, "svg");
	svg.setAttribute("viewBox", "0 0 16 16");
	svg.setAttribute("class", `${PREFIX}icon`);
	svg.setAttribute("aria-hidden", "true");
	const shape = document.createElementNS(SVG, "path");
	shape.setAttribute("d", path);
	svg.append(shape);
	return svg;
}

export const ICONS = {
	pause: "M5.5 3.5v9M10.5 3.5v9",
	resume: "M5 3.5v9l7-4.5z",
	clear: "M3 4.5h10M6.5 4.5v-1.5h3v1.5M4.5 4.5l.6 8.5h5.8l.6-8.5M7 7v3.5M9 7v3.5",
	filter: "M7 3a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM10 10l3 3",
	down: "M8 3v9.5M4 8.5l4 4 4-4",
	close: "M4 4l8 8M12 4l-8 8",
	warning: "M8 2.5L14 13H2zM8 6.5v3M8 11.2v.3",
	good: "M8 2.2a5.8 5.8 0 1 0 0 11.6A5.8 5.8 0 0 0 8 2.2zM5.3 8.2l1.9 1.9 3.5-4",
	bad: "M5.6 2.2h4.8l3.4 3.4v4.8l-3.4 3.4H5.6L2.2 10.4V5.6zM6 6l4 4M10 6l-4 4",
	up: "M8 12.5v-9M4 7.5l4-4 4 4",
	fall: "M8 3.5v9M4 8.5l4 4 4-4",
	level: "M3 8h10",
	whole: "M2.5 6v-3.5h3.5M10 2.5h3.5v3.5M13.5 10v3.5h-3.5M6 13.5h-3.5v-3.5",
	copy: "M5.5 5.5h7v8h-7zM3.5 10.5v-8h7",
	save: "M8 2.5v7M5 7l3 3 3-3M3 13h10",
	note: "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zM8 7.2v3.6M8 5v.3",
	closed: "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zM5.5 8h5",
} as const;

/** Change the text only if it is another: a write without need makes the browser lay out, and screen readers speak. */
export function setText(target: Element, text: string): void {
	if (target.textContent !== text) target.textContent = text;
}

export function setAttribute(target: Element, name: string, value: string): void {
	if (target.getAttribute(name) !== value) target.setAttribute(name, value);
}

export function setShown(target: HTMLElement, shown: boolean): void {
	if (target.hidden === shown) target.hidden = !shown;
}
