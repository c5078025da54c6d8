/**
 * Light or dark, as the host is.
 *
 * `prefers-color-scheme` is the reader's system, not the notebook: JupyterLab has a dark theme of its own. What is true in
 * every host is the colour of the text around the widget: bright text means a dark page.
 */

function lightness(color: string): number | null {
	const numbers = (color.match(/-?[\d.]+%?/g) ?? []).map((text) =>
		text.endsWith("%") ? Number.parseFloat(text) / 100 : Number.parseFloat(text),
	);
	const [a, b, c] = numbers;
	if (a === undefined || b === undefined || c === undefined) return null;
	if (color.startsWith("rgb")) return (0.2126 * a + 0.7152 * b + 0.0722 * c) / 255;
	if (color.startsWith("color(")) return 0.2126 * a + 0.7152 * b + 0.0722 * c;
	if (color.startsWith("ok")) return a;
	if (color.startsWith("lab") || color.startsWith("lch")) return a > 1 ? a / 100 : a;
	return null;
}

function themeOf(around: Node): "light" | "dark" {
	const text = around instanceof Element ? lightness(getComputedStyle(around).color) : null;
	if (text !== null) return text > 0.5 ? "dark" : "light";
	return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

/** Keep `data-theme` of `root` right until the signal aborts; `changed` is called after each change. */
export function followTheme(
	root: HTMLElement,
	signal: AbortSignal,
	changed: () => void = () => undefined,
): void {
	const update = (): void => {
		const around = root.parentElement ?? root.getRootNode();
		const theme = themeOf(around instanceof ShadowRoot ? around.host : around);
		if (!root.isConnected || root.dataset.theme === theme) return;
		root.dataset.theme = theme;
		changed();
	};
	root.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
	// Hosts attach the element after `render`, and switch themes by attributes of the document's roots.
	const soon = setTimeout(update, 0);
	const observer = new MutationObserver(update);
	for (const target of [document.documentElement, document.body]) {
		observer.observe(target, {
			attributes: true,
			attributeFilter: ["class", "style", "data-theme", "data-jp-theme-light"],
		});
	}
	const preference = matchMedia("(prefers-color-scheme: dark)");
	preference.addEventListener("change", update, { signal });
	// JupyterLab loads a theme's style sheet after it has set the attribute.
	const again = setInterval(update, 2_000);
	signal.addEventListener("abort", () => {
		clearTimeout(soon);
		clearInterval(again);
		observer.disconnect();
	});
}
